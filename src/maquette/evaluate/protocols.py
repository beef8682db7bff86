"""The published protocols, as data: what is compared, over which frames, and how it is averaged.

What each number means, and the results that were published under each: docs/concepts/protocols.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from maquette.errors import InputError
from maquette.skeletons import (
    H36M_16,
    H36M_17,
    H36M_32,
    HUMANEVA_15,
    HUMANEVA_20,
    KTH_FOOTBALL_15,
    MPI_INF_3DHP_17,
    MPII_16,
)

Metric = Literal["mpjpe", "pa_mpjpe", "n_mpjpe", "mpjve", "acceleration", "pck150", "auc", "pcp"]
POSE_METRICS: tuple[Metric, ...] = ("mpjpe", "pa_mpjpe", "n_mpjpe", "pck150", "auc", "pcp")
"""Those of single poses."""
ALL_METRICS: tuple[Metric, ...] = ("mpjpe", "pa_mpjpe", "n_mpjpe", "mpjve", "acceleration", "pck150", "auc", "pcp")
METRIC_TITLES: dict[Metric, tuple[str, str]] = {
    "mpjpe": ("MPJPE", "mm"),
    "pa_mpjpe": ("PA-MPJPE", "mm"),
    "n_mpjpe": ("N-MPJPE", "mm"),
    "mpjve": ("MPJVE", "mm/frame"),
    "acceleration": ("Acceleration", "mm/frame²"),
    "pck150": ("PCK@150", "%"),
    "auc": ("AUC", "%"),
    "pcp": ("PCP@0.5", "%"),
}
"""Metric -> its usual name and its unit."""

H36M_ACTIONS = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Photo",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "Waiting",
    "WalkDog",
    "Walking",
    "WalkTogether",
)
"""In the order of every published table."""
LSP_14 = tuple(name for name in H36M_17.joints if name not in ("hip", "spine", "nose"))
"""The 14 joints of Human3.6M that papers with LSP's skeleton compare: without hip, spine and neck/nose."""
MPI_INF_3DHP_14 = tuple(name for name in MPI_INF_3DHP_17.joints if name not in ("pelvis", "spine", "head"))
"""The joints of MPI-INF-3DHP's own table of PCK and AUC: head top, neck and the limbs."""
MPII_14 = tuple(name for name in MPII_16.joints if name not in ("pelvis", "thorax"))
"""MPII's joints that Zhou et al. 2017 measure PCK and AUC of."""
KTH_FOOTBALL_13 = tuple(name for name in KTH_FOOTBALL_15.joints if name not in ("upper_neck", "head_top"))
"""The ends of the eight limbs that KTH Football's tables have, and the hip that poses are relative to."""


@dataclass(frozen=True)
class Protocol:
    """What a number that is reported under a name means."""

    name: str
    about: str
    """One sentence for people."""
    skeletons: tuple[str, ...]
    """Skeletons of the data that it is about; empty: any."""
    joint_sets: Mapping[int, tuple[str, ...]]
    """Number of joints -> their names; the first is the default. Empty: all that model and data share."""
    root: Literal["as predicted", "subtracted"]
    """Targets are relative to their root. ``subtracted``: predictions are put relative to theirs as well. ``as
    predicted``: they stay as the network gives them, so that a root predicted beside 0 counts as an error."""
    metrics: tuple[Metric, ...]
    headline: Metric
    average: Literal["actions", "frames", "subjects and actions"]
    """What the average is the plain mean of: frames of an action are pooled over subjects and cameras, then actions
    count equally; or all frames count equally; or frames are pooled by subject and action, and these count equally."""
    subjects: tuple[str, ...] = ()
    """Test subjects; empty: all that there are."""
    actions: tuple[str, ...] = ()
    """Beginnings of the names of the actions; empty: all."""
    excluded: tuple[tuple[str, str], ...] = ()
    """(subject, action with its number) of recordings that are left out."""
    batch: int = 1
    """Frames at the end of what is pooled that do not fill a batch are dropped."""
    batches_of: Literal["action", "everything"] = "action"
    """What the batches are cut from."""
    velocity_weight: Literal["frames", "differences"] = "differences"
    """Weight of a sequence of n frames in the mean of MPJVE: n, or its n - 1 differences."""
    pcp_after: Literal["root", "similarity"] = "root"
    """What PCP compares: predictions relative to the root as :attr:`root` says, or each pose aligned with the truth by
    the best similarity transform."""
    pck_joints: tuple[str, ...] = ()
    """Joints that PCK and AUC are of; empty: all that are compared."""
    flip: bool = True
    """Whether predictions were averaged with those for the mirrored input."""
    sampling: str = "every frame"

    def joints(self, available: tuple[str, ...], count: int | None = None) -> tuple[str, ...]:
        """The joints to compare, of those that are ``available``.

        Args:
            count: which of :attr:`joint_sets`; None takes the first whose joints are all there.

        Raises:
            InputError: there is no such set, or joints of it are not there.
        """
        if not self.joint_sets:
            if count not in (None, len(available)):
                raise InputError(
                    f"protocol '{self.name}' compares all joints that model and data share, here {len(available)}; "
                    "leave the number of joints away"
                )
            return available
        if count is not None and count not in self.joint_sets:
            known = " or ".join(map(str, self.joint_sets))
            raise InputError(f"protocol '{self.name}' compares {known} joints, not {count}")
        sets = list(self.joint_sets.values()) if count is None else [self.joint_sets[count]]
        for names in sets:
            if set(names) <= set(available):
                return names
        lacking = ", ".join(name for name in sets[0] if name not in available)
        raise InputError(
            f"protocol '{self.name}' compares {len(sets[0])} joints; {lacking} cannot be compared: model and data "
            f"share {', '.join(available) or 'none'} (protocol 'plain' compares those)"
        )


_H36M_SETS = {17: H36M_17.joints, 14: LSP_14}
_H36M = (H36M_32.name, H36M_17.name)
_H36M_TEST = ("S9", "S11")
_MARTINEZ = Protocol(
    name="martinez",
    about="Martinez et al. 2017, protocol 1: MPJPE of each action, the mean of the actions; the frames of an action "
    "that do not fill a batch of 64 are dropped",
    skeletons=_H36M,
    joint_sets=_H36M_SETS,
    root="subtracted",
    metrics=POSE_METRICS,
    headline="mpjpe",
    average="actions",
    subjects=_H36M_TEST,
    batch=64,
    flip=False,
    sampling="every frame of 50 a second, every camera a sample of its own",
)
_VIDEOPOSE3D = Protocol(
    name="videopose3d",
    about="Pavllo et al. 2019: the frames of an action pooled over subjects and cameras, the mean of the actions; "
    "S11's first Directions, which is damaged, is left out",
    skeletons=_H36M,
    joint_sets=_H36M_SETS,
    root="as predicted",
    metrics=ALL_METRICS,
    headline="mpjpe",
    average="actions",
    subjects=_H36M_TEST,
    excluded=(("S11", "Directions"),),
    velocity_weight="frames",
    sampling="every frame of 50 a second, every camera a sequence of its own",
)
_POSE_MACHINE = Protocol(
    name="pose-machine",
    about="Wang et al. 2019, protocol I: MPJPE over 16 joints, the root among them, without alignment; the mean of the "
    "actions",
    skeletons=(H36M_16.name,),
    joint_sets={16: H36M_16.joints, 15: H36M_16.joints[1:]},
    root="as predicted",
    metrics=("mpjpe", "pa_mpjpe", "n_mpjpe"),
    headline="mpjpe",
    average="actions",
    subjects=_H36M_TEST,
    flip=False,
    sampling="every fifth frame of 50 a second, every camera a sequence of its own",
)
_KTH_FOOTBALL = Protocol(
    name="kth-football",
    about="KTH Football II as Burenius et al. 2013: strict PCP in 3D (both ends of a limb within half its true length) "
    "of arms and legs, sequence 1 of player 2, poses relative to the middle of the hips, all frames alike",
    skeletons=(KTH_FOOTBALL_15.name,),
    joint_sets={13: KTH_FOOTBALL_13},
    root="subtracted",
    metrics=ALL_METRICS,
    headline="pcp",
    average="frames",
    subjects=("Player2",),
    actions=("Sequence1",),
    sampling="every frame, every camera a sequence of its own",
)
_HOURGLASS = Protocol(
    name="hourglass-h36m",
    about="Zhou et al. 2017 on Human3.6M's pictures: MPJPE of 16 joints relative to the pelvis, every skeleton found "
    "having the same length, the thorax put between pelvis and neck; all frames alike (PCK and AUC: 14 joints)",
    skeletons=(MPII_16.name,),
    joint_sets={16: MPII_16.joints, 14: MPII_14},
    root="subtracted",
    metrics=("mpjpe", "pa_mpjpe", "n_mpjpe", "pck150", "auc"),
    headline="mpjpe",
    average="frames",
    subjects=_H36M_TEST,
    pck_joints=MPII_14,
    flip=False,
    sampling="every 200th frame of 50 a second, or every fifth",
)

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        _MARTINEZ,
        replace(
            _MARTINEZ,
            name="martinez-procrustes",
            about="Martinez et al. 2017, protocol 2: the same after the best similarity transform of each pose",
            headline="pa_mpjpe",
        ),
        replace(
            _MARTINEZ,
            name="martinez-global",
            about="Martinez et al. 2017 without --evaluateActionWise: all frames alike; those at the end that do not "
            "fill a batch of 64 are dropped",
            average="frames",
            batches_of="everything",
        ),
        _VIDEOPOSE3D,
        replace(
            _VIDEOPOSE3D,
            name="rie",
            about="Shan et al. 2021: pooled and averaged as Pavllo et al. 2019 do, with the mirrored input",
        ),
        _POSE_MACHINE,
        replace(
            _POSE_MACHINE,
            name="pose-machine-p3",
            about="Wang et al. 2019, protocol III: its own lists of frames; measured as protocol I, as the published "
            "program does (no alignment); the mean of the actions",
            subjects=(),
        ),
        Protocol(
            name="humaneva",
            about="HumanEva-I as Pavllo et al. 2019: Walk, Jog and Box of the validation takes by subject and action, "
            "the mean of these",
            skeletons=(HUMANEVA_15.name, HUMANEVA_20.name),
            joint_sets={15: HUMANEVA_15.joints, 20: HUMANEVA_20.joints},
            root="as predicted",
            metrics=ALL_METRICS,
            headline="pa_mpjpe",
            average="subjects and actions",
            subjects=("Validate/S1", "Validate/S2", "Validate/S3"),
            actions=("Walk", "Jog", "Box"),
            velocity_weight="frames",
            sampling="every frame of 60 a second",
        ),
        Protocol(
            name="mpi-inf-3dhp",
            about="Mehta et al. 2017: PCK at 150 mm and AUC over 0, 5, ... 150 mm of the test sequences' valid frames, "
            "poses relative to the pelvis, all frames alike",
            skeletons=(MPI_INF_3DHP_17.name,),
            joint_sets={14: MPI_INF_3DHP_14, 17: MPI_INF_3DHP_17.joints},
            root="subtracted",
            metrics=ALL_METRICS,
            headline="pck150",
            average="frames",
            subjects=tuple(f"TS{number}" for number in range(1, 7)),
            sampling="valid frames",
        ),
        _KTH_FOOTBALL,
        replace(
            _KTH_FOOTBALL,
            name="kth-football-procrustes",
            about="the same after the best similarity transform of each pose, for models that do not know how large "
            "the player is",
            pcp_after="similarity",
        ),
        _HOURGLASS,
        replace(
            _HOURGLASS,
            name="hourglass-3dhp",
            about="Zhou et al. 2017 on MPI-INF-3DHP's pictures: PCK at 150 mm and AUC of 14 joints; pelvis and hips "
            "moved a fifth of the way to the neck, every skeleton found as long as the true one, about the pelvis",
            headline="pck150",
            subjects=tuple(f"TS{number}" for number in range(1, 7)),
            sampling="valid frames",
        ),
        replace(
            _HOURGLASS,
            name="hourglass-pictures",
            about="any pictures with 3D: MPJPE of 16 joints relative to the pelvis, every skeleton found having the "
            "same length, the thorax put between pelvis and neck, found and true; all frames alike (PCK and AUC: 14 "
            "joints)",
            subjects=(),
            sampling="every picture",
        ),
        Protocol(
            name="plain",
            about="every frame alike, poses relative to the root, all joints that model and data share",
            skeletons=(),
            joint_sets={},
            root="subtracted",
            metrics=ALL_METRICS,
            headline="mpjpe",
            average="frames",
        ),
    )
}
"""By name."""
PCKH_PROTOCOL = "mpii-pckh"
"""The one whose measure is in the picture (:mod:`maquette.evaluate.pckh`), so that its report is another."""


def check_data(protocol: Protocol, data: str, skeleton: str) -> None:
    """Whether a protocol is one of such data.

    Raises:
        InputError: it is not.
    """
    if protocol.skeletons and skeleton not in protocol.skeletons:
        fitting = [p.name for p in PROTOCOLS.values() if not p.skeletons or skeleton in p.skeletons]
        raise InputError(
            f"protocol '{protocol.name}' is about joints of {' or '.join(protocol.skeletons)}, {data} has {skeleton}; "
            f"protocols for it: {', '.join(fitting)}"
        )


def deviations(protocol: Protocol, subjects: Sequence[str], actions: Sequence[str], *, flip: bool) -> list[str]:
    """In what an evaluation differs from the protocol that it is named after, in sentences.

    Args:
        subjects, actions: those that were evaluated; actions without the number of the take.
    """
    notes = []
    if protocol.subjects and set(subjects) != set(protocol.subjects):
        notes.append(f"not the protocol's subjects ({', '.join(protocol.subjects)}): {', '.join(subjects)}")
    known = [name for name in H36M_ACTIONS if name in actions]
    if set(protocol.skeletons) & {*_H36M, H36M_16.name} and len(known) < len(H36M_ACTIONS):
        notes.append(f"{len(known)} of the {len(H36M_ACTIONS)} actions that published averages are made of")
    if flip != protocol.flip:
        usual = "averages with" if protocol.flip else "does not use"
        notes.append(f"the protocol {usual} the mirrored input, this evaluation {'does' if flip else 'does not'}")
    return notes


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        InputError: there is none; the text lists those there are.
    """
    if name not in PROTOCOLS:
        raise InputError(f"no protocol '{name}'; there are: {', '.join([*PROTOCOLS, PCKH_PROTOCOL])}")
    return PROTOCOLS[name]
