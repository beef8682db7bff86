"""Motion: the 3D movement of one person."""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.frozen_arrays import frozen, time_base
from maquette.geometry.camera import Camera
from maquette.skeleton import Skeleton

Frame = Literal["camera", "world"]


@dataclass(frozen=True, eq=False)
class Motion:
    """3D motion of ONE person in metres.

    ``frame`` says in which coordinates: ``"world"`` is right-handed with Y up and the ground at y = 0; ``"camera"`` is
    OpenCV's (x right, y down, z forward from the camera).

    Raises:
        InputError: shapes do not fit each other, the frame is unknown, or rotations are not unit quaternions.
    """

    positions: Float[np.ndarray, "frames joints 3"]
    """Joint positions in metres; NaN where unknown."""
    skeleton: Skeleton
    fps: Fraction
    frame: Frame
    rotations: Float[np.ndarray, "frames joints 4"] | None = None
    """Local rotations as unit quaternions wxyz, relative to the parent and the T-pose; None when not solved."""
    sigma_m: Float[np.ndarray, "frames joints"] | None = None
    """Standard deviation of each joint in metres: NaN where not known, infinite where the position is a guess; None
    when not estimated."""
    contacts: Bool[np.ndarray, "frames feet"] | None = None
    """True where a joint of ``contact_joints`` stands on the ground; None when not estimated."""
    contact_joints: tuple[str, ...] = ()
    root_trajectory: Float[np.ndarray, "frames 3"] | None = None
    """Path of the root through ``frame`` in metres, already contained in ``positions``; None when only the pose is
    known (the root then stays at the origin)."""
    timestamps_s: Float[np.ndarray, " frames"] | None = None
    camera: Camera | None = None
    """The camera that saw the motion, posed in ``frame``: projecting ``positions`` with it gives the picture."""
    scale_source: str = "unknown"
    """How the metric scale is known, for example ``assumed body height 1.70 m``."""
    person_id: int | None = None
    model: str | None = None
    """Name of the model that made it."""
    model_sha256: str | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    """Provenance: one sentence for each assumption made and each edit done."""

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=np.float64)
        problems = []
        if positions.ndim != 3 or positions.shape[1:] != (len(self.skeleton), 3):
            problems.append(f"positions have shape {positions.shape}, expected (frames, {len(self.skeleton)}, 3)")
        if self.frame not in ("camera", "world"):
            problems.append(f"frame is {self.frame!r}, expected 'camera' or 'world'")
        if problems:
            raise InputError.from_problems("motion", problems)
        n_frames, n_joints = positions.shape[:2]
        expected = {
            "rotations": (np.float64, (n_frames, n_joints, 4)),
            "sigma_m": (np.float64, (n_frames, n_joints)),
            "contacts": (np.bool_, (n_frames, len(self.contact_joints))),
            "root_trajectory": (np.float64, (n_frames, 3)),
        }
        arrays: dict[str, np.ndarray] = {"positions": frozen(positions)}
        for name, (dtype, shape) in expected.items():
            value = getattr(self, name)
            if value is None:
                continue
            array = np.array(value, dtype=dtype)
            if array.shape != shape:
                problems.append(f"{name} has shape {array.shape}, expected {shape}")
            arrays[name] = frozen(array)
        unknown = [joint for joint in self.contact_joints if joint not in self.skeleton]
        if unknown:
            problems.append(f"contact joints {unknown} are not in skeleton '{self.skeleton.name}'")
        if "rotations" in arrays and not problems:
            norms = np.linalg.norm(arrays["rotations"], axis=-1)
            if (np.abs(norms[np.isfinite(norms)] - 1) > 1e-3).any():
                problems.append("rotations are not unit quaternions (wxyz)")
        if problems:
            raise InputError.from_problems("motion", problems)
        fps, timestamps_s = time_base(self.fps, self.timestamps_s, n_frames)
        for name, value in {**arrays, "fps": fps, "timestamps_s": timestamps_s}.items():
            object.__setattr__(self, name, value)

    @property
    def n_frames(self) -> int:
        return self.positions.shape[0]

    @property
    def n_joints(self) -> int:
        return self.positions.shape[1]

    @property
    def times_s(self) -> Float[np.ndarray, " frames"]:
        """Time of each frame in seconds."""
        if self.timestamps_s is not None:
            return self.timestamps_s
        return np.arange(self.n_frames) / float(self.fps)

    def joint(self, name: str) -> Float[np.ndarray, "frames 3"]:
        """Path of one joint, by name."""
        return self.positions[:, self.skeleton.index(name)]

    def with_notes(self, *notes: str, **changes: Any) -> "Motion":
        """A copy with ``changes`` (as for :func:`dataclasses.replace`) and further provenance ``notes``."""
        return dataclasses.replace(self, notes=(*self.notes, *notes), **changes)
