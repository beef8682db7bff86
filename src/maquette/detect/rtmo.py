"""RTMO: everybody's joints in one look at the whole picture, without boxes before (Lu et al. 2024)."""

import numpy as np
from jaxtyping import Float64, UInt8

from maquette.detect.onnx_files import OnnxFile, prepared
from maquette.detect.person_boxes import MAX_BOXES, Boxes, letterbox, suppressed

MIN_SCORE = 0.7
"""People at or below this score are none; as in rtmlib."""


class OneStagePose:
    """A network for all people of a picture, in an opened file.

    It takes blue, green, red from 0 to 255, as it was trained (MMPose's configurations: no ``bgr_to_rgb``, mean 0,
    deviation 1).
    """

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        found = one_stage_outputs({name: array.shape for name, array in file.outputs.items()})
        if found is None:
            raise file.unknown()
        self._dets, self._points = found
        self.n_points: int = file.outputs[list(file.outputs)[self._points]].shape[2]
        """Points of a person."""
        file.forget_file()

    def __call__(
        self, picture: UInt8[np.ndarray, "height width 3"]
    ) -> tuple[Boxes, Float64[np.ndarray, "people points 2"], Float64[np.ndarray, "people points"]]:
        """``(boxes, points, scores)`` of the people in a picture (RGB), in its pixels, the best first."""
        seen, ratio = letterbox(picture, self.file.size)
        arrays = self.file.run(prepared([seen], "bgr", None, None))
        dets, points = (np.asarray(arrays[i][0], np.float64) for i in (self._dets, self._points))
        keep = np.flatnonzero(np.isfinite(dets).all(1) & (dets[:, 4] > MIN_SCORE))
        keep = keep[np.argsort(-dets[keep, 4], kind="stable")][: 10 * MAX_BOXES]
        keep = keep[suppressed(dets[keep, :4] / ratio, dets[keep, 4])][:MAX_BOXES]
        # Points count from the middle of the first pixel of the small picture, whose corner is that of the large one.
        return Boxes(dets[keep, :4] / ratio, dets[keep, 4]), (points[keep, :, :2] + 0.5) / ratio, points[keep, :, 2]


def one_stage_outputs(shapes: dict[str, tuple[int, ...]]) -> tuple[int, int] | None:
    """Which outputs are RTMO's boxes ``(1, n, 5)`` and points ``(1, n, joints, 3)``; None if there are none such."""
    listed = list(shapes.values())
    dets = next((i for i, shape in enumerate(listed) if len(shape) == 3 and shape[2] == 5), None)
    points = next((i for i, shape in enumerate(listed) if len(shape) == 4 and shape[3] == 3), None)
    if dets is None or points is None or listed[dets][1] != listed[points][1]:
        return None
    return dets, points
