"""The lifter: keypoints in, root-relative motion in the camera frame out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.errors import InputError, ModelError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.normalize import (
    CHANNELS,
    NAME,
    mirror_features,
    mirror_positions,
    normalise_windows,
    positions_in_camera,
)
from maquette.lifting.published import PUBLISHED
from maquette.lifting.published_input import lift_landmarks
from maquette.lifting.windows import gather_windows, window_samples
from maquette.motion import Motion
from maquette.runtime.onnx_model import OnnxModel
from maquette.runtime.shipped import find_model
from maquette.skeletons import LANDMARKS_27, LIFTED_21, get_skeleton

BATCH = 512
"""Windows in one call of the network: large enough for its full speed, small enough to stay in the cache."""


class Lifter:
    """Lifts one person's 2D track to 3D, frame by frame of the same number, with a network from an ``.onnx`` file.

    Args:
        model: name of a model in the package, path of an ``.onnx`` file, or None for the default model.
        flip: average with the mirrored result for the mirrored input (twice the work of the network).
        threads: threads of the network; 0 leaves it to onnxruntime.
        providers: onnxruntime's execution providers; None takes what is installed.

    Raises:
        ModelError: the file cannot be loaded, or wants joints or a normalisation that this version does not know.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        flip: bool = True,
        threads: int = 0,
        providers: Sequence[str] | None = None,
    ) -> None:
        self.model = OnnxModel(find_model(model), threads=threads, providers=providers)
        self.spec = self.model.spec
        self.flip = flip
        self.published = self.spec.normalisation in PUBLISHED
        if not self.published:
            self._check()

    def _check(self) -> None:
        expected = {"normalisation": NAME, "input_skeleton": LANDMARKS_27.name, "output_skeleton": LIFTED_21.name}
        for field, known in expected.items():
            if getattr(self.spec, field) != known:
                raise ModelError(
                    f"{self.model.path}: wants {field} '{getattr(self.spec, field)}', this version knows '{known}'"
                )
        if self.model.channels != CHANNELS:
            raise ModelError(
                f"{self.model.path}: takes {self.model.channels} channels a frame, the normalisation '{NAME}' makes "
                f"{CHANNELS}; export it again"
            )

    @property
    def latency_s(self) -> float:
        """Seconds of future that a frame needs before it can be lifted; a stream is late by this much."""
        return self.spec.look_ahead_s

    def __call__(self, keypoints: Keypoints, *, camera: Camera) -> Motion:
        """Root-relative motion (hip at the origin) in the camera frame, on the skeleton that the model gives:
        ``maquette-21`` for ours, ``h36m-17`` for most of the published ones.

        Args:
            keypoints: a track on ``landmarks-27`` (``maquette.mapping.map_keypoints``).
            camera: focal length and principal point of the picture; its lens distortion is removed first.

        Raises:
            InputError: the track has another skeleton or no frames.
        """
        if keypoints.skeleton.name != LANDMARKS_27.name:
            raise InputError(
                f"keypoints have skeleton '{keypoints.skeleton.name}', lifters read '{LANDMARKS_27.name}': map them "
                "first (maquette.mapping.map_keypoints)"
            )
        if keypoints.n_frames == 0:
            raise InputError(f"{keypoints.source}: the track has no frames")
        points, observed = network_points(keypoints.points, camera)
        if self.published:
            positions, notes = lift_landmarks(
                self.model, points, observed, keypoints.times_s, camera.image_size, flip=self.flip
            )
        else:
            outputs, notes = np.arange(keypoints.n_frames), []
            positions = self.lift_arrays(points, observed, keypoints.times_s, outputs, camera)
        mirrored = ", averaged with the mirrored input" if self.flip else ""
        note = f"lifted by {self.spec.name}{mirrored}; a window spans {2 * self.spec.look_ahead_s:.2f} s"
        return Motion(
            positions=positions,
            skeleton=get_skeleton(self.spec.output_skeleton),
            fps=keypoints.fps,
            frame="camera",
            timestamps_s=keypoints.timestamps_s,
            camera=camera,
            scale_source="as the network gives it",
            person_id=keypoints.person_id,
            model=self.spec.name,
            model_sha256=self.model.sha256,
            source=keypoints.source,
            notes=(*keypoints.notes, *notes, note),
        )

    def lift_arrays(
        self,
        points: Float[np.ndarray, "frames 27 2"],
        observed: Bool[np.ndarray, "frames 27"],
        times_s: Float[np.ndarray, " frames"],
        outputs: Int[np.ndarray, " outputs"],
        camera: Camera,
    ) -> Float[np.ndarray, "outputs 21 3"]:
        """Positions for the frames ``outputs`` of a track given as arrays (see :func:`network_points`).

        Raises:
            ModelError: the model is one of the published systems: those take whole clips.
        """
        if self.published:
            raise ModelError(f"the model '{self.spec.name}' takes whole clips, not single frames; lift the clip")
        out = np.empty((len(outputs), len(LIFTED_21), 3))
        for start in range(0, len(outputs), BATCH):
            chunk = outputs[start : start + BATCH]
            samples = window_samples(times_s, chunk, self.spec.window_frames, self.spec.window_step_s)
            out[start : start + len(chunk)] = self.lift_windows(*gather_windows(points, observed, samples), camera)
        return out

    def lift_windows(
        self,
        points: Float[np.ndarray, "outputs window 27 2"],
        observed: Bool[np.ndarray, "outputs window 27"],
        camera: Camera,
    ) -> Float[np.ndarray, "outputs 21 3"]:
        """Positions for the middle frames of windows that are cut out already, at most :data:`BATCH` of them."""
        windows = normalise_windows(points, observed, camera.focal_px, camera.centre_px)
        features, count = windows.features, len(windows.features)
        if self.flip:
            features = np.concatenate([features, mirror_features(features)])
        # Of few windows the weights cost more to fetch than to use: both halves go in one call.
        positions = self.model.run(features, batch=BATCH)
        if self.flip:
            positions = (positions[:count] + mirror_positions(positions[count:])) / 2
        positions = positions - positions[:, :1]
        return positions_in_camera(positions, windows.R_canonical_camera)


def network_points(
    points_px: Float[np.ndarray, "frames 27 2"], camera: Camera
) -> tuple[Float[np.ndarray, "frames 27 2"], Bool[np.ndarray, "frames 27"]]:
    """``(points, observed)`` as the windows want them: undistorted pixels in float32, zero where missing."""
    observed = np.asarray(np.isfinite(points_px).all(axis=-1))
    if camera.distortion:
        points_px = camera.normalized_to_pixels(camera.pixels_to_normalized(points_px))
    return np.where(observed[..., None], points_px, 0.0).astype(np.float32), observed
