"""The named maps, as literals.

``LANDMARKS_27_V1`` brings every 2D format to the landmarks that our lifters were trained on: what a format does not
have stays missing, nothing is made up. "COCO to Human3.6M" is not one map; the others reproduce what named programs do,
for models trained with them.
"""

from maquette.mapping.joint_map import JointMap
from maquette.skeletons import H36M_17, LANDMARKS_27, LIFTED_21

_SIDES = ("l", "r")


def _both(*names: str) -> dict[str, str]:
    """The same name on both skeletons, for the left and for the right side."""
    return {f"{side}_{name}": f"{side}_{name}" for side in _SIDES for name in names}


_LIMBS = _both("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_FACE = {"face_nose": "nose", **_both("eye", "ear")}
_BIG_TOES = {"l_toe": "l_big_toe", "r_toe": "r_big_toe", **_both("heel")}
_NAMED_AS_SEEN = "landmarks-27/v1: each landmark as the detector defines it; nothing derived"


def _to_landmarks(source: str, rows: dict[str, str]) -> JointMap:
    return JointMap(source, "landmarks-27", rows, _NAMED_AS_SEEN)


LANDMARKS_27_V1: dict[str, JointMap] = {
    joint_map.source: joint_map
    for joint_map in (
        _to_landmarks("landmarks-27", {name: name for name in LANDMARKS_27.joints}),
        _to_landmarks("maquette-21", {name: name for name in LIFTED_21.joints}),
        _to_landmarks("h36m-17", {name: name for name in H36M_17.joints}),
        _to_landmarks("h36m-32", {name: name for name in H36M_17.joints}),
        _to_landmarks("coco-17", {**_LIMBS, **_FACE}),
        _to_landmarks("openpose-coco-18", {**_LIMBS, **_FACE, "neck": "neck"}),
        _to_landmarks("openpose-body-25", {**_LIMBS, **_FACE, **_BIG_TOES, "neck": "neck", "hip": "mid_hip"}),
        _to_landmarks("openpose-body-25b", {**_LIMBS, **_FACE, **_BIG_TOES, "head": "head_top"}),
        _to_landmarks("openpose-135", {**_LIMBS, **_FACE, **_BIG_TOES, "head": "head_top"}),
        _to_landmarks("halpe-26", {**_LIMBS, **_FACE, **_BIG_TOES, "head": "head", "neck": "neck", "hip": "mid_hip"}),
        _to_landmarks("halpe-136", {**_LIMBS, **_FACE, **_BIG_TOES, "head": "head", "neck": "neck", "hip": "mid_hip"}),
        # MPII's thorax lies at the base of the neck on the shoulder line: that is `neck` here, not H36M's thorax.
        _to_landmarks("mpii-16", {**_LIMBS, "hip": "pelvis", "neck": "thorax", "head": "head_top"}),
        _to_landmarks(
            "blazepose-33", {**_LIMBS, **_FACE, **_both("heel"), "l_toe": "l_foot_index", "r_toe": "r_foot_index"}
        ),
        _to_landmarks("humaneva-15", {**_LIMBS, "hip": "hip", "thorax": "thorax"}),
        _to_landmarks("mpi-inf-3dhp-17", {**_LIMBS, "hip": "pelvis", "head": "head_top"}),
        _to_landmarks("mpi-inf-3dhp-28", {**_LIMBS, "hip": "pelvis", "head": "head_top"}),
        _to_landmarks("kth-football-15", {**_LIMBS, "hip": "hip", "head": "head_top"}),
    )
}
"""By the name of the source skeleton."""

_MID_SHOULDERS = (("l_shoulder", 0.5), ("r_shoulder", 0.5))
_MID_HIPS = (("l_hip", 0.5), ("r_hip", 0.5))
_FACE_18 = {"nose": "nose", **_both("eye", "ear")}
_NECK_18 = "OpenPose's COCO model: the neck is the middle of the shoulders"

TO_COCO_18: dict[str, JointMap] = {
    joint_map.source: joint_map
    for joint_map in (
        JointMap("openpose-coco-18", "openpose-coco-18", {**_LIMBS, **_FACE_18, "neck": "neck"}, "identity"),
        JointMap(
            "openpose-body-25",
            "openpose-coco-18",
            {**_LIMBS, **_FACE_18, "neck": "neck"},
            "the OpenPose fork of 3d-pose-baseline: BODY_25 without mid-hip and feet",
        ),
        JointMap("coco-17", "openpose-coco-18", {**_LIMBS, **_FACE_18, "neck": _MID_SHOULDERS}, _NECK_18),
        JointMap("openpose-body-25b", "openpose-coco-18", {**_LIMBS, **_FACE_18, "neck": _MID_SHOULDERS}, _NECK_18),
        JointMap("openpose-135", "openpose-coco-18", {**_LIMBS, **_FACE_18, "neck": _MID_SHOULDERS}, _NECK_18),
        JointMap("halpe-26", "openpose-coco-18", {**_LIMBS, **_FACE_18, "neck": "neck"}, _NECK_18),
        JointMap("halpe-136", "openpose-coco-18", {**_LIMBS, **_FACE_18, "neck": "neck"}, _NECK_18),
        JointMap("blazepose-33", "openpose-coco-18", {**_LIMBS, **_FACE_18, "neck": _MID_SHOULDERS}, _NECK_18),
        JointMap("mpii-16", "openpose-coco-18", {**_LIMBS, "neck": "thorax"}, _NECK_18),
        JointMap("h36m-17", "openpose-coco-18", {**_LIMBS, "neck": _MID_SHOULDERS}, _NECK_18),
        JointMap(
            "landmarks-27",
            "openpose-coco-18",
            {**_LIMBS, **_both("eye", "ear"), "nose": "face_nose", "neck": _MID_SHOULDERS},
            _NECK_18,
        ),
    )
}
"""By the name of the source skeleton; used for the fork's 2D file."""

_LIMBS_AND_HIP = {**_LIMBS, "hip": _MID_HIPS}
_MMPOSE_THORAX = _MID_SHOULDERS
_MMPOSE_SPINE = (("l_shoulder", 0.25), ("r_shoulder", 0.25), ("l_hip", 0.25), ("r_hip", 0.25))

H36M_17_CONVENTIONS: dict[str, JointMap] = {
    "mmpose/coco-17": JointMap(
        "coco-17",
        "h36m-17",
        {
            **_LIMBS_AND_HIP,
            "spine": _MMPOSE_SPINE,
            "thorax": _MMPOSE_THORAX,
            "nose": "nose",
            "head": (("l_eye", 0.5), ("r_eye", 0.5)),
        },
        "MMPose: thorax = middle of the shoulders, spine = middle of thorax and hip, head = middle of the eyes",
    ),
    "motionbert/halpe-26": JointMap(
        "halpe-26",
        "h36m-17",
        {
            **_LIMBS,
            "hip": "mid_hip",
            "spine": (("neck", 0.5), ("mid_hip", 0.5)),
            "thorax": "neck",
            "nose": "nose",
            "head": "head",
        },
        "MotionBERT's in-the-wild demo: Halpe-26 read as Human3.6M-17, spine = middle of neck and hip",
    ),
    "stacked-hourglass/mpii-16": JointMap(
        "mpii-16",
        "h36m-17",
        {**_LIMBS, "hip": "pelvis", "spine": "thorax", "thorax": "upper_neck", "head": "head_top"},
        "3d-pose-baseline reading Stacked Hourglass: MPII's thorax goes to Spine and its upper neck to Thorax "
        "(the checkpoints trained on those detections expect exactly that)",
    ),
    "pose-hg-3d/mpii-16": JointMap(
        "mpii-16",
        "h36m-17",
        {
            **_LIMBS,
            "hip": "pelvis",
            "spine": (("pelvis", 0.5), ("upper_neck", 0.5)),
            "thorax": "upper_neck",
            "nose": (("upper_neck", 0.5), ("head_top", 0.5)),
            "head": "head_top",
        },
        "Zhou et al. 2017, the program of 2019, in its evaluation: spine and nose halfway between their neighbours",
    ),
    "hourglass/mpii-16": JointMap(
        "mpii-16",
        "h36m-17",
        {
            **_LIMBS,
            "hip": "pelvis",
            "spine": (("pelvis", 0.514), ("upper_neck", 0.486)),
            "thorax": "upper_neck",
            "nose": (("upper_neck", 0.618), ("head_top", 0.382)),
            "head": "head_top",
        },
        "the same with spine and nose where Human3.6M's mean pose has them on these lines",
    ),
    "hourglass-thorax/mpii-16": JointMap(
        "mpii-16",
        "h36m-17",
        {
            **_LIMBS,
            "hip": "pelvis",
            "spine": (("pelvis", 0.514), ("thorax", 0.486)),
            "thorax": "thorax",
            "nose": (("thorax", 0.618), ("head_top", 0.382)),
            "head": "head_top",
        },
        "of networks that have learnt MPII's thorax in 3D, which is nearer to Human3.6M's than MPII's upper neck is",
    ),
}
"""Maps to Human3.6M-17 that published models were trained with, by ``program/source``."""

TO_H36M_16: dict[str, JointMap] = {
    joint_map.source: joint_map
    for joint_map in (
        JointMap(
            "mpii-16",
            "h36m-16",
            {**_LIMBS, "hip": "pelvis", "thorax": "thorax", "head": "head_top"},
            "the 3D pose machine's lists of MPII: re-ordered, no spine",
        ),
        JointMap(
            "kth-football-15",
            "h36m-16",
            {**_LIMBS, "hip": "hip", "thorax": _MID_SHOULDERS, "head": "head_top"},
            "as MPII's, whose thorax lies on the line of the shoulders",
        ),
    )
}
"""To the joints of the 3D pose machine, by the name of the source skeleton."""

FORK_OPENPOSE_TO_H36M_32 = JointMap(
    "openpose-coco-18",
    "h36m-32",
    {
        **_LIMBS,
        "hip": _MID_HIPS,
        "spine": "neck",
        "head": "nose",
        "nose": (("nose", 0.5), ("neck", 0.5)),
        "thorax": (("neck", 1.5), ("nose", -0.5)),
    },
    "the OpenPose fork of 3d-pose-baseline: neck to Spine, nose to Head, Neck/Nose halfway, Thorax mirrored below it",
)
"""Kept for parity with that program; its reflected thorax has the wrong sign."""
