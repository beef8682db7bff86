"""Draws the pictures of ``docs/guides/refinement.md`` from the demo's clip, whose truth is known; needs no data.

python docs/make_refinement_picture.py            (a few seconds; needs the extra plot)

``refinement.png``: the default lifter. ``refinement-poor-lifter.png``: the same lifter, every joint of which drifts by
40 mm along x and y and 60 mm along z, as those of a poor one might.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from scipy.ndimage import gaussian_filter1d

from maquette.atomic import atomic_path
from maquette.demo import camera, detect, perform, true_motion
from maquette.evaluate.metrics import mpjpe, pa_mpjpe
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.assumed_camera import camera_for
from maquette.lifting.lifter import Lifter
from maquette.mapping import map_keypoints
from maquette.motion import Motion
from maquette.pipeline import prepare
from maquette.refine.motion_finish import finish
from maquette.refine.motion_placing import root_trajectory
from maquette.refine.motion_trunk import place_trunk
from maquette.refine.refinement_measures import jerk_mps3, reprojection_px
from maquette.refine.reprojection import ReprojectionRefiner
from maquette.refine.self_supervised import SelfSupervisedRefiner
from maquette.skeletons import H36M_17

IMAGES = Path(__file__).parent / "images"
FPS, JOINTS = 30, 17
INSTANTS_S, APART_M = (0.8, 3.4, 5.9, 6.9, 9.2), 1.15
BONE, FOOT = ("l_knee", "l_ankle"), "l_heel"
INK, MUTED, GRID, TRUTH = "#2e323a", "#7e7c76", "#e2dfd8", "#bdb9af"
SMALL = {"fontsize": 9.5, "color": INK, "loc": "left"}
MARGIN_S = 0.1
"""Left out around each contact: when a heel comes down is a matter of definition."""


@dataclass(frozen=True)
class Clip:
    """The demo's truth, and the 2D of a simulated detector as the lifter sees it."""

    truth: Motion
    view: Camera
    keypoints: Keypoints
    assumed: Camera

    @cached_property
    def true_m(self) -> np.ndarray:
        return self.view.world_to_camera(self.truth.positions)

    @cached_property
    def standing(self) -> np.ndarray:
        """Steps between frames in which the foot truly stands."""
        joint = self.truth.contact_joints.index(FOOT)
        contact = np.array(self.truth.contacts)[:, joint]
        sure = np.convolve(~contact, np.ones(2 * round(MARGIN_S * FPS) + 1), "same") < 0.5
        return sure[1:] & sure[:-1]


@dataclass(frozen=True, eq=False)
class Line:
    """One motion, and what is drawn of it."""

    name: str
    colour: str
    positions_m: np.ndarray
    """Camera frame, placed."""
    bones_m: np.ndarray
    """Where bone lengths are read."""
    picture_px: np.ndarray
    jerk_mps3: float

    @classmethod
    def of(cls, name: str, colour: str, clip: Clip, motion: Motion, bones: Motion | None = None) -> "Line":
        found = motion.camera or clip.assumed
        if motion.frame == "world":
            positions = found.world_to_camera(motion.positions)
            motion = replace(
                motion, positions=positions, root_trajectory=positions[:, 0], frame="camera", rotations=None
            )
        picture = reprojection_px(motion, clip.keypoints, found)
        return cls(name, colour, motion.positions, (bones or motion).positions, picture, jerk_mps3(motion))

    def pose_m(self) -> np.ndarray:
        """Relative to the hip."""
        return self.positions_m - self.positions_m[:, :1]


def make_clip(*, exact: bool = False) -> Clip:
    """The demo's clip, read, repaired and mapped as ``maquette lift`` does; ``exact``: the joints themselves."""
    truth, view = perform(FPS).motion, camera()
    keypoints = detect(truth, view)
    if exact:
        points = view.project_world(truth.positions[:, truth.skeleton.indices(H36M_17.joints)])
        seen = np.ones(points.shape[:2])
        keypoints = replace(keypoints, points=points, confidence=seen, skeleton=H36M_17)
    keypoints = map_keypoints(prepare(keypoints).ready, "landmarks-27")
    motion = replace(true_motion(truth), contacts=truth.contacts, contact_joints=truth.contact_joints)
    return Clip(motion, view, keypoints, camera_for(keypoints)[0])


def drifting(motion: Motion) -> Motion:
    """Every joint but the hip wanders, within about half a second, by 40 mm along x and y and 60 mm along z."""
    sigma = 0.22 * FPS
    drift = gaussian_filter1d(np.random.default_rng(1).normal(size=motion.positions.shape), sigma, axis=0)
    drift *= np.sqrt(2 * sigma * np.sqrt(np.pi)) * np.array([0.04, 0.04, 0.06])
    drift[:, motion.skeleton.roots[0]] = 0
    return replace(motion, positions=motion.positions + drift)


def lines(clip: Clip, lifted: Motion) -> list[Line]:
    """The lifter's poses as they are, and what ``maquette lift`` makes of them with each ``--refine``."""
    keypoints, assumed = clip.keypoints, clip.assumed
    corrected = SelfSupervisedRefiner()(lifted, keypoints, assumed)
    fitted = finish(lifted, keypoints, assumed, refiner=ReprojectionRefiner(estimate_focal=True))
    print(corrected.notes[-1], *(note for note in fitted.notes if "fixed length" in note or "undone" in note), sep="\n")
    alone = root_trajectory(lifted, keypoints, assumed)
    left = "left as" in corrected.notes[-1]
    out = [
        Line.of("lifter alone", "#a79a8b", clip, alone),
        Line.of("none, self-supervised" if left else "none", "#de6826", clip, finish(lifted, keypoints, assumed)),
        Line.of("reprojection", "#1e6ab4", clip, fitted),
    ]
    if not left:
        motion = finish(corrected, keypoints, assumed)
        out.insert(2, Line.of("self-supervised", "#2f8f5b", clip, motion, corrected))
    return out


def draw(clip: Clip, found: Sequence[Line], exact: Sequence[Line], about: str, path: Path) -> None:
    """One picture; ``exact`` are lines by exact 2D, of which only the error is drawn."""
    figure = Figure(figsize=(11, 8.0), layout="constrained", facecolor="white")
    upper, lower = figure.add_gridspec(2, 1, height_ratios=(1.7, 2))
    poses, ground = upper.subgridspec(1, 2, width_ratios=(3.0, 1))
    grid = lower.subgridspec(2, 2)
    side_view(figure.add_subplot(poses), clip, found[1:3], found)
    foot_on_ground(figure.add_subplot(ground), clip, found)
    time_s = np.arange(clip.truth.n_frames) / FPS
    places = [figure.add_subplot(grid[row, column]) for row in (0, 1) for column in (0, 1)]
    bone_lengths(places[0], clip, found, time_s)
    foot_speed(places[1], clip, found, time_s)
    picture_distance(places[2], found, time_s)
    pose_error(places[3], clip, found, exact, time_s)
    for place in places:
        dress(place, time_s[-1])
    for place in places[2:]:
        place.set_xlabel("seconds", fontsize=9, color=INK)
    figure.suptitle(about, fontsize=11.5, color=INK)
    with io.BytesIO() as stream, atomic_path(path) as temporary:
        figure.savefig(stream, dpi=105, format="png")
        Image.open(stream).convert("RGB").quantize(96).save(temporary, format="png", optimize=True)
    print(f"wrote {path} ({path.stat().st_size // 1000} kB)")


def side_view(place, clip: Clip, found: Sequence[Line], every: Sequence[Line]) -> None:
    """Poses as seen from the side of the camera's line of sight, hips at one point, the truth behind them."""
    truth = clip.true_m - clip.true_m[:, :1]
    for poses, colour, width in ((truth, TRUTH, 7.0), *((line.pose_m(), line.colour, 1.8) for line in found)):
        for i, at in enumerate(INSTANTS_S):
            pose = poses[round(at * FPS)]
            for bone in clip.truth.skeleton.bones:
                ends = list(bone)
                x, y = APART_M * i + pose[ends, 2], -pose[ends, 1]
                place.plot(x, y, color=colour, linewidth=width, solid_capstyle="round")
    for name, colour, width in (("truth", TRUTH, 7.0), *((line.name, line.colour, 2.2) for line in every)):
        place.plot([], [], color=colour, linewidth=width, label=name)
    for i, at in enumerate(INSTANTS_S):
        place.text(APART_M * i, -1.08, f"{at:g} s", ha="center", fontsize=9, color=MUTED)
    place.legend(
        frameon=False, fontsize=9.5, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=5, handlelength=1.2
    )
    names = " and ".join(line.name for line in found)
    place.set_title(f"{names}: seen from the side, the camera on the left, hips at one point", **SMALL)
    place.set_aspect("equal")
    place.axis("off")


def foot_on_ground(place, clip: Clip, found: Sequence[Line]) -> None:
    """One foot from above while it stands for the longest time, around its mean place."""
    ends = np.flatnonzero(np.diff(np.concatenate(([0], clip.standing, [0])).astype(int)))
    start, end = max(zip(ends[::2], ends[1::2], strict=True), key=lambda part: part[1] - part[0])
    for line in found:
        path = clip.view.camera_to_world(line.positions_m[start:end, clip.truth.skeleton.index(FOOT)])[:, [0, 2]]
        path = 100 * (path - path.mean(axis=0))
        away = np.linalg.norm(path, axis=1).mean()
        place.plot(*path.T, color=line.colour, linewidth=1.1, label=f"{away:.1f}")
    place.plot(0, 0, "o", color=TRUTH, markersize=7, markeredgecolor=INK, markeredgewidth=0.6)
    place.set_aspect("equal", adjustable="datalim")
    place.legend(frameon=False, fontsize=8.5, loc="upper left", handlelength=1.0, handletextpad=0.4, labelspacing=0.2)
    place.set_title(f"left heel from above, cm,\nstanding from {start / FPS:.1f} to {end / FPS:.1f} s", **SMALL)
    plain(place)


def bone_lengths(place, clip: Clip, found: Sequence[Line], time_s: np.ndarray) -> None:
    """Length of one bone over time."""
    start, end = clip.truth.skeleton.indices(BONE)

    def lengths(positions: np.ndarray) -> np.ndarray:
        return 1000 * np.linalg.norm(positions[:, end] - positions[:, start], axis=-1)

    place.plot(time_s, lengths(clip.true_m), color=TRUTH, linewidth=5)
    for line in found:
        values = lengths(line.bones_m)
        curve(place, line, time_s, values, f"±{values.std():.0f}")
    raw = " (self-supervised alone)" if any(line.name == "self-supervised" for line in found) else ""
    heading(place, f"length of the left shin, mm{raw}")


def foot_speed(place, clip: Clip, found: Sequence[Line], time_s: np.ndarray) -> None:
    """Speed of one foot; shaded where it truly stands."""
    between = (time_s[1:] + time_s[:-1]) / 2
    ground = place.get_xaxis_transform()
    place.fill_between(between, 0, 1, where=clip.standing, color="#efece5", linewidth=0, transform=ground)
    for line in found:
        values = foot_mps(clip, line)
        curve(place, line, between, values, f"{values[clip.standing].mean():.2f}")
    place.set_ylim(0, 1)
    heading(place, "speed of the left heel, m/s (shaded: it stands; mean of that)")


def foot_mps(clip: Clip, line: Line) -> np.ndarray:
    """Between successive frames."""
    return np.linalg.norm(np.diff(line.positions_m[:, clip.truth.skeleton.index(FOOT)], axis=0), axis=-1) * FPS


def picture_distance(place, found: Sequence[Line], time_s: np.ndarray) -> None:
    """Distance between joints and detected points in the picture."""
    for line in found:
        curve(place, line, time_s, line.picture_px, f"{np.nanmean(line.picture_px):.1f}")
    place.set_ylim(0, None)
    heading(place, "distance to the detected 2D points, pixels (mean)")


def pose_error(place, clip: Clip, found: Sequence[Line], exact: Sequence[Line], time_s: np.ndarray) -> None:
    """Error of the pose against the truth."""
    truth = (clip.true_m - clip.true_m[:, :1])[:, :JOINTS]
    for line in (*found, *exact):
        pose = line.pose_m()[:, :JOINTS]
        error, aligned = 1000 * mpjpe(pose, truth), 1000 * pa_mpjpe(pose, truth)
        style = "--" if line in exact else "-"
        curve(place, line, time_s, error, f"{error.mean():.0f} / {aligned.mean():.0f}", style)
        speed = foot_mps(clip, line)[clip.standing].mean()
        print(
            f"| {line.name}{', exact 2D' if line in exact else ''} | {error.mean():.1f} | {aligned.mean():.1f} "
            f"| {np.nanmean(line.picture_px):.1f} | {speed:.2f} | {line.jerk_mps3:.0f} |"
        )
    place.set_ylim(0, None)
    more = "; dashed: exact 2D" if exact else ""
    heading(place, f"error of the pose, mm (mean MPJPE / PA-MPJPE{more})")


def curve(place, line: Line, time_s: np.ndarray, values: np.ndarray, mean: str, style: str = "-") -> None:
    """One line of a panel, its mean in the legend."""
    place.plot(time_s, values, color=line.colour, linewidth=1.3, linestyle=style, label=mean)


def heading(place, text: str) -> None:
    """Over the numbers, which stand in the order of the lines."""
    place.set_title(text, pad=22, **SMALL)


def dress(place, end_s: float) -> None:
    """Limits, grid and legend of a panel of curves."""
    place.set_xlim(0, end_s)
    place.legend(
        frameon=False,
        fontsize=8.5,
        ncols=5,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        handlelength=1.0,
        handletextpad=0.4,
        columnspacing=1.6,
    )
    plain(place)


def plain(place) -> None:
    """Few lines around a panel."""
    place.grid(axis="y", color=GRID, linewidth=0.8)
    place.set_axisbelow(True)
    for side in ("top", "right", "left"):
        place.spines[side].set_visible(False)
    place.spines["bottom"].set_color(MUTED)
    place.tick_params(colors=INK, length=0, labelsize=8.5)


def main() -> None:
    lifter, clip, joints = Lifter(), make_clip(), make_clip(exact=True)
    lifted, by_joints = (place_trunk(lifter(c.keypoints, camera=c.assumed)) for c in (clip, joints))
    exact = [line for line in lines(joints, by_joints) if line.name != "lifter alone"]
    about = "The demo's clip through the default lifter, and with each --refine"
    draw(clip, lines(clip, lifted), exact, about, IMAGES / "refinement.png")
    about = "The same with a poor lifter: every joint drifts by 40 mm, along the line of sight by 60 mm"
    draw(clip, lines(clip, drifting(lifted)), (), about, IMAGES / "refinement-poor-lifter.png")


if __name__ == "__main__":
    main()
