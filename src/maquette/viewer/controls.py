"""The controls of the page. What they do is the page's business."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from maquette.viewer.arrangement import ARRANGEMENTS, Arrangement, travels
from maquette.viewer.body import Body
from maquette.viewer.colours import COLOURINGS, ColourBy

if TYPE_CHECKING:
    import viser

SPEEDS = ("0.1x", "0.25x", "0.5x", "1x", "2x", "4x")
LOOK_THROUGH, LOOK_AWAY = "Look through the camera", "Look from outside again"
STEPS = ("first", "back", "next", "last")


class TimeControls:
    """Play, step, scrub, speed, loop."""

    def __init__(self, server: "viser.ViserServer", ticks: int) -> None:
        gui = server.gui
        self.time = gui.add_html("")
        self.play = gui.add_button("Pause")
        self.step = gui.add_button_group("step", STEPS)
        self.slider = gui.add_slider("frame", min=0, max=max(ticks - 1, 1), step=1, initial_value=0)
        self.speed = gui.add_dropdown("speed", options=SPEEDS, initial_value="1x")
        self.loop = gui.add_checkbox("loop", initial_value=True)
        self.play_command = gui.add_command("Play or pause", hotkey="space")
        self.next_command = gui.add_command("Next frame", hotkey="N")
        self.back_command = gui.add_command("Previous frame", hotkey="B")

    @property
    def factor(self) -> float:
        """How fast time passes."""
        return float(self.speed.value.rstrip("x"))

    def say(self, number: int, last: int, position_s: float, playing: bool, guessed: bool) -> None:
        """Send where the clip is, and whether the first motion is a guess there (nobody was seen)."""
        self.time.content = (
            f'<div style="padding:0.4em 0.8em 0;font-variant-numeric:tabular-nums">frame {number} of {last}, '
            f"{position_s:.2f} s{', a guess' if guessed else ''}</div>"
        )
        if self.slider.value != number:
            self.slider.value = number
        self.play.label = "Pause" if playing else "Play"


class SceneControls:
    """Which motions are seen and where, what is drawn with them, and in which colours."""

    def __init__(self, server: "viser.ViserServer", bodies: Sequence[Body], arrangement: Arrangement) -> None:
        gui = server.gui
        several = len(bodies) > 1
        self.shown: list[viser.GuiCheckboxHandle] = []
        with gui.add_folder("Motions", visible=several):
            for body in bodies:
                self.shown.append(gui.add_checkbox(body.entry.name, initial_value=body.entry.shown))
            self.arrangement = gui.add_dropdown("placed", options=ARRANGEMENTS, initial_value=arrangement)
            self.lines = gui.add_checkbox(
                "error lines",
                initial_value=True,
                hint="From each joint of the first motion seen to the joint of the same name of the others",
            )
            self.differences = gui.add_html("")
        with gui.add_folder("Look"):
            sure = any(body.uncertainty is not None for body in bodies)
            kinds = [kind for kind in COLOURINGS if _makes_sense(kind, several, sure)]
            self.colour = gui.add_dropdown("colour by", options=kinds, initial_value="side", visible=len(kinds) > 1)
            self.scale = gui.add_html("", visible=False)
            self.follow = gui.add_checkbox("follow the person", initial_value=any(travels(body) for body in bodies))
            self.uncertainty = gui.add_checkbox(
                "uncertainty", initial_value=sure, visible=sure, hint="Balls of two standard deviations"
            )
            touching = any(body.contacts is not None for body in bodies)
            self.contacts = gui.add_checkbox("feet on the ground", initial_value=touching, visible=touching)
            filmed = any(body.motion.camera is not None for body in bodies)
            self.camera = gui.add_checkbox("camera", initial_value=filmed, visible=filmed)
            self.through_camera = gui.add_button(LOOK_THROUGH, visible=filmed)
            self.joint = gui.add_dropdown("joint", options=_joints(bodies), initial_value=_first_joint(bodies))
            self.trail = gui.add_checkbox("trail of the joint", initial_value=False)


class SaveControls:
    """Pictures and films."""

    def __init__(self, server: "viser.ViserServer") -> None:
        with server.gui.add_folder("Save"):
            self.picture = server.gui.add_button("Screenshot (PNG)", hint="What this browser shows now")
            self.film = server.gui.add_button("Video (MP4)", hint="The whole clip, drawn as maquette render draws it")


def _makes_sense(kind: ColourBy, several: bool, sure: bool) -> bool:
    return kind == "side" or (kind in {"motion", "error"} and several) or (kind == "uncertainty" and sure)


def _joints(bodies: Sequence[Body]) -> list[str]:
    """Names of all joints, those of the first motion first."""
    return list(dict.fromkeys(joint for body in bodies for joint in body.motion.skeleton.joints))


def _first_joint(bodies: Sequence[Body]) -> str:
    """A hand, for it moves most."""
    joints = _joints(bodies)
    for wish in ("r_wrist", "RightHand", "rhand", "rHand"):
        if wish in joints:
            return wish
    return joints[0]
