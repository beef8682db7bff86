"""Joints of one skeleton from those of another, as data."""

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.mapping.joint_map import JointMap as JointMap
from maquette.mapping.maps import FORK_OPENPOSE_TO_H36M_32 as FORK_OPENPOSE_TO_H36M_32
from maquette.mapping.maps import H36M_17_CONVENTIONS as H36M_17_CONVENTIONS
from maquette.mapping.maps import LANDMARKS_27_V1 as LANDMARKS_27_V1
from maquette.mapping.maps import TO_COCO_18 as TO_COCO_18
from maquette.mapping.maps import TO_H36M_16 as TO_H36M_16
from maquette.mapping.maps_detected import TO_BODY_25 as TO_BODY_25
from maquette.mapping.maps_detected import TO_COCO_17 as TO_COCO_17

_TARGETS = {
    "landmarks-27": LANDMARKS_27_V1,
    "openpose-coco-18": TO_COCO_18,
    "openpose-body-25": TO_BODY_25,
    "coco-17": TO_COCO_17,
    "h36m-16": TO_H36M_16,
}


def find_map(source: str, target: str) -> JointMap:
    """The default map from skeleton ``source`` to skeleton ``target``.

    Raises:
        InputError: there is none; the text says from which skeletons there is one.
    """
    if target not in _TARGETS:
        raise InputError(f"no map leads to skeleton '{target}'; maps lead to: {', '.join(_TARGETS)}")
    maps = _TARGETS[target]
    if source not in maps:
        raise InputError(f"no map leads from skeleton '{source}' to '{target}'; maps start from: {', '.join(maps)}")
    return maps[source]


def map_keypoints(keypoints: Keypoints, target: str) -> Keypoints:
    """``keypoints`` on the skeleton named ``target`` by the default map.

    Raises:
        InputError: no map leads there.
    """
    return find_map(keypoints.skeleton.name, target).apply(keypoints)
