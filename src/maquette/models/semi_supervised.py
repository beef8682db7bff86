"""Training with recordings that have 2D points and a camera but no motion capture (Pavllo et al. 2019, section 4).

A second network gives where the root is. Pose and place together, seen by the camera, must fall on the 2D points that
went in, and bones must be as long on average as those of the labelled recordings. Labelled and unlabelled windows go
through the networks in one batch, so that both make the statistics of the batch norms.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.datasets.sequences import Sequences
from maquette.errors import InputError
from maquette.models.videopose import TemporalModel
from maquette.skeleton import Skeleton


class PoseAndTrajectory(nn.Module):
    """The two networks that are trained together, by one optimiser.

    Args:
        pose: 2D joints to 3D joints.
        trajectory: the same 2D joints to one place, the root's in the camera's frame.

    Raises:
        InputError: they do not see the same frames of the same joints.
    """

    def __init__(self, pose: TemporalModel, trajectory: TemporalModel) -> None:
        super().__init__()
        seen = [(n.joints_in, n.features_in, n.receptive_field, n.causal) for n in (pose, trajectory)]
        if seen[0] != seen[1] or trajectory.joints_out != 1:
            raise InputError(
                "the trajectory network must see what the pose network sees (joints, features, frames, causal) and "
                f"give one joint; they are {seen[0]} and {seen[1]}, and it gives {trajectory.joints_out}"
            )
        self.pose, self.trajectory = pose, trajectory

    def current_frames(self, inputs: Float[Tensor, "batch frames joints features"]) -> Tensor:
        """The frames of the input whose poses the networks give, x and y only.

        Of causal networks those are the last frames of their windows.
        """
        before = self.pose.receptive_field - 1 if self.pose.causal else self.pose.receptive_field // 2
        poses = inputs.shape[1] - self.pose.receptive_field + 1
        return inputs[:, before : before + poses, :, :2]


@dataclass(frozen=True, eq=False)
class SemiSupervisedLosses:
    """Parts of the loss, each of weight 1."""

    position: Tensor
    """Mean distance of the joints, metres, labelled windows."""
    trajectory: Tensor
    """Mean distance of the root over its depth, labelled windows."""
    projection: Tensor | None
    """Mean distance in the picture, ``screen/v1``, unlabelled windows; None: not used."""
    bones: Tensor | None
    """Mean difference of the mean lengths of bones, metres; None: not used."""

    @property
    def total(self) -> Tensor:
        return sum(
            (part for part in (self.projection, self.bones) if part is not None), self.position + self.trajectory
        )


def semi_supervised_losses(
    networks: PoseAndTrajectory,
    labelled: Float[Tensor, "labelled frames joints2 features"],
    targets: Float[Tensor, "labelled poses joints 3"],
    unlabelled: Float[Tensor, "unlabelled frames joints2 features"],
    intrinsics: Float[Tensor, "unlabelled 9"],
    skeleton: Skeleton,
    *,
    is_warming_up: bool,
    projection_term: bool = True,
    bone_length_term: bool = True,
    linear_projection: bool = False,
) -> SemiSupervisedLosses:
    """The loss of one step.

    Args:
        targets: as :class:`~maquette.datasets.sequences.Sequences` holds them: the root's place, and the other joints
            relative to it.
        intrinsics: of the unlabelled windows.
        skeleton: of the targets; the 2D joints must be the same (:func:`check_unlabelled`).
        is_warming_up: the first epochs, which are supervised only; both kinds of windows still run.
        projection_term, bone_length_term: use these parts.
        linear_projection: leave the distortion of the lens out.
    """
    root, n = skeleton.roots[0], len(labelled)
    inputs = torch.cat([labelled, unlabelled])
    poses, places = networks.pose(inputs), networks.trajectory(inputs)
    relative = targets.clone()
    relative[:, :, root] = 0
    place = targets[:, :, root : root + 1]
    position = (poses[:n] - relative).norm(dim=-1).mean()
    trajectory = ((places[:n] - place).norm(dim=-1) / place[..., 2]).mean()
    projection = bones = None
    if projection_term and not is_warming_up:
        seen = project(poses[n:] + places[n:], intrinsics, linear=linear_projection)
        projection = (seen - networks.current_frames(unlabelled)).norm(dim=-1).mean()
    if bone_length_term and not is_warming_up:
        bones = bone_length_difference(poses[:n], poses[n:], skeleton)
    return SemiSupervisedLosses(position, trajectory, projection, bones)


def bone_length_difference(
    labelled: Float[Tensor, "labelled poses joints 3"],
    unlabelled: Float[Tensor, "unlabelled poses joints 3"],
    skeleton: Skeleton,
) -> Float[Tensor, ""]:
    """Mean over the bones of the absolute difference of their mean lengths, metres."""
    parents, children = (list(side) for side in zip(*skeleton.bones, strict=True))

    def lengths(poses: Tensor) -> Tensor:
        return (poses[:, :, children] - poses[:, :, parents]).norm(dim=-1).mean(dim=(0, 1))

    return (lengths(labelled) - lengths(unlabelled)).abs().mean()


def project(
    points_m: Float[Tensor, "batch poses joints 3"], intrinsics: Float[Tensor, "batch 9"], *, linear: bool = False
) -> Float[Tensor, "batch poses joints 2"]:
    """``screen/v1`` of points in the camera's frame; as published, what is seen at more than 45 degrees is moved there.

    Args:
        intrinsics: see :func:`~maquette.datasets.screen.intrinsics_of`.
        linear: without the distortion of the lens.
    """
    focal, centre, radial, tangential = intrinsics[:, None, None].split([2, 2, 3, 2], dim=-1)
    xy = (points_m[..., :2] / points_m[..., 2:]).clamp(-1, 1)
    if not linear:
        r2 = xy.square().sum(dim=-1, keepdim=True)
        bend = 1 + (radial * torch.cat([r2, r2**2, r2**3], dim=-1)).sum(dim=-1, keepdim=True)
        xy = xy * (bend + (tangential * xy).sum(dim=-1, keepdim=True)) + tangential * r2
    return focal * xy + centre


def check_unlabelled(labelled: Sequences, unlabelled: Sequences, *, linear_projection: bool = False) -> None:
    """Whether the unlabelled sequences can be trained with.

    Raises:
        InputError: 2D and 3D joints are not the same, the two parts differ, or a lens is not known.
    """
    problems = []
    if labelled.input_skeleton.joints != labelled.target_skeleton.joints:
        problems.append(
            f"2D joints are {labelled.input_skeleton}, 3D joints {labelled.target_skeleton}; the projection compares "
            "them and needs the same"
        )
    if labelled.input_skeleton != unlabelled.input_skeleton or labelled.inputs.shape[2] != unlabelled.inputs.shape[2]:
        problems.append(
            f"labelled 2D is {labelled.input_skeleton} of {labelled.inputs.shape[2]} values, unlabelled "
            f"{unlabelled.input_skeleton} of {unlabelled.inputs.shape[2]}"
        )
    needed = unlabelled.intrinsics[:, : 4 if linear_projection else 9]
    unknown = [str(unlabelled.labels[i]) for i in np.flatnonzero(~np.isfinite(needed).all(axis=1))]
    if unknown:
        problems.append(
            f"the lens of {len(unknown)} sequences is not Human3.6M's ({', '.join(unknown[:3])}...): train with "
            "--linear-projection"
        )
    if problems:
        raise InputError.from_problems("semi-supervised training", problems)
