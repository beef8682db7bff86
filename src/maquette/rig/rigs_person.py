"""A named rig in the size of one person."""

import dataclasses

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.rotations import quat_identity, quat_slerp
from maquette.rig.human_pose import HumanPose
from maquette.rig.rigs import RIGS, RigRow
from maquette.rig.target_rig import Rig, told_tips_m
from maquette.rig.trunk import SPINE, spine_starts

_HEAD_PER_LEG = 0.25
_TOES_PER_LEG = (0.0, -0.06, 0.15)
_HAND_PER_LEG = 0.12
_SHOULDER_SHARE = 0.15
"""How far from the neck to the upper arm a collar bone begins that the motion does not have."""


def person_rig(name: str, pose: HumanPose) -> Rig:
    """A rig of :data:`maquette.rig.rigs.RIGS` with the lengths of a person, in a T-pose, the hips at their height.

    Args:
        pose: with all bones (:func:`whole_pose`).

    Raises:
        InputError: no rig has that name.
    """
    if name not in RIGS:
        raise InputError(f"no rig is called '{name}'; there are {', '.join(RIGS)}, or give a .bvh, .glb or .vrm file")
    rows = RIGS[name]
    figure = pose.figure_m
    lowest_m = min(float(place[1]) for place in figure.values())
    figure = figure | {"ground": np.array([figure["hips"][0], lowest_m, figure["hips"][2]])}
    names = tuple(row.joint for row in rows)
    parents = tuple(names.index(row.parent) if row.parent else -1 for row in rows)
    places = np.array([_place(row, figure) for row in rows])
    offsets = np.array([places[node] - (places[parent] if parent >= 0 else 0.0) for node, parent in enumerate(parents)])
    offsets[0] -= [0.0, lowest_m, 0.0]
    tips = np.full((len(rows), 3), np.nan)
    for node, row in enumerate(rows):
        end = f"{row.bone or row.at[0]}_end"
        if node not in parents and not row.at[0].endswith("_end"):
            tips[node] = figure.get(end, places[node]) - places[node]
    return Rig(
        name=name,
        names=names,
        parents=parents,
        offsets_m=offsets,
        rotations=quat_identity((len(rows),)),
        tips_m=told_tips_m(tips),
        roles={row.bone: row.joint for row in rows if row.bone},
    )


def _place(row: RigRow, figure: dict[str, Float[np.ndarray, "3"]]) -> Float[np.ndarray, "3"]:
    first = figure[row.at[0]]
    return first if len(row.at) == 1 else first + row.share * (figure[row.at[1]] - first)


def whole_pose(pose: HumanPose) -> HumanPose:
    """The pose with every bone: those that the motion does not have stand between their neighbours and turn with the
    bone below them. Three joints of the spine are turned as the person's, the lowest as the lowest, the highest as the
    highest."""
    figure, turns = dict(pose.figure_m), dict(pose.turns)
    _fill_spine(figure, turns)
    top = turns["upperChest"]
    arms = 0.5 * (figure["leftUpperArm"] + figure["rightUpperArm"])
    figure.setdefault("neck", arms)
    turns.setdefault("neck", top)
    figure.setdefault("head", figure["neck"] + _HEAD_PER_LEG * pose.leg_m * np.array([0.0, 0.94, 0.341]))
    turns.setdefault("head", turns["neck"])
    figure.setdefault("head_end", figure["head"] + _HEAD_PER_LEG * pose.leg_m * np.array([0.0, 1.0, 0.0]))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        arm = figure[f"{side}UpperArm"]
        figure.setdefault(f"{side}Shoulder", figure["neck"] + _SHOULDER_SHARE * (arm - figure["neck"]))
        turns.setdefault(f"{side}Shoulder", top)
        ball = figure[f"{side}Foot"] + pose.leg_m * np.array(_TOES_PER_LEG)
        figure.setdefault(f"{side}Toes", figure.get(f"{side}Foot_end", ball))
        turns.setdefault(f"{side}Toes", turns[f"{side}Foot"])
        ahead = 0.5 * float(np.linalg.norm(figure[f"{side}Toes"] - figure[f"{side}Foot"]))
        figure.setdefault(f"{side}Toes_end", figure[f"{side}Toes"] + [0.0, 0.0, ahead])
        beyond = np.array([sign * _HAND_PER_LEG * pose.leg_m, 0.0, 0.0])
        figure.setdefault(f"{side}Hand_end", figure[f"{side}Hand"] + beyond)
    neck = pose.neck or (turns["neck"],)
    whole_neck = turns["neck"] if pose.whole_neck is None else pose.whole_neck
    starts = spine_starts([figure[bone] for bone in SPINE], figure["neck"])
    spine = tuple((start, turns[bone]) for start, bone in zip(starts, SPINE, strict=True))
    return dataclasses.replace(pose, figure_m=figure, turns=turns, spine=spine, neck=neck, whole_neck=whole_neck)


def _fill_spine(figure: dict[str, Float[np.ndarray, "3"]], turns: dict[str, Float[np.ndarray, "frames 4"]]) -> None:
    """Put in what is missing of spine, chest and upper chest."""
    arms = 0.5 * (figure["leftUpperArm"] + figure["rightUpperArm"])
    top = figure.get("neck", arms)
    if "chest" not in figure:
        # One joint for the whole spine: it bends where it is, in two halves.
        turns["chest"] = turns["spine"]
        turns["spine"] = quat_slerp(turns["hips"], turns["chest"], 0.5)
        figure["chest"] = 0.5 * (figure["spine"] + top)
    if "upperChest" not in figure:
        turns["upperChest"] = turns["chest"]
        figure["upperChest"] = 0.5 * (figure["chest"] + top)
