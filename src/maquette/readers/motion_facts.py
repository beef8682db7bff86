"""What our tables say of a motion in one line of text, ``# maquette motion 1; key: value; ...``, and back."""

import re
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.formats.unique_names import unique_names
from maquette.frozen_arrays import exact_fps
from maquette.motion import Motion
from maquette.readers.motion_record import AXES, FORMAT_VERSION, fps_of
from maquette.skeleton import Skeleton
from maquette.skeletons import SKELETONS

MARK = "# maquette motion"
UP = {"world": "+y", "camera": "-y"}
_FACT = re.compile(r"\s*([a-z_]+): (.*)", re.DOTALL)


def facts_of(motion: Motion, **other: str) -> dict[str, str]:
    """Facts by name: ``frame``, ``axes``, ``up``, ``unit``, ``fps``, ``skeleton``, ``scale``, ``source``, ``model``;
    of skeletons that are not ours also ``parents`` (indices, -1 for none); ``contacts``, the contact joints in their
    order. Those without a value are left out.

    Args:
        other: facts that the file states otherwise, or in addition.
    """
    skeleton = motion.skeleton
    facts = {
        "frame": motion.frame,
        "axes": AXES[motion.frame],
        "up": UP[motion.frame],
        "unit": "m",
        "fps": str(motion.fps),
        "skeleton": skeleton.name,
        "parents": "" if SKELETONS.get(skeleton.name) == skeleton else " ".join(map(str, skeleton.parents)),
        "scale": motion.scale_source,
        "source": motion.source,
        "model": motion.model or "",
        "contacts": " ".join(motion.contact_joints) if motion.contacts is not None else "",
        **other,
    }
    return {key: value for key, value in facts.items() if value}


def facts_line(facts: dict[str, str]) -> str:
    """The facts as one line, without the end of the line."""
    told = "; ".join(f"{key}: {_one_line(value)}" for key, value in facts.items())
    return f"{MARK} {FORMAT_VERSION}; {told}"


def _one_line(text: str) -> str:
    """Without what separates the facts."""
    return " ".join(text.replace(";", ",").split())


def file_names(joints: tuple[str, ...], unfit: str) -> tuple[str, ...]:
    """Names of joints with every run of characters that matches ``unfit`` as an underscore, still all different."""
    return unique_names([re.sub(unfit, "_", joint.strip()) or f"joint_{i + 1}" for i, joint in enumerate(joints)])


def csv_names(joints: tuple[str, ...]) -> tuple[str, ...]:
    """Names that need no quotes in a table with commas."""
    return file_names(joints, r"[,;\"'#\s]+")


def told_facts(line: str) -> dict[str, str]:
    """Facts of a line that :func:`facts_line` made; of other text, none or what looks like facts."""
    found = [_FACT.match(part) for part in line.split(";")]
    return {match.group(1): match.group(2).strip() for match in found if match}


def told_skeleton(facts: dict[str, str], joints: list[str], unnamed: str = "table") -> Skeleton:
    """One of ours by name and joints, else by joints alone; else one with the bones that the facts give, or none.

    Args:
        facts: what the file says.
        joints: names of the joints in the file's order.
        unnamed: name of a skeleton of which the file gives none.
    """
    name = facts.get("skeleton")
    same = [skeleton for skeleton in SKELETONS.values() if list(skeleton.joints) == joints]
    for skeleton in same:
        if skeleton.name == name:
            return skeleton
    if same and name is None:
        return same[0]
    pairs = tuple((j, "r_" + j[2:]) for j in joints if j.startswith("l_") and "r_" + j[2:] in joints)
    parents = facts.get("parents", "").split()
    if len(parents) == len(joints) and all(re.fullmatch(r"-1|\d{1,6}", parent) for parent in parents):
        return Skeleton(name or unnamed, tuple(joints), tuple(map(int, parents)), pairs)
    return Skeleton(name or unnamed, tuple(joints), (-1,) * len(joints), pairs)


def told_order(facts: dict[str, str], joints: list[str]) -> list[str]:
    """The joints in the order of the skeleton that a file names, where they are those of one of ours."""
    known = SKELETONS.get(facts.get("skeleton", ""))
    return list(known.joints) if known is not None and set(known.joints) == set(joints) else joints


def told_contact_joints(facts: dict[str, str], found: list[str]) -> tuple[str, ...]:
    """The contact joints that a file has, in the order that its facts give."""
    order = facts.get("contacts", "").split()
    return tuple(order) if sorted(order) == sorted(found) else tuple(found)


def told_fps(
    facts: dict[str, str], times_s: Float[np.ndarray, " frames"] | None, where: str
) -> tuple[Fraction, tuple[str, ...]]:
    """``(fps, notes)`` from the facts, else from the times.

    Raises:
        InputError: neither tells.
    """
    told = facts.get("fps")
    if told is not None:
        try:
            return fps_of(told), ()
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    steps = np.diff(times_s) if times_s is not None else np.zeros(0)
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step > 0:
        raise InputError(f"{where}: the frame rate is not known; give a column time_s that increases, in seconds")
    try:
        fps = exact_fps(round(1 / step, 3))
    except InputError as error:
        raise InputError(f"{where}: column time_s: {error}") from None
    return fps, (f"frame rate {fps} from the column time_s",)


def uneven_times(
    times_s: Float[np.ndarray, " frames"] | None, fps: Fraction, within_s: float = 1e-5
) -> Float[np.ndarray, " frames"] | None:
    """The times, where they are not the frame numbers over the rate within the digits of the file; else None."""
    if times_s is None or not np.isfinite(times_s).all():
        return None
    regular = np.arange(len(times_s)) / float(fps)
    return times_s if len(times_s) and np.abs(times_s - regular).max() > within_s else None


def observed_joints_of(
    positions: Float[np.ndarray, "frames joints 3"], sigma_m: Float[np.ndarray, "frames joints"] | None
) -> Bool[np.ndarray, "frames joints"]:
    """Which joints rest on observation: their position is known, and its uncertainty is not infinite.

    Long gaps that were filled have an infinite ``sigma_m`` (:mod:`maquette.refine.motion_smooth`); short ones are
    bridged and count as observed, as does every known joint of a motion without ``sigma_m``.
    """
    known: np.ndarray = np.all(np.isfinite(positions), axis=-1)
    return known if sigma_m is None else known & ~np.isinf(sigma_m)
