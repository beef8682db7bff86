"""The third column of a pose machine: its online refinement, as asked for on the command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.evaluate.pose_machine_report import RefinementFacts

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.lifting.min_max import MinMax
    from maquette.refine.correction_weights import CorrectionWeights

VIEW = "square-crop/v1"
_SAME_LIMITS_MM = 0.01


@dataclass(frozen=True, eq=False)
class Refinement:
    """How it is made."""

    weights: "CorrectionWeights"
    facts: RefinementFacts

    def refined(
        self,
        action: str,
        coarse_mm: Float[np.ndarray, "frames 16 3"],
        points: Float[np.ndarray, "seen 16 2"],
        visible: Bool[np.ndarray, "seen 16"],
    ) -> tuple[Float[np.ndarray, "frames 16 3"], Float[np.ndarray, "frames 16 3"]]:
        """Corrected and refined poses of one action, millimetres.

        Raises:
            InputError: fewer frames of 2D than of poses.
        """
        from maquette.refine.correction_batched import refine_frames
        from maquette.refine.correction_loss import PUBLISHED_LOSS
        from maquette.refine.correction_published import refine_in_order

        if len(points) < len(coarse_mm):
            raise InputError(
                f"{action}: {len(points)} frames of 2D '{self.facts.source}' for {len(coarse_mm)} of poses; expected "
                "as many or more"
            )
        limits, frames = self.weights.spec.limits, len(coarse_mm)
        poses = limits.normalise(coarse_mm).reshape(frames, 48)
        pictures = np.asarray(points[:frames], dtype=np.float64).reshape(frames, 32)
        seen = visible[:frames]
        settings: dict[str, Any] = {
            "weight": None if seen.all() else seen.astype(np.float64),
            "n_steps": self.facts.updates,
            "learning_rate": self.facts.learning_rate,
            "loss": PUBLISHED_LOSS,
            "batch_norm_scale": self.facts.batch_norm_scale,
        }
        if self.facts.optimiser_state == "carry":
            found = refine_in_order(
                self.weights, poses, pictures, optimiser_state="carry", dtype=np.float32, **settings
            )
        else:
            found = refine_frames(self.weights, poses, pictures, final_loss=False, **settings)
        first, last = (limits.unnormalise(p.reshape(frames, 16, 3)) for p in (found.poses[:, 0], found.chosen()))
        return first, last


def refinement_of(options: "Evaluate", source: str, limits: "MinMax") -> Refinement | None:
    """None where it is not asked for.

    Args:
        source: the 2D by default.
        limits: of the 3D values before it.

    Raises:
        InputError: numbers out of range, or weights of something else.
        ModelError: no weights.
    """
    if options.refine is None:
        return None
    from maquette.refine.correction_published import LEARNING_RATE
    from maquette.refine.correction_weights import load_correction

    weights = load_correction(_path_of(options))
    problems = []
    own = weights.spec.limits
    if weights.spec.view != VIEW:
        problems.append(
            f"the weights '{weights.spec.name}' see '{weights.spec.view}', the pose machine's see '{VIEW}'; import "
            "them (maquette import-weights pose-machine-correction) or take those of its training"
        )
    elif not all(
        np.allclose(a, b, rtol=0, atol=_SAME_LIMITS_MM)
        for a, b in ((own.max_mm, limits.max_mm), (own.min_mm, limits.min_mm))
    ):
        problems.append(f"the weights '{weights.spec.name}' have other limits of the 3D values than what they refine")
    updates = 1 if options.updates is None else options.updates
    rate = LEARNING_RATE if options.learning_rate is None else options.learning_rate
    if updates < 1:
        problems.append(f"--updates {updates}: expected 1 or more")
    if not 0 < rate < np.inf:
        problems.append(f"--learning-rate {rate}: expected a positive number such as {LEARNING_RATE}")
    if problems:
        raise InputError.from_problems("--refine self-supervised", problems)
    facts = RefinementFacts(
        correction=weights.spec.name,
        sha256=weights.sha256 or "",
        source=options.refine_source or source,
        updates=updates,
        learning_rate=rate,
        optimiser_state=options.optimiser_state or "reset",
        batch_norm_scale=weights.spec.batch_norm_scale,
    )
    return Refinement(weights, facts)


def _path_of(options: "Evaluate") -> str | Path:
    """Those that were given, or those that a training wrote beside the model."""
    if options.correction is not None:
        return options.correction
    model = Path(options.model)
    beside = model.with_name(f"{model.stem}-correction.npz")
    if model.suffix == ".onnx" and beside.is_file():
        return beside
    raise InputError(
        "--refine self-supervised: of which weights? give those of the pose machine with --correction "
        "(maquette import-weights pose-machine-correction, or the -correction.npz of a training)"
    )
