"""How much standing feet slide: a real foot does not, so this tells of the motion's quality, not of the person."""

import numpy as np

from maquette.measure.events import standing
from maquette.measure.number import Number
from maquette.motion import Motion
from maquette.refine.motion_contacts import contact_runs, still_steps


def skate_numbers(motion: Motion) -> list[Number]:
    """``skate_speed`` of each side and of both, and ``skate_per_stance``; NaN where no contact is known."""
    contacts, joints = standing(motion)
    numbers = []
    for of in ("", "l", "r"):
        columns = [c for c, joint in enumerate(joints) if not of or joint.startswith(f"{of}_")]
        numbers += _numbers(motion, np.ascontiguousarray(contacts[:, columns].T), [joints[c] for c in columns], of)
    return numbers


def _numbers(motion: Motion, contacts: np.ndarray, joints: list[str], of: str) -> list[Number]:
    if not contacts.any():
        why = ("no foot was seen to stand",)
        return [Number(kind, of, float("nan"), float("nan"), "no contacts", 0, why) for kind in _KINDS]
    feet = motion.positions[:, motion.skeleton.indices(joints)].transpose(1, 0, 2)[..., [0, 2]]
    seconds = np.diff(motion.times_s)
    speed = np.linalg.norm(np.diff(feet, axis=1), axis=-1) / seconds
    still = speed[still_steps(contacts)]
    still = still[np.isfinite(still)]
    slides = []
    for foot, start, stop in contact_runs(contacts):
        away = np.linalg.norm(feet[foot, start:stop] - feet[foot, start], axis=-1)
        if np.isfinite(away).any():
            slides.append(float(np.nanmax(away)))
    values = (100.0 * float(still.mean()) if still.size else float("nan"), 100.0 * float(np.mean(slides or [np.nan])))
    counts = (int(still.size), len(slides))
    spreads = (still, np.array(slides))
    return [
        Number(
            kind,
            of,
            value,
            100.0 * float(spread.std(ddof=1) / np.sqrt(len(spread))) if len(spread) > 1 else float("nan"),
            f"standard error over {count} {what}",
            count,
        )
        for kind, value, count, spread, what in zip(
            _KINDS, values, counts, spreads, ("frames, as if they were independent", "stances"), strict=True
        )
    ]


_KINDS = ("skate_speed", "skate_per_stance")
