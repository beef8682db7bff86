"""Words in the names of joints, and the sides that names tell: what :mod:`maquette.rig.roles` reads."""

import re
from dataclasses import dataclass

UPPER_LEG = ("upleg", "upperleg", "upleg1", "thigh", "thighbend", "femur", "uleg", "legupper", "thigh1", "hip")
LOWER_LEG = ("lowerleg", "lowleg", "loleg", "lleg", "leglower", "shin", "shinbend", "calf", "tibia", "knee", "leg")
FOOT = ("foot", "ankle", "foot1")
TOES = (
    "toebase",
    "toes",
    "toe",
    "toe0",
    "toe1",
    "toe01",
    "ball",
    "balltoe",
    "toebone",
    "forefoot",
    "metatarsals",
    "foot",
)
SHOULDER = ("clavicle", "collar", "collarbone", "shoulder", "clav", "clavicle1", "shoulder1")
UPPER_ARM = ("upperarm", "uparm", "armupper", "shldr", "shldrbend", "humerus", "uarm", "arm", "shoulder", "upperarm1")
LOWER_ARM = ("forearm", "forearmbend", "lowerarm", "lowarm", "loarm", "armlower", "elbow", "radius", "larm", "forearm1")
HAND = ("hand", "wrist", "hand1")
HIPS = ("hips", "hip", "pelvis", "root", "waist", "cog", "torsodistal")
NECK = ("neck", "lowerneck", "necktwist", "necklower", "cervical", "upperneck")
HEAD = ("head", "headbase", "skull")
"""Keys of bones, the surer ones first. A key is what remains of a name without prefix, side and last number."""

_PREFIX = re.compile(
    r"^(?:mixamorig\d*|character\d+|cc_base|bip\d*|valvebiped|bip01|j_bip|j_adj|def|org|robot|genesis\w*|"
    r"armature|actor\d*|skeleton\d*|subject\d*|avg|m_avg|f_avg|smpl|xsens|b|bn|jnt|rokoko|newton|body)[\s_:.|-]+",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SIDE_WORDS = {"left": "left", "l": "left", "lft": "left", "lt": "left", "right": "right", "r": "right"}
_SIDE_WORDS |= {"rgt": "right", "rt": "right", "rght": "right", "c": "", "m": "", "mid": ""}
_SPARE = {"jnt", "joint", "bone", "bn", "b", "anim", "sk", "rig", "ctl", "bind", "skin", "d", "jt"}
"""Words that say nothing."""
_NOT_A_BONE = re.compile(
    r"twist|roll|share|pole|target|ctrl|control|helper|dummy|endsite|effector|heel|thumb|index|middle|pinky|little|finger|"
    r"metacarp|breast|ribs|pect|butt|hipjoint|muscle|volume|socket|attach|weapon|skirt|hair|cloth|tongue|teeth|brow|"
    r"cheek|carpal|bigtoe|midtoe|ringtoe",
    re.IGNORECASE,
)
_NOT_BONES = {"end", "ik", "fk", "tip", "nub", "ring", "eye", "eyes", "ear", "jaw", "lip", "nose", "mch", "top"}
"""Whole words of joints that are no bones of a humanoid."""
_SIDED_KEYS = {*UPPER_LEG, *LOWER_LEG, *FOOT, *TOES, *SHOULDER, *UPPER_ARM, *LOWER_ARM, *HAND, "thumb", "fingers"}


@dataclass(frozen=True)
class Word:
    """What the name of one joint says."""

    key: str
    """Lower case, without prefix, side and last number; empty for a name that cannot be a bone of a humanoid."""
    side: str
    """``left``, ``right`` or empty."""


def word_of(name: str) -> Word:
    """Key and side of a name such as ``mixamorig:LeftUpLeg``, ``thigh_l``, ``lShldr``, ``Bip01 R UpperArm``."""
    bare = re.split(r"[:|]", name)[-1].strip()
    bare = bare.removeprefix("m_avg_").removeprefix("f_avg_")
    while (shorter := _PREFIX.sub("", bare)) and shorter != bare:
        bare = shorter
    # The neck of iClone's figures is called a twist.
    if _NOT_A_BONE.search(bare) and not re.search(r"neck_?twist", bare, re.IGNORECASE):
        return Word("", _split(bare)[1])
    if _NOT_BONES & {word.lower() for word in _WORDS.findall(bare)}:
        return Word("", _split(bare)[1])
    key, side = _split(bare)
    return Word(key, side)


def _split(name: str) -> tuple[str, str]:
    """``(key, side)`` of a name without its prefix."""
    words = [word.lower() for word in _WORDS.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    side = ""
    kept = []
    for word in words:
        if not side and word in _SIDE_WORDS and len(words) > 1:
            side = _SIDE_WORDS[word]
        elif word not in _SPARE or len(words) == 1:
            kept.append(word)
    key = "".join(kept)
    if not side:
        key, side = _glued(key)
    return key, side


def _glued(key: str) -> tuple[str, str]:
    """The side that stands before or behind a word without a break: ``leftupleg``, ``lfemur``."""
    for start, side in (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right")):
        if key.startswith(start) and key.removeprefix(start) in _SIDED_KEYS:
            return key.removeprefix(start), side
    return key, ""
