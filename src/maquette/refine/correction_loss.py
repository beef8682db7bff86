"""How far a projected pose is from the 2D that was seen, and in which direction (Wang et al. 2019, section 3.4).

Two terms over the 32 values of a picture: the points, and the bones between them. All in the normalised values of the
picture (see :mod:`maquette.refine.correction_view`), in the precision of what comes in.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.skeletons import H36M_16

Bones = Literal["published", "vectors"]

_PARENTS = np.array([max(parent, 0) for parent in H36M_16.parents])


@dataclass(frozen=True, eq=False)
class PictureError:
    """Losses of each frame, and the gradient of their sum with respect to the projected values."""

    point: Float[np.ndarray, " frames"]
    bone: Float[np.ndarray, " frames"]
    gradient: Float[np.ndarray, "frames 32"]


@dataclass(frozen=True)
class PictureLoss:
    """The self-supervision.

    ``published``: every joint's values are multiplied by its weight, and a bone is the absolute difference to the
    parent's values, coordinate by coordinate: it forgets which way a bone points, and a joint of weight 0 stands at
    the corner of the picture, so that its child's bone measures from there.

    ``vectors``: a weighted mean of squared differences of points and of bone vectors; a bone counts as much as the
    less certain of its ends, not at all when one is missing.

    Raises:
        InputError: a masked joint is not one of h36m-16, or the weight of bones is negative.
    """

    bones: Bones = "vectors"
    bone_weight: float = 1.0
    masked: tuple[str, ...] = ()
    """Joints that never count."""

    def __post_init__(self) -> None:
        unknown = [joint for joint in self.masked if joint not in H36M_16]
        problems = [f"'{joint}' is no joint of {H36M_16.name}" for joint in unknown]
        if not 0 <= self.bone_weight < np.inf:
            problems.append(f"the weight of bones is {self.bone_weight}, expected 0 or more")
        if self.bones not in ("published", "vectors"):
            problems.append(f"bones are {self.bones!r}, expected 'published' or 'vectors'")
        if problems:
            raise InputError.from_problems("loss of the picture", problems)

    def __call__(
        self,
        projected: Float[np.ndarray, "frames 32"],
        picture: Float[np.ndarray, "frames 32"],
        weight: Float[np.ndarray, "frames 16"] | None = None,
    ) -> PictureError:
        """Losses and gradient.

        Args:
            picture: the 2D that was seen; what it holds where it has no weight is not read (NaN will do).
            weight: of each joint; 1 when None.
        """
        shape = (len(projected), len(H36M_16), 2)
        by_joint = np.ones(shape[:2], projected.dtype) if weight is None else weight.astype(projected.dtype)
        if self.masked:
            by_joint[:, H36M_16.indices(self.masked)] = 0
        p, d = projected.reshape(shape), picture.astype(projected.dtype, copy=False).reshape(shape)
        d = np.where(by_joint[..., None] > 0, d, 0)
        terms = _published if self.bones == "published" else _vectors
        point, bone, gradient = terms(p, d, by_joint[..., None], self.bone_weight)
        return PictureError(point, bone, gradient.reshape(projected.shape))


PUBLISHED_LOSS = PictureLoss(bones="published", masked=("spine",))
"""What the published program minimises."""


def _published(
    p: Float[np.ndarray, "frames 16 2"],
    d: Float[np.ndarray, "frames 16 2"],
    mask: Float[np.ndarray, "frames 16 1"],
    bone_weight: float,
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"], Float[np.ndarray, "frames 16 2"]]:
    p, d = p * mask, d * mask
    values = p[0].size
    difference = p - d
    bones = p[:, _PARENTS] - p
    excess = np.abs(bones) - np.abs(d[:, _PARENTS] - d)
    gradient = difference * (2 / values)
    _add_bones(gradient, np.sign(bones) * excess * (2 * bone_weight / values))
    return _sum(np.square(difference)) / values, _sum(np.square(excess)) / values, gradient * mask


def _vectors(
    p: Float[np.ndarray, "frames 16 2"],
    d: Float[np.ndarray, "frames 16 2"],
    weight: Float[np.ndarray, "frames 16 1"],
    bone_weight: float,
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"], Float[np.ndarray, "frames 16 2"]]:
    values = p[0].size
    difference = p - d
    pulled = weight * difference
    excess = difference[:, _PARENTS] - difference
    drawn = np.minimum(weight[:, _PARENTS], weight) * excess
    gradient = pulled * (2 / values)
    _add_bones(gradient, drawn * (2 * bone_weight / values))
    return _sum(pulled * difference) / values, _sum(drawn * excess) / values, gradient


def _add_bones(gradient: Float[np.ndarray, "frames 16 2"], of_bone: Float[np.ndarray, "frames 16 2"]) -> None:
    """Adds what each bone, parent minus child, says to both its ends. The root's is zero."""
    gradient -= of_bone
    for child, parent in enumerate(_PARENTS.tolist()):
        gradient[:, parent] += of_bone[:, child]


def _sum(values: Float[np.ndarray, "frames 16 2"]) -> Float[np.ndarray, " frames"]:
    return values.sum(axis=(1, 2))
