"""What the names of Human3.6M's pictures tell: whose they are, and doing what."""

import re

from maquette.evaluate.protocols import H36M_ACTIONS

_OTHER_NAMES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}
_KNOWN = {name.lower(): name for name in H36M_ACTIONS} | {old.lower(): new for old, new in _OTHER_NAMES.items()}
# The longest first: "walkingdog" is not "walking", "sittingdown" not "sitting".
_ACTION = re.compile("|".join(sorted(_KNOWN, key=len, reverse=True)), re.IGNORECASE)
_ACT = re.compile(r"(?<![a-z])act_?(\d\d)(?!\d)", re.IGNORECASE)
_ACTS = (
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting", "SittingDown"),
    *("Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether"),
)
"""As the data set itself counts them, from 2."""
_SUBJECT = re.compile(r"(?<![a-z0-9])s_?0?(11|[156789])(?![0-9a-z])", re.IGNORECASE)


def action_in(name: str) -> str:
    """The action in ``S9/Directions 1.54138969/00001.jpg``, ``s_09_act_02_subact_01_ca_01_000001.jpg`` and the like; ""
    where there is none."""
    if match := _ACTION.search(name):
        return _KNOWN[match[0].lower()]
    match = _ACT.search(name)
    return _ACTS[int(match[1]) - 2] if match and 2 <= int(match[1]) <= 16 else ""


def subject_in(name: str) -> str:
    """The subject, "S9"; "" where there is none."""
    match = _SUBJECT.search(name)
    return f"S{match[1]}" if match else ""
