"""A figure with bones of fixed length, fitted to a whole clip: to the picture, to the lifter's pose, to the ground.

What a single pose cannot know, a clip tells: how long the bones are, how the camera is tilted, which foot stands. The
fit weighs all of it against the lifter's opinion (:mod:`maquette.refine.reprojection_problem`) and measures what it
has done; where it has made things worse, the clip stays as it was.
"""

from dataclasses import dataclass

import numpy as np

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_tilt import CameraTilt
from maquette.refine.refinement_measures import Measures, measure
from maquette.refine.reprojection_fit import Trust, fitted_motion, pose_and_problem
from maquette.refine.reprojection_solver import solve_clip

_MAX_REPROJECTION_GROWTH, _MAX_JERK_GROWTH, _MAX_SKATE_GROWTH = 1.10, 1.5, 1.25
_SLACK_PX, _SLACK_SKATE_MPS, _SLACK_JERK_MPS3 = 0.5, 0.02, 20.0


@dataclass(frozen=True, eq=False)
class Refined:
    """A refined motion, and what came with it."""

    motion: Motion
    tilt: CameraTilt | None
    before: Measures
    after: Measures
    kept: bool
    """False where the fit made things worse, so that ``motion`` is what it was."""


class ReprojectionRefiner:
    """``(motion, keypoints) -> Motion`` after any lifter that names its joints as Human3.6M does.

    Args:
        trust: how much each kind of evidence counts; None is what proved best on the validation subjects.
        estimate_focal: the focal length was assumed, not known: correct it, too.
        height_known: the size of the body was given: hold it.
        iterations: most steps of the solver.
        keep_worse: keep the result also when it makes things worse.
    """

    def __init__(
        self,
        *,
        trust: Trust | None = None,
        estimate_focal: bool = False,
        height_known: bool = False,
        iterations: int = 12,
        keep_worse: bool = False,
    ) -> None:
        if iterations < 1:
            raise InputError(f"{iterations} iterations, expected 1 or more")
        self.trust = trust or Trust()
        self.estimate_focal, self.height_known = estimate_focal, height_known
        self.iterations, self.keep_worse = iterations, keep_worse

    def __call__(self, motion: Motion, keypoints: Keypoints) -> Motion:
        """The refined motion; see :meth:`refine`."""
        return self.refine(motion, keypoints).motion

    def refine(self, motion: Motion, keypoints: Keypoints, tilt: CameraTilt | None = None) -> Refined:
        """The motion refined, and measures of before and after.

        Args:
            motion: in the camera frame, placed in front of its camera (``maquette.lift(..., frame="camera")``,
                :func:`maquette.refine.motion_placing.root_trajectory`); without holes.
            keypoints: the 2D track it was lifted from, with joints named as the motion's.
            tilt: direction of gravity and the floor, where known; feet that stand count only then.

        Raises:
            InputError: frames, joints or axes do not fit, the motion is not placed, or has missing positions.
        """
        camera = _checked(motion)
        before = measure(motion, keypoints, camera)
        start, problem = pose_and_problem(
            motion,
            keypoints,
            camera,
            tilt,
            self.trust,
            focal_known=not self.estimate_focal,
            height_known=self.height_known,
        )
        found = solve_clip(problem, start, iterations=self.iterations)
        fitted, fitted_tilt = fitted_motion(motion, problem, found, camera, tilt)
        after = measure(fitted, keypoints, fitted.camera or camera)
        problems = _worse(before, after)
        if not np.isfinite(fitted.positions).all():
            problems.append("it lost the figure")
        summary = f"{before.words()} before; {after.words()} after"
        if problems and not self.keep_worse:
            note = f"reprojection refinement made things worse ({', '.join(problems)}) and was undone: {summary}"
            return Refined(motion.with_notes(note), tilt, before, after, kept=False)
        notes = [f"bones of fixed length fitted to the picture, the lifter and the ground over the clip: {summary}"]
        if self.estimate_focal and fitted.camera is not None:
            notes.append(
                f"focal length corrected from {camera.focal_px[0]:.0f} to {fitted.camera.focal_px[0]:.0f} px by the fit"
            )
        return Refined(fitted.with_notes(*notes), fitted_tilt, before, after, kept=True)


def _checked(motion: Motion) -> Camera:
    problems = []
    if motion.frame != "camera":
        problems.append(f"is in frame '{motion.frame}', expected 'camera' (maquette.lift(..., frame=\"camera\"))")
    if motion.camera is None or motion.root_trajectory is None:
        problems.append("is not placed in front of a camera (root_trajectory does that)")
    missing = int((~np.isfinite(motion.positions).all(axis=(1, 2))).sum())
    if missing or not motion.n_frames:
        problems.append(f"lacks joints in {missing} of {motion.n_frames} frames (fill_gaps closes them)")
    if problems or motion.camera is None:
        raise InputError.from_problems("reprojection refinement: the motion", problems)
    return motion.camera


def _worse(before: Measures, after: Measures) -> list[str]:
    """What the fit must not do."""
    problems = []
    if not np.isfinite(after.reprojection_px):
        problems.append("the figure left the picture")
    elif after.reprojection_px > _MAX_REPROJECTION_GROWTH * before.reprojection_px + _SLACK_PX:
        problems.append("it fits the picture less well")
    if after.jerk_mps3 > _MAX_JERK_GROWTH * before.jerk_mps3 + _SLACK_JERK_MPS3:
        problems.append("it shakes more")
    if after.foot_skate_mps > _MAX_SKATE_GROWTH * before.foot_skate_mps + _SLACK_SKATE_MPS:
        problems.append("its feet slide more")
    return problems
