"""What goes into models of the published systems, from the landmarks that any 2D format gives.

Those models want every joint of the skeleton that they were trained on, also joints that no detector marks. Each family
is a tuple of maps: a later one makes what the earlier ones could not. Joints of the spine and the head that are not
seen are put where they stand on average in Human3.6M, on the line from the middle of the hips through the middle of the
shoulders (lengths of the ratio come from the means of its joints).
"""

from maquette.mapping.joint_map import JointMap, Row
from maquette.skeletons import COCO_17, H36M_17, LANDMARKS_27

_MID_HIPS = (("l_hip", 0.5), ("r_hip", 0.5))
_MID_SHOULDERS = (("l_shoulder", 0.5), ("r_shoulder", 0.5))
_LIMBS = {
    f"{side}_{name}": f"{side}_{name}"
    for side in "lr"
    for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
}


def _on_trunk(place: float, neck: Row, extra: Row = ()) -> Row:
    """The point at ``place`` on the trunk: 0 the hips, 1 the neck; with ``extra``, that many trunks above those."""
    base = extra or neck
    up = place if extra else place - 1
    trunk = [*((name, up * weight) for name, weight in neck), *((name, -up * weight) for name, weight in _MID_HIPS)]
    total: dict[str, float] = {}
    for name, weight in (*base, *trunk):
        total[name] = total.get(name, 0.0) + weight
    return tuple(total.items())


def _h36m(rows: dict[str, str | Row], convention: str) -> JointMap:
    return JointMap(LANDMARKS_27.name, H36M_17.name, rows, convention)


def _trunk(neck: Row, spine: float, thorax: float, nose: float, head: float) -> dict[str, str | Row]:
    places = {"spine": spine, "thorax": thorax, "nose": nose, "head": head}
    return {name: _on_trunk(place, neck) for name, place in places.items()}


_MEAN_PLACES = {"spine": 0.5476, "thorax": 1.136, "nose": 1.289, "head": 1.533}
_HOURGLASS_PLACES = {"spine": 1.0, "thorax": 1.143, "nose": 1.289, "head": 1.653}
_NECK: Row = (("neck", 1.0),)
_EARS: Row = (("l_ear", 0.5), ("r_ear", 0.5))

PUBLISHED_INPUTS: dict[str, tuple[JointMap, ...]] = {
    "h36m-17/v1": (
        _h36m({name: name for name in H36M_17.joints}, "the joints as they are seen"),
        _h36m(
            {"hip": _MID_HIPS, "nose": "face_nose", "head": _on_trunk(0.22, _MID_SHOULDERS, _EARS)},
            "middle of the hips; the nose for Human3.6M's neck/nose; head: a fifth of the trunk above the ears",
        ),
        _h36m(_trunk(_NECK, **_MEAN_PLACES), "mean places in Human3.6M along hips and neck"),
        _h36m(_trunk(_MID_SHOULDERS, **_MEAN_PLACES), "the same along hips and shoulders"),
    ),
    "h36m-17/stacked-hourglass": (
        _h36m({**_LIMBS, "hip": "hip", "spine": "neck", "head": "head"}, "as Stacked Hourglass was read"),
        _h36m({"hip": _MID_HIPS, "nose": "face_nose"}, "middle of the hips"),
        _h36m(_trunk(_NECK, **_HOURGLASS_PLACES), "mean places of Stacked Hourglass' points in Human3.6M"),
        _h36m(_trunk(_MID_SHOULDERS, **_HOURGLASS_PLACES), "the same along hips and shoulders"),
    ),
    "coco-17/v1": (
        JointMap(
            LANDMARKS_27.name,
            COCO_17.name,
            {name: "face_nose" if name == "nose" else name for name in COCO_17.joints},
            "the joints as they are seen",
        ),
    ),
}
"""Family of maps (``ModelSpec.mapping``) -> maps in order of preference."""
