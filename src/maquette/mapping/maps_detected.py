"""From the skeletons of detectors to those of the formats that their results are written in."""

from maquette.mapping.joint_map import JointMap, Row

_LIMBS = {f"{side}_{part}": f"{side}_{part}" for side in "lr" for part in "shoulder elbow wrist hip knee ankle".split()}
_FACE = {"nose": "nose", **{f"{side}_{part}": f"{side}_{part}" for side in "lr" for part in ("eye", "ear")}}
_MID_SHOULDERS: Row = (("l_shoulder", 0.5), ("r_shoulder", 0.5))
_MID_HIPS: Row = (("l_hip", 0.5), ("r_hip", 0.5))
_MIDDLES: dict[str, str | Row] = {"neck": _MID_SHOULDERS, "mid_hip": _MID_HIPS}
_HEELS = {"l_heel": "l_heel", "r_heel": "r_heel"}
_BLAZE_FEET = {**_HEELS, "l_big_toe": "l_foot_index", "r_big_toe": "r_foot_index"}
_TOES = {f"{side}_{toe}_toe": f"{side}_{toe}_toe" for side in "lr" for toe in ("big", "small")}
_BODY_25 = "BODY_25: the neck is the middle of the shoulders, the middle hip that of the hips"
_COCO = "COCO: what has the same name"

TO_BODY_25: dict[str, JointMap] = {
    joint_map.source: joint_map
    for joint_map in (
        JointMap("coco-17", "openpose-body-25", {**_LIMBS, **_FACE, **_MIDDLES}, _BODY_25),
        JointMap("blazepose-33", "openpose-body-25", {**_LIMBS, **_FACE, **_MIDDLES, **_BLAZE_FEET}, _BODY_25),
        JointMap(
            "halpe-26",
            "openpose-body-25",
            {**_LIMBS, **_FACE, "neck": "neck", "mid_hip": "mid_hip", **_HEELS, **_TOES},
            _BODY_25,
        ),
        JointMap("mpii-16", "openpose-body-25", {**_LIMBS, "neck": "thorax", "mid_hip": "pelvis"}, _BODY_25),
    )
}
"""By the name of the source skeleton."""

TO_COCO_17: dict[str, JointMap] = {
    joint_map.source: joint_map
    for joint_map in (
        *(JointMap(name, "coco-17", {**_LIMBS, **_FACE}, _COCO) for name in ("coco-17", "blazepose-33", "halpe-26")),
        *(
            JointMap(name, "coco-17", {**_LIMBS, **_FACE}, _COCO)
            for name in ("openpose-coco-18", "openpose-body-25", "openpose-body-25b", "openpose-135", "halpe-136")
        ),
        JointMap("mpii-16", "coco-17", _LIMBS, _COCO),
    )
}
"""By the name of the source skeleton."""
