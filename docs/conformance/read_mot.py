"""A .mot file through a model built in OpenSim: ``python read_mot.py FILE RESULT.npz OFFSETS.json MODEL``.

OpenSim's models are not free to hand on, so bodies and joints are built here: coordinates, axes and orders of turns
are those of the model's file, lengths the person's (``OFFSETS.json``: joint -> place in its parent at rest, Y up, +Z
forward, metres). Knees and ankles are plain hinges; a trunk is one body from the lumbar joint to the shoulders. The
ground of OpenSim (X forward, Y up, Z right) becomes Y up and Z forward.
"""

import json
import sys
from pathlib import Path

import numpy as np
import opensim

HIPS_M = {"rajagopal2016": (-0.056276, -0.07849), "gait2392": (-0.0707, -0.0661)}
LEG_M = {"rajagopal2016": 0.808, "gait2392": 0.826}
KNEE_AXIS = {"rajagopal2016": (0.0, 0.0, -1.0), "gait2392": (0.0, 0.0, 1.0)}
ELBOW_AXIS = (0.22604696, 0.022269, 0.97386183)
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
Turns = list[tuple[str, tuple[float, float, float]]]

file, result, offsets_file, kind = sys.argv[1:5]
offsets = {
    joint: np.array([z, y, -x])
    for joint, (x, y, z) in json.loads(Path(offsets_file).read_text(encoding="utf-8")).items()
}
opensim.Logger.setLevelString("Off")
model = opensim.Model()


def function_of(axis: opensim.TransformAxis, coordinate: str) -> None:
    names = opensim.ArrayStr()
    if coordinate:
        names.append(coordinate)
        axis.setCoordinateNames(names)
        axis.set_function(opensim.LinearFunction(1.0, 0.0))
    else:
        axis.set_function(opensim.Constant(0.0))


def hang(name: str, parent: opensim.PhysicalFrame, at_m: np.ndarray, turns: Turns, moves: tuple[str, ...] = ()):
    """A body on its parent, turned by the coordinates one after the other."""
    body = opensim.Body(name, 1.0, opensim.Vec3(0), opensim.Inertia(1, 1, 1))
    model.addBody(body)
    still = [("", axis) for axis in np.linalg.svd(np.array([axis for _, axis in turns]))[2][len(turns) :].tolist()]
    transform = opensim.SpatialTransform()
    for index, (coordinate, vector) in enumerate([*turns, *still]):
        axis = transform.updTransformAxis(index)
        axis.setAxis(opensim.Vec3(*vector))
        function_of(axis, coordinate)
    for index, vector in enumerate((X, Y, Z)):
        axis = transform.updTransformAxis(3 + index)
        axis.setAxis(opensim.Vec3(*vector))
        function_of(axis, moves[index] if moves else "")
    zero = opensim.Vec3(0)
    place = opensim.Vec3(*map(float, at_m))
    model.addJoint(opensim.CustomJoint(f"to_{name}", parent, place, zero, body, zero, zero, transform))
    return body


def limb(side: str, pelvis: opensim.Body, torso: opensim.Body, hips_m: np.ndarray) -> None:
    """Leg and, where the model has one, arm of one side; axes but that of flexion are mirrored on the left."""
    mirror = 1.0 if side == "r" else -1.0
    across, up = (mirror, 0.0, 0.0), (0.0, mirror, 0.0)
    turns: Turns = [(f"hip_flexion_{side}", Z), (f"hip_adduction_{side}", across), (f"hip_rotation_{side}", up)]
    thigh = hang(f"{side}_hip", pelvis, hips_m + offsets[f"{side}_hip"], turns)
    shin = hang(f"{side}_knee", thigh, offsets[f"{side}_knee"], [(f"knee_angle_{side}", KNEE_AXIS[kind])])
    hang(f"{side}_ankle", shin, offsets[f"{side}_ankle"], [(f"ankle_angle_{side}", Z)])
    if f"arm_flex_{side}" in labels:
        a, b, c = ELBOW_AXIS
        turns = [(f"arm_flex_{side}", Z), (f"arm_add_{side}", across), (f"arm_rot_{side}", up)]
        upper = hang(f"{side}_shoulder", torso, offsets["thorax"] + offsets[f"{side}_shoulder"], turns)
        bent: Turns = [(f"elbow_flex_{side}", (mirror * a, mirror * b, c))]
        lower = hang(f"{side}_elbow", upper, hanging(f"{side}_elbow"), bent)
        stations[f"{side}_wrist"] = (lower, hanging(f"{side}_wrist"))


def hanging(joint: str) -> np.ndarray:
    return np.array([0.0, -np.linalg.norm(offsets[joint]), 0.0])


table = opensim.TimeSeriesTable(file)
if table.getTableMetaDataString("inDegrees") != "yes":
    raise SystemExit(f"{file}: inDegrees is {table.getTableMetaDataString('inDegrees')}, expected yes")
labels = list(table.getColumnLabels())
leg_m = sum(np.linalg.norm(offsets[f"{side}_{joint}"]) for side in "lr" for joint in ("knee", "ankle")) / 2
hips_m = np.array([*HIPS_M[kind], 0.0]) * leg_m / LEG_M[kind]
stations: dict[str, tuple[opensim.Body, np.ndarray]] = {}
pelvis = hang(
    "pelvis",
    model.getGround(),
    np.zeros(3),
    [("pelvis_tilt", Z), ("pelvis_list", X), ("pelvis_rotation", Y)],
    ("pelvis_tx", "pelvis_ty", "pelvis_tz"),
)
lumbar: Turns = [("lumbar_extension", Z), ("lumbar_bending", X), ("lumbar_rotation", Y)]
torso = hang("spine", pelvis, hips_m + offsets["spine"], lumbar)
stations |= {"hip": (pelvis, hips_m), "thorax": (torso, offsets["thorax"])}
for side in "rl":
    limb(side, pelvis, torso, hips_m)
bodies = model.getBodySet()
for index in range(bodies.getSize()):
    if bodies.get(index).getName() != "pelvis":
        stations[bodies.get(index).getName()] = (bodies.get(index), np.zeros(3))

state = model.initSystem()
coordinates = [model.getCoordinateSet().get(i) for i in range(model.getCoordinateSet().getSize())]
values, frames = table.getMatrix().to_numpy(), []
for row in values:
    for coordinate in coordinates:
        value = row[labels.index(coordinate.getName())]
        is_length = coordinate.getName() in ("pelvis_tx", "pelvis_ty", "pelvis_tz")
        coordinate.setValue(state, float(value if is_length else np.radians(value)), False)
    model.realizePosition(state)
    frames.append(
        [
            body.findStationLocationInGround(state, opensim.Vec3(*map(float, at))).to_numpy()
            for body, at in stations.values()
        ]
    )
places = np.array(frames)
times = np.array(table.getIndependentColumn())
turning = [i for i, label in enumerate(labels) if not label.startswith("pelvis_t") or label == "pelvis_tilt"]
np.savez(
    result,
    program=f"OpenSim {opensim.GetVersion().split('-')[0]}",
    names=np.array(list(stations)),
    positions_m=np.stack((-places[..., 2], places[..., 1], places[..., 0]), axis=-1),
    eulers_deg=values[:, turning, None],
    fps=(len(times) - 1) / (times[-1] - times[0]),
)
