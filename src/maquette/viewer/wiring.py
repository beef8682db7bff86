"""What happens when a control of the page is used."""

from typing import TYPE_CHECKING

from maquette.viewer.controls import LOOK_AWAY, LOOK_THROUGH

if TYPE_CHECKING:
    import viser

    from maquette.viewer.page import Page


def wire(page: "Page") -> None:
    """Connect every control. Callbacks come from threads of the server; the page takes one at a time."""
    _wire_time(page)
    look = page.look
    for control in (
        *look.shown,
        look.arrangement,
        look.lines,
        look.colour,
        look.follow,
        look.uncertainty,
        look.contacts,
        look.camera,
        look.joint,
        look.trail,
        page.curves.quantity,
        page.curves.span,
    ):
        control.on_update(lambda _event: page.changed())

    @look.through_camera.on_click
    def _(event: "viser.GuiEvent") -> None:
        shown = [frustum for frustum in page.frustums if frustum.body.shown]
        if event.client is None or not shown:
            return
        if look.through_camera.label == LOOK_AWAY:
            shown[0].look_away(event.client)
            look.through_camera.label = LOOK_THROUGH
        else:
            # Else the scene would move before an eye that stands still.
            look.follow.value = False
            page.changed()
            shown[0].look_through(event.client)
            look.through_camera.label = LOOK_AWAY


def _wire_time(page: "Page") -> None:
    when = page.time
    when.play.on_click(lambda _event: page.toggle())
    when.play_command.on_trigger(lambda _event: page.toggle())
    when.next_command.on_trigger(lambda _event: page.step_to(page.tick + 1))
    when.back_command.on_trigger(lambda _event: page.step_to(page.tick - 1))

    @when.slider.on_update
    def _(event: "viser.GuiEvent") -> None:
        # Without a client it was moved by the page itself.
        if event.client is not None:
            page.go_to(int(when.slider.value))

    @when.step.on_click
    def _(_event: object) -> None:
        last = len(page.ticks_s) - 1
        ticks = {"first": 0, "back": page.tick - 1, "next": page.tick + 1, "last": last}
        page.step_to(ticks[when.step.value])

    @when.speed.on_update
    def _(_event: object) -> None:
        page.playback.speed = when.factor

    @when.loop.on_update
    def _(_event: object) -> None:
        page.playback.loop = when.loop.value
