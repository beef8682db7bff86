"""Self-supervised refinement (Wang et al. 2019) after any lifter: the pose is bent until its picture fits the 2D seen.

A small network corrects the lifter's pose and a second one says what the corrected pose looks like; for each frame, the
first is trained for a moment until the second gives the 2D keypoints of that frame. No frame needs its neighbours, so a
whole clip is refined at once.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError, ModelError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.correction_batched import refine_frames
from maquette.refine.correction_loss import PictureLoss
from maquette.refine.correction_network import Correction
from maquette.refine.correction_published import (
    OptimiserState,
    RefinedPoses,
    check_step_size,
    check_steps,
    refine_in_order,
)
from maquette.refine.correction_view import PICTURE_UNIT, VIEW, CorrectionView, motion_view
from maquette.refine.correction_weights import CorrectionWeights, load_correction
from maquette.refine.refinement_measures import bone_spread_m, reprojection_px
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_16


class SelfSupervisedRefiner:
    """``(motion, keypoints, camera) -> Motion``, usable as a filter after any lifter.

    The 16 joints of h36m-16 are refined, relative to the hip, which stays where it is: a motion in space keeps its
    path. The joints that the network does not know are moved with those around them, without turning: heels and toes
    as their ankle (so a flat foot stays flat), the nose as the mean of thorax and head. Frames in which a joint of the
    pose or too much of the 2D is missing stay as the lifter gave them.

    How many steps are taken and whether the result is kept is decided for the clip as a whole, never frame by frame:
    frames that change sides would make the motion jump.

    Args:
        weights: name of shipped weights, path of a file, weights at hand, or None for the default ones.
        n_steps: training steps for each frame, at most; 0 leaves only the correction that the network learnt
            beforehand. None: as many as the weights say.
        learning_rate: of the steps; None: what the weights say. Adam's first step changes every weight by as much,
            however good the pose already is: more than that overshoots.
        good_fit: a clip whose pictures are this near to what was seen (root mean square over joints, as a share of the
            mean distance of a limb joint to the root) is left alone, and no more steps are taken once one is; 0 takes
            all steps. None: what the weights say.
        optimiser_state: ``"reset"`` treats each frame by itself; ``"carry"`` takes Adam's moments from frame to frame
            as the published program does, hundreds of times more slowly.
        correct: also apply the correction learnt beforehand, as published; False adds only what the steps change.
        loss: what the steps minimise; None compares points and bones, weighted by confidence.
        best_step: for each frame the step with the smallest loss, instead of the last.
        keep_worse: keep the result also when the clip fits the picture worse than before.
        threads: that work on different frames at the same time; 0 for one on each core.

    Raises:
        ModelError: the weights cannot be loaded, or were made for something else than lifted motions.
        InputError: an argument is out of range.
    """

    def __init__(
        self,
        weights: CorrectionWeights | str | Path | None = None,
        *,
        n_steps: int | None = None,
        learning_rate: float | int | None = None,
        good_fit: float | int | None = None,
        optimiser_state: OptimiserState = "reset",
        correct: bool = True,
        loss: PictureLoss | None = None,
        best_step: bool = False,
        keep_worse: bool = False,
        threads: int = 0,
    ) -> None:
        self.weights = weights if isinstance(weights, CorrectionWeights) else load_correction(weights)
        if self.weights.spec.view != VIEW:
            raise ModelError(
                f"correction weights '{self.weights.spec.name}' see poses by '{self.weights.spec.view}', but lifted "
                f"motions are shown by '{VIEW}': use weights trained so, for example the default ones; the published "
                "ones are for the rows of the published files (maquette.refine.correction_published.refine_in_order)"
            )
        spec = self.weights.spec
        self.n_steps = spec.n_steps if n_steps is None else n_steps
        self.learning_rate = float(spec.learning_rate if learning_rate is None else learning_rate)
        self.good_fit = float(spec.good_fit if good_fit is None else good_fit)
        self.optimiser_state: OptimiserState = optimiser_state
        check_steps(self.n_steps, optimiser_state)
        check_step_size(self.learning_rate)
        if not 0 <= self.good_fit < np.inf:
            raise InputError(f"a good fit is {self.good_fit} of a limb's distance, expected 0 (all steps) or more")
        self.correct, self.best_step, self.keep_worse = correct, best_step, keep_worse
        self.threads = threads
        self.loss = loss if loss is not None else PictureLoss()

    def __call__(self, motion: Motion, keypoints: Keypoints, camera: Camera) -> Motion:
        """The refined motion, or, when it would fit the picture worse, the motion as it was; a note says which.

        Args:
            motion: in the camera's axes, with the joints of h36m-16 by name.
            keypoints: the 2D track it was lifted from, with joints named as the motion's.
            camera: of the picture.

        Raises:
            InputError: frames, joints or axes do not fit.
        """
        name = f"self-supervised refinement ({self.weights.spec.name})"
        view = motion_view(motion, keypoints, camera, self.weights.spec.limits)
        used = np.flatnonzero(view.usable)
        if not len(used):
            return motion.with_notes(
                f"{name}: no frame shows enough of the person and has a whole pose; left as it was"
            )
        fit = self._fit_as_it_is(view) if self.good_fit else np.inf
        if fit <= self.good_fit:
            return motion.with_notes(
                f"{name}: the poses explain the 2D keypoints already (to {fit:.3f} of a limb joint's distance to the "
                f"hip, a good fit is {self.good_fit:g}); left as they were"
            )
        steps, taken = self._refine(view)
        shift = np.zeros((motion.n_frames, len(H36M_16), 3))
        shift[used] = self._shift(view, steps)[used]
        moved = motion.positions + _joint_shifts(shift, motion.skeleton)
        refined = motion.with_notes(positions=moved, rotations=None)
        before, after = (_mean(reprojection_px(m, keypoints, camera)[used]) for m in (motion, refined))
        fit = f"distance to the 2D keypoints {before:.2f} px before and {after:.2f} px after"
        if not after <= before and not self.keep_worse:
            return motion.with_notes(f"{name} would fit the picture worse ({fit}); left as it was")
        return refined.with_notes(*self._notes(name, fit, taken, motion, refined, len(used)))

    def _shift(self, view: CorrectionView, steps: RefinedPoses) -> Float[np.ndarray, "frames 16 3"]:
        """By how much the joints move, in metres, in the camera's axes; of unusable frames it means nothing."""
        after = view.positions_m(_filled(view, steps.chosen(best=self.best_step)))
        before = view.positions_m(view.pose if self.correct else _filled(view, steps.poses[:, 0]))
        return after - before

    def _refine(self, view: CorrectionView) -> tuple[RefinedPoses, int]:
        """The poses on the way to a good fit of the clip, or to the last step; and how many steps that took."""
        if not self.good_fit:
            return self._steps(view, self.n_steps, losses=self.best_step), self.n_steps
        steps = self._steps(view, self.n_steps, losses=True)
        fits = clip_fit(steps.point_loss, view) <= self.good_fit
        taken = int(np.argmax(fits)) if fits.any() else self.n_steps
        return RefinedPoses(*(array[:, : taken + 1] for array in vars(steps).values())), taken

    def _fit_as_it_is(self, view: CorrectionView) -> float:
        """:func:`clip_fit` of the poses as the lifter gave them."""
        rows, network = view.usable, Correction(self.weights)
        projected, _ = network.project(view.pose[rows].astype(network.dtype))
        error = self.loss(projected, view.picture[rows], view.weight[rows])
        return float(clip_fit(error.point[:, None], view)[0])

    def _steps(self, view: CorrectionView, n_steps: int, *, losses: bool) -> RefinedPoses:
        rows = view.usable
        e, d, weight = view.pose[rows], view.picture[rows], view.weight[rows]
        if self.optimiser_state == "reset":
            return refine_frames(
                self.weights,
                e,
                d,
                weight=weight,
                n_steps=n_steps,
                learning_rate=self.learning_rate,
                loss=self.loss,
                final_loss=losses,
                threads=self.threads,
            )
        return refine_in_order(
            self.weights,
            e,
            d,
            weight=weight,
            n_steps=n_steps,
            learning_rate=self.learning_rate,
            loss=self.loss,
            batch_norm_scale=None,
            dtype=np.float32,
        )

    def _notes(self, name: str, fit: str, taken: int, motion: Motion, refined: Motion, used: int) -> list[str]:
        steps = "no step" if taken == 0 else "1 step" if taken == 1 else f"{taken} steps"
        state = ", moments carried over" if self.optimiser_state == "carry" else ""
        start = "" if self.correct else ", without the correction learnt beforehand"
        text = f"{name}, {steps} for each frame{state}{start}: {fit}"
        spread = bone_spread_m(motion), bone_spread_m(refined)
        if np.isfinite(spread).all():
            text += f"; spread of bone lengths {1000 * spread[0]:.1f} mm before and {1000 * spread[1]:.1f} mm after"
        if used == motion.n_frames:
            return [text]
        return [
            text,
            f"{name}: {motion.n_frames - used} frames with a missing joint or too little 2D left as they were",
        ]


def clip_fit(point_loss: Float[np.ndarray, "frames steps"], view: CorrectionView) -> Float[np.ndarray, " steps"]:
    """How far the clip's pictures are from what was seen after each number of steps: root mean square over the joints,
    weighted by confidence, as a share of the mean distance of a limb joint to the root.

    Args:
        point_loss: of the usable frames.
    """
    weight = view.weight[view.usable].mean(axis=1).sum()
    return np.sqrt(point_loss.sum(axis=0) / max(weight, np.finfo(np.float64).tiny)) / PICTURE_UNIT


def _filled(view: CorrectionView, poses: Float[np.ndarray, "usable 48"]) -> Float[np.ndarray, "frames 48"]:
    """The poses of the usable frames at their places among all."""
    out = view.pose.copy()
    out[view.usable] = poses
    return out


def _joint_shifts(shift: Float[np.ndarray, "frames 16 3"], skeleton: Skeleton) -> Float[np.ndarray, "frames joints 3"]:
    """Shifts of all joints: those of h36m-16 as given, any other by the mean of the nearest known joint towards the
    root and the known joints that hang on it."""
    known = {skeleton.index(joint): i for i, joint in enumerate(H36M_16.joints)}
    out = np.zeros((len(shift), len(skeleton), 3))
    for joint in skeleton.order:
        if joint in known:
            out[:, joint] = shift[:, known[joint]]
            continue
        around = [shift[:, known[child]] for child in skeleton.children(joint) if child in known]
        if skeleton.parents[joint] >= 0:
            around.append(out[:, skeleton.parents[joint]])
        if around:
            out[:, joint] = np.mean(around, axis=0)
    return out


def _mean(values: Float[np.ndarray, " frames"]) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")
