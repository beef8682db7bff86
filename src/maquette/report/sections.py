"""The parts of a report, as HTML."""

from collections.abc import Sequence
from html import escape
from io import BytesIO

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.mapping import map_keypoints
from maquette.measure import NUMBERS, Measurement, Number, measure_motion
from maquette.measure.cycles import angle_cycles
from maquette.measure.plots import draw_cycles
from maquette.motion import Motion
from maquette.refine.refinement_measures import bone_spread_m, jerk_mps3, reprojection_px
from maquette.report import facts
from maquette.report.charts import bars, over_time, path_from_above
from maquette.report.page import data_uri, section, table, tiles
from maquette.skeletons import LANDMARKS_27

_SIDES = {"l": "left", "r": "right"}
_CURVES = {
    "Knees: flexion": "knee_flexion",
    "Hips: flexion": "hip_flexion",
    "Ankles: dorsiflexion": "ankle_dorsiflexion",
    "Elbows: flexion": "elbow_flexion",
    "Shoulders: elevation": "shoulder_elevation",
}
"""Title -> angle of :data:`maquette.measure.ANGLES`, without its side."""
_GAIT = ("walking_speed", "cadence", "step_time", "stride_time", "step_length", "stride_length", "step_width", "stance",
         "swing", "double_support", "flight")  # fmt: skip


def measured(motion: Motion) -> Measurement | str:
    """Everything that :mod:`maquette.measure` tells of the motion, or why it cannot."""
    try:
        return measure_motion(motion)
    except InputError as error:
        return str(error)


def head(name: str, motion: Motion, measurement: Measurement | str) -> str:
    """Heading, what it is in one sentence, and the numbers to see first."""
    duration_s = float(motion.times_s[-1] - motion.times_s[0])
    unknown = facts.unknown_share(motion)
    first = [
        (f"{duration_s:.2f} s", f"{motion.n_frames} frames at {float(motion.fps):.4g} a second"),
        (
            f"{1000 * bone_spread_m(motion):.1f} mm",
            "how much bones change their length (standard deviation); a body's do not",
        ),
    ]
    if isinstance(measurement, Measurement):
        skate = measurement.number("skate_speed")
        first.append((f"{skate.value:.1f} cm/s", "speed of feet while they stand; real ones have 0"))
    first.append((f"{jerk_mps3(motion):.0f} m/s³", "jerk, mean of all joints: how rough the curves are"))
    first = [item for item in first if not item[0].startswith("nan")]
    whole = f" {unknown:.1%} of the joints' positions are unknown." if unknown else ""
    scale = f"Metric scale: {motion.scale_source}."
    if motion.scale_source.startswith(("assumed", "unknown")):
        scale += " Lengths and speeds are relative to it; angles and times are not touched."
    return (
        f'<h1>{escape(name)}</h1><p class="lead">One person, {motion.n_joints} joints '
        f"({escape(motion.skeleton.name)}).{whole} {escape(scale)}</p>{tiles(first)}"
    )


def about(motion: Motion, measurement: Measurement | str) -> list[str]:
    """All parts about the motion itself."""
    root = motion.positions[:, motion.skeleton.roots[0]]
    times_s = motion.times_s - motion.times_s[0]
    parts = []
    if motion.frame == "world" and np.isfinite(root).all(axis=-1).any():
        parts.append(section("Path on the floor, from above", _path(motion, root)))
        parts.append(section("Heights above the ground", _heights(motion, times_s)))
    if motion.n_frames > 1:
        parts.append(section("Speeds", _speeds(motion, times_s)))
    if isinstance(measurement, Measurement):
        parts += _measured_parts(measurement)
    parts.append(section("Bones", _bones(motion)))
    if motion.sigma_m is not None:
        parts.append(section("How sure each joint is", _sigma(motion)))
    return parts


def _path(motion: Motion, root: Float[np.ndarray, "frames 3"]) -> str:
    camera = None if motion.camera is None else motion.camera.position_world_m
    eye = None if camera is None else (float(camera[0]), float(camera[2]))
    chart = path_from_above({"hip": root[:, [0, 2]]}, eye)
    straight = root[np.isfinite(root).all(axis=-1)][[0, -1]]
    words = (
        f"{facts.way_m(root):.2f} m long; from its start to its end {np.linalg.norm(np.diff(straight, axis=0)):.2f} m."
    )
    if motion.root_trajectory is None and motion.model is not None:
        words += " Only the pose was lifted, so the person stays at one spot."
    return f"<p>The way of the {escape(motion.skeleton.joints[motion.skeleton.roots[0]])} is {words}</p>{chart}"


def _heights(motion: Motion, times_s: Float[np.ndarray, " frames"]) -> str:
    lines = {}
    for side, word in _SIDES.items():
        feet = [f"{side}_{joint}" for joint in ("toe", "heel", "ankle") if f"{side}_{joint}" in motion.skeleton]
        if feet:
            heights = motion.positions[:, motion.skeleton.indices(feet), 1]
            lowest = np.where(np.isfinite(heights), heights, np.inf).min(axis=1)
            lines[f"{word} foot (lowest of {', '.join(joint[2:] for joint in feet)})"] = 100 * np.where(
                np.isfinite(lowest), lowest, np.nan
            )
    chart = over_time(times_s, lines, "cm") if lines else ""
    stands = facts.ground(motion)
    if stands is None:
        return chart
    return (
        f"{chart}<p>The lowest joint is {100 * stands.median_m:.1f} cm above the ground (median), "
        f"{100 * stands.lowest_m:.1f} cm at its lowest, and more than 1 cm below it in {stands.below_share:.0%} of the "
        "frames.</p>"
    )


def _speeds(motion: Motion, times_s: Float[np.ndarray, " frames"]) -> str:
    lines = {}
    for joint in (motion.skeleton.joints[motion.skeleton.roots[0]], "l_ankle", "r_ankle", "l_wrist", "r_wrist"):
        if joint in motion.skeleton:
            word = _SIDES.get(joint.split("_")[0])
            name = f"{word} {joint[2:]}" if word else joint
            lines[name] = facts.speeds_mps(motion.joint(joint), times_s)
    middle = {name: values for name, values in lines.items() if "wrist" not in name}
    hands = {name: values for name, values in lines.items() if "wrist" in name}
    return "".join(over_time(times_s, part, "m/s", from_zero=True) for part in (middle, hands) if part)


def _measured_parts(measurement: Measurement) -> list[str]:
    parts = []
    angles = measurement.angles
    times_s = angles.times_s - angles.times_s[0]
    charts = []
    for title, base in _CURVES.items():
        lines = {_SIDES[s]: angles.angle(f"{s}_{base}") for s in "lr" if f"{s}_{base}" in angles.names}
        if any(np.isfinite(values).any() for values in lines.values()):
            charts.append(f"<h3>{title}</h3>{over_time(times_s, lines, 'deg', height=190)}")
    if charts:
        ranges = [number for number in measurement.numbers if number.kind == "range"]
        table_of = _numbers(ranges, "range of motion")
        sure = f'<p class="small">Uncertainty: {escape(measurement.basis)}.</p>'
        parts.append(
            section("Joint angles", "".join(charts) + _folded("Ranges of motion of all angles", table_of + sure))
        )
    gait = [number for number in measurement.numbers if number.kind in _GAIT]
    symmetry = [number for number in measurement.numbers if number.kind == "symmetry"]
    found = [number for number in gait if np.isfinite(number.value)]
    body = _numbers(gait, "number") if found else "<p>No steps were found.</p>"
    if found and any(np.isfinite(number.value) for number in symmetry):
        body += _folded("Left and right: symmetry", _numbers(symmetry, "symmetry of"))
    body += _cycles(measurement) if found else ""
    parts.append(section("Walking", body))
    skate = [number for number in measurement.numbers if number.kind in ("skate_speed", "skate_per_stance")]
    parts.append(section("Feet that stand", _numbers(skate, "number")))
    parts.append(section("Smoothness", _smoothness(measurement)))
    return parts


def _cycles(measurement: Measurement) -> str:
    """The gait cycle, as a picture; empty without strides."""
    cycles = angle_cycles(measurement.angles, measurement.events)
    if not cycles:
        return ""
    file = BytesIO()
    draw_cycles(measurement, cycles).save(file, format="PNG")
    return f'<figure><img src="{data_uri(file.getvalue(), "image/png")}" alt="angles over the gait cycle"></figure>'


def _smoothness(measurement: Measurement) -> str:
    """SPARC and log dimensionless jerk of each joint that has them."""
    values: dict[str, dict[str, Number]] = {}
    for number in measurement.numbers:
        if number.kind in ("sparc", "ldlj") and np.isfinite(number.value):
            values.setdefault(number.of, {})[number.kind] = number
    if not values:
        return "<p>These data give none.</p>"
    rows = [
        (_named(of), *(_shown(kinds[kind].value, 2) if kind in kinds else "" for kind in ("sparc", "ldlj")))
        for of, kinds in values.items()
    ]
    told = "".join(f"<li><b>{kind}</b>: {escape(NUMBERS[kind].definition)}</li>" for kind in ("sparc", "ldlj"))
    head = ("joint", "SPARC", "log dimensionless jerk")
    meaning = _folded("What these numbers mean", f'<ul class="notes">{told}</ul>')
    return table(head, rows, numbers=(1, 2)) + meaning


def _named(of: str) -> str:
    side, _, rest = of.partition("_")
    return " ".join(part for part in (_SIDES.get(side, side), rest.replace("_", " ")) if part)


def warnings(measurement: Measurement | str) -> str:
    """What in the data does not support which numbers; empty when nothing speaks against them."""
    if isinstance(measurement, str):
        return f'<p class="warn">{escape(measurement)}</p>'
    return "".join(f'<p class="warn">{escape(warned.text)}</p>' for warned in measurement.warnings)


def _numbers(numbers: Sequence[Number], what: str) -> str:
    rows, kinds = [], {}
    for number in numbers:
        if not np.isfinite(number.value):
            continue
        decimals = 1 if number.unit in ("deg", "%", "steps/min", "cm/s", "cm") else 2
        sure = f"± {number.uncertainty:.{decimals}f}" if np.isfinite(number.uncertainty) else "± ?"
        of = _named(number.of)
        name = of if what != "number" else f"{number.kind.replace('_', ' ')} {of}".strip()
        count = str(number.count) if number.count and number.kind != "range" else ""
        rows.append((name, f"{number.value:.{decimals}f}", sure, "" if number.unit == "1" else number.unit, count))
        kinds.setdefault(number.kind, number.definition.definition)
    if not rows:
        return "<p>These data give none.</p>"
    told = "".join(f"<li><b>{escape(kind.replace('_', ' '))}</b>: {escape(text)}</li>" for kind, text in kinds.items())
    listed = table((what, "value", "± one sd", "unit", "count"), rows, numbers=(1, 2, 4))
    return listed + _folded("What these numbers mean", f'<ul class="notes">{told}</ul>')


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _bones(motion: Motion) -> str:
    rows = []
    for bone in facts.bones(motion):
        lengths = [_shown(100 * value, 1) for value in bone.length_m]
        spreads = [_shown(1000 * value, 1) for value in bone.spread_m]
        sides = f"{round(100 * bone.asymmetry, 1) + 0.0:+.1f} %" if np.isfinite(bone.asymmetry) else ""
        if len(lengths) == 1:
            lengths, spreads = [lengths[0], ""], [spreads[0], ""]
        rows.append((bone.name, *lengths, sides, *spreads))
    if not rows:
        return "<p>No bone is known.</p>"
    head = ("bone", "cm, left or middle", "cm, right", "left less right", "sd in mm, left or middle", "sd in mm, right")
    return table(head, rows, numbers=(1, 2, 3, 4, 5))


def _shown(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else ""


def _sigma(motion: Motion) -> str:
    assert motion.sigma_m is not None
    values = {}
    for joint, column in zip(motion.skeleton.joints, motion.sigma_m.T, strict=True):
        known = column[np.isfinite(column)]
        if known.size:
            values[joint] = 1000 * float(np.median(known))
    guessed = int(np.isinf(motion.sigma_m).any(axis=1).sum())
    words = "Standard deviation of each joint as the motion says, median over the frames."
    words += f" {guessed} of {motion.n_frames} frames have joints that were guessed." if guessed else ""
    return f"<p>{words}</p>{bars(values, unit='mm') if values else ''}"


def seen(motion: Motion, keypoints: Keypoints) -> str:
    """How the 2D was, and how far the motion is from it in the picture."""
    rows = []
    for joint, name in enumerate(keypoints.skeleton.joints):
        observed = keypoints.observed[:, joint]
        sure = f"{keypoints.confidence[observed, joint].mean():.2f}" if observed.any() else ""
        rows.append((_named(name), f"{observed.mean():.0%}", sure))
    body = _folded("Each point", table(("point", "seen in", "mean confidence"), rows, numbers=(1, 2)))
    body = (
        f"<p>{escape(keypoints.skeleton.name)}: {keypoints.observed.mean():.1%} of the points were seen, in "
        f"{keypoints.n_frames} frames.</p>{body}"
    )
    camera = motion.camera
    if camera is None:
        return body + '<p class="small">The motion has no camera, so it cannot be compared with the picture.</p>'
    if motion.n_frames != keypoints.n_frames:
        return body + (
            f'<p class="small">The motion has {motion.n_frames} frames, the 2D {keypoints.n_frames}: they are not '
            "compared in the picture.</p>"
        )
    try:
        points = map_keypoints(keypoints, LANDMARKS_27.name)
    except InputError as error:
        return f'{body}<p class="small">Not compared in the picture: {escape(str(error))}</p>'
    distances = reprojection_px(_before(motion), points, camera)
    known = distances[np.isfinite(distances)]
    if not known.size:
        return body
    words = f"Projected back, the joints are {known.mean():.1f} px (mean) from the 2D as it came, before any repair."
    if motion.root_trajectory is None:
        words += " The pose was put where it fits best in each frame."
    times_s = motion.times_s - motion.times_s[0]
    return f"{body}<p>{words}</p>{over_time(times_s, {'distance': distances}, 'px', from_zero=True)}"


def _before(motion: Motion) -> Motion:
    """The motion in its camera's frame."""
    if motion.frame == "camera" or motion.camera is None:
        return motion
    return motion.with_notes(
        positions=motion.camera.world_to_camera(motion.positions), frame="camera", rotations=None, contacts=None,
        contact_joints=(), root_trajectory=None if motion.root_trajectory is None
        else motion.camera.world_to_camera(motion.root_trajectory),
    )  # fmt: skip
