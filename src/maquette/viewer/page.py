"""What is on the page: meshes, the sheet with the 2D input, controls. What is shown is sent, never the whole clip."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render.stage import Stage, stage
from maquette.render.views import followed_path, scene_positions, standard_views
from maquette.viewer.figures import FigureShape, ball, cylinder, figure_shape, place
from maquette.viewer.playback import Playback, frame_at

if TYPE_CHECKING:
    import viser

SPEEDS = ("0.1x", "0.25x", "0.5x", "1x", "2x", "4x")
_GAP_M = 0.4
_TRAVELS_M = 1.0
_SHEET_HEIGHT_M = 1.4
_PALE = (0.0, 0.35, 0.55)
"""How pale the first, the second, and further motions are."""


@dataclass(eq=False)
class _Shown:
    """One motion on the page."""

    shape: FigureShape
    times_s: Float[np.ndarray, " frames"]
    followed: Float[np.ndarray, "frames 3"]
    offset_m: Float[np.ndarray, "3"]
    bones: "viser.BatchedMeshHandle"
    joints: "viser.BatchedMeshHandle"
    label: "viser.LabelHandle"
    frame: int = -1


class Page:
    """The scene and the controls of one server."""

    def __init__(
        self,
        server: "viser.ViserServer",
        motions: list[Motion],
        keypoints: Keypoints | None,
    ) -> None:
        self._server = server
        self._lock = threading.RLock()
        lead = motions[0]
        self._fps = float(lead.fps)
        duration_s = max(float(m.times_s[-1] - m.times_s[0]) for m in motions)
        self.playback = Playback(duration_s=duration_s, frame_s=1 / self._fps)
        server.gui.configure_theme(show_logo=False, show_share_button=False)
        server.scene.set_up_direction("+y")
        # As it comes the light is so strong that blue and orange are nearly white.
        server.scene.configure_environment_map("studio", environment_intensity=0.2)
        self._ground = server.scene.add_grid(
            "/ground",
            plane="xz",
            infinite_grid=True,
            cell_size=0.5,
            section_size=1.0,
            cell_color=(226, 223, 216),
            section_color=(206, 202, 193),
            fade_distance=14.0,
        )
        self._shown = self._add_motions(motions)
        front = standard_views(lead)[0].R_view_scene
        self._sheet = None if keypoints is None else _Sheet(server, keypoints, front, self._shown[0].followed[0])
        self._place_camera(front)
        self._add_controls(travels=any(_travels(shown.followed) for shown in self._shown))
        self.show()

    def step(self, elapsed_s: float) -> None:
        """Let time pass, and show what is on show then."""
        with self._lock:
            was_playing = self.playback.playing
            self.playback.advance(elapsed_s)
            if was_playing:
                self.show()

    def show(self, again: bool = False) -> None:
        """Send the frame of the present position, unless it is there already (and not to be sent ``again``)."""
        with self._lock, self._server.atomic():
            position_s = self.playback.position_s
            for shown in self._shown:
                frame = frame_at(shown.times_s, position_s)
                if frame != shown.frame or again:
                    shown.frame = frame
                    self._send(shown)
            # The grid repeats every metre; it lies a hair under the feet, or the soles would flicker.
            self._ground.position = self._way_back(self._shown[0]) % 1.0 + [0.0, -0.002, 0.0]
            if self._sheet is not None:
                self._sheet.show(position_s)
            number = round(position_s * self._fps)
            if self._slider.value != number:
                self._slider.value = number
            self._time.content = f"frame {number} of {self._slider.max}, {position_s:.2f} s"
            self._play.label = "Pause" if self.playback.playing else "Play"

    def _send(self, shown: _Shown) -> None:
        placed = place(shown.shape, shown.frame)
        offset_m = shown.offset_m + self._way_back(shown)
        shown.bones.batched_positions = placed.bone_positions + offset_m
        shown.bones.batched_wxyzs = placed.bone_wxyzs
        shown.bones.batched_scales = placed.bone_scales
        shown.joints.batched_positions = placed.joint_positions + offset_m
        shown.joints.batched_scales = placed.joint_scales
        middle = shown.followed[shown.frame] + offset_m
        shown.label.position = (middle[0], shown.shape.top_m + 0.2, middle[2])

    def _way_back(self, shown: _Shown) -> Float[np.ndarray, "3"]:
        """What takes a person who is followed back to where they began. Each is, so that they stay side by side."""
        return (shown.followed[0] - shown.followed[shown.frame]) * [1.0, 0.0, 1.0] * float(self._follow.value)

    def _add_motions(self, motions: list[Motion]) -> list[_Shown]:
        scene = self._server.scene
        shown: list[_Shown] = []
        x = 0.0
        for index, motion in enumerate(motions):
            shape = figure_shape(motion, _PALE[min(index, len(_PALE) - 1)])
            followed = followed_path(motion)
            reach = _reach(motion, followed)
            offset_m = np.zeros(3)
            if len(motions) > 1:
                # Side by side where they begin; each keeps its own height.
                x += reach if index else 0.0
                offset_m = np.array([x - followed[0, 0], 0.0, -followed[0, 2]])
                x += reach + _GAP_M
            placed = place(shape, 0)
            name = f"/motion{index}"
            bones = scene.add_batched_meshes_simple(
                f"{name}/bones",
                *cylinder(),
                batched_wxyzs=placed.bone_wxyzs,
                batched_positions=placed.bone_positions + offset_m,
                batched_scales=placed.bone_scales,
                batched_colors=shape.bone_colours,
                lod="off",
            )
            joints = scene.add_batched_meshes_simple(
                f"{name}/joints",
                *ball(),
                batched_wxyzs=np.tile([1.0, 0.0, 0.0, 0.0], (len(placed.joint_positions), 1)),
                batched_positions=placed.joint_positions + offset_m,
                batched_scales=placed.joint_scales,
                batched_colors=shape.joint_colours,
                lod="off",
            )
            text = Path(motion.source).name or f"motion {index + 1}"
            label = scene.add_label(f"{name}/name", text, visible=len(motions) > 1)
            times_s = motion.times_s - motion.times_s[0]
            shown.append(_Shown(shape, times_s, followed, offset_m, bones, joints, label))
        return shown

    def _place_camera(self, front: Float[np.ndarray, "3 3"]) -> None:
        """Before the people and a little to the side and above, all of them in sight."""
        starts = np.array([shown.followed[0] + shown.offset_m for shown in self._shown])
        middle = (starts.min(axis=0) + starts.max(axis=0)) / 2
        top_m = max(shown.shape.top_m for shown in self._shown)
        middle[1] = 0.5 * top_m
        breadth = float(np.ptp(starts[:, 0])) + (1.5 if self._sheet is not None else 0.0)
        distance = 1.6 + 0.8 * top_m + 0.7 * breadth
        camera = self._server.initial_camera
        camera.position = tuple(middle + distance * (front[2] + 0.25 * front[0]) + [0.0, 0.25 * distance, 0.0])
        camera.look_at = tuple(middle)
        camera.fov = float(np.radians(50))

    def _add_controls(self, *, travels: bool) -> None:
        gui = self._server.gui
        count = round(self.playback.duration_s * self._fps) + 1
        self._time = gui.add_markdown("")
        self._play = gui.add_button("Pause")
        self._slider = gui.add_slider("frame", min=0, max=max(count - 1, 1), step=1, initial_value=0)
        self._speed = gui.add_dropdown("speed", options=SPEEDS, initial_value="1x")
        self._loop = gui.add_checkbox("loop", initial_value=True)
        self._follow = gui.add_checkbox("follow the person", initial_value=travels)

        @self._play.on_click
        def _(_event: object) -> None:
            with self._lock:
                self.playback.toggle()
                self.show()

        @self._slider.on_update
        def _(event: "viser.GuiEvent") -> None:
            # Without a client it was moved by `show`.
            if event.client is not None:
                with self._lock:
                    self.playback.seek(self._slider.value / self._fps)
                    self.show()

        @self._speed.on_update
        def _(_event: object) -> None:
            self.playback.speed = float(self._speed.value.rstrip("x"))

        @self._loop.on_update
        def _(_event: object) -> None:
            self.playback.loop = self._loop.value

        @self._follow.on_update
        def _(_event: object) -> None:
            self.show(again=True)


class _Sheet:
    """The 2D input as a picture that stands behind and beside the person."""

    def __init__(
        self,
        server: "viser.ViserServer",
        keypoints: Keypoints,
        front: Float[np.ndarray, "3 3"],
        start_m: Float[np.ndarray, "3"],
    ) -> None:
        wide, high = keypoints.image_size or (4, 3)
        aspect = min(max(wide / high, 0.5), 2.5)
        size = (round(360 * aspect), 400)
        self._stage: Stage = stage(keypoints, None, size=size, title="")
        self._times_s = self._stage.timeline.times_s - self._stage.timeline.times_s[0]
        self._frame = 0
        width_m = _SHEET_HEIGHT_M * size[0] / size[1]
        right, _, towards = front
        position = start_m - (0.9 + width_m / 2) * right - 0.3 * towards
        self._node = server.scene.add_image(
            "/input",
            self._picture(0),
            render_width=width_m,
            render_height=_SHEET_HEIGHT_M,
            position=(position[0], 0.5 * _SHEET_HEIGHT_M + 0.15, position[2]),
            wxyz=_facing(towards),
            cast_shadow=False,
            receive_shadow=False,
            jpeg_quality=80,
        )

    def show(self, position_s: float) -> None:
        """Draw and send the frame of a time, unless it is there already."""
        frame = frame_at(self._times_s, position_s)
        if frame != self._frame:
            self._frame = frame
            self._node.image = self._picture(frame)

    def _picture(self, frame: int) -> UInt8[np.ndarray, "height width 3"]:
        return np.asarray(next(iter(self._stage.pictures(np.array([frame])))))


def _facing(towards: Float[np.ndarray, "3"]) -> tuple[float, float, float, float]:
    """Turn (wxyz) about the vertical after which a picture looks in a horizontal direction, its top upwards."""
    half = np.arctan2(towards[0], towards[2]) / 2
    # viser's pictures lie in x and y with y down the picture, like a camera's: half a turn about x sets them upright.
    turn_y, turn_x = (np.cos(half), np.sin(half)), (0.0, 1.0)
    return (
        float(turn_y[0] * turn_x[0]),
        float(turn_y[0] * turn_x[1]),
        float(turn_y[1] * turn_x[0]),
        float(-turn_y[1] * turn_x[1]),
    )


def _travels(followed: Float[np.ndarray, "frames 3"]) -> bool:
    return float(np.ptp(followed[:, [0, 2]], axis=0).max()) > _TRAVELS_M


def _reach(motion: Motion, followed: Float[np.ndarray, "frames 3"]) -> float:
    """How far the person reaches to the side of the point followed, in metres, in most frames."""
    every = slice(None, None, max(1, motion.n_frames // 1000))
    sideways = np.abs(scene_positions(motion, every)[..., 0] - followed[every, None, 0])
    finite = sideways[np.isfinite(sideways)]
    return float(np.clip(np.quantile(finite, 0.99), 0.4, 3.0)) if len(finite) else 0.5
