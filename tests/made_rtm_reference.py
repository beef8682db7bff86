"""What rtmlib gives for the made networks and pictures: computed where it is installed, else as stored with the tests.

``python tests/made_rtm_reference.py`` writes the stored file anew (with rtmlib 0.0.16, opencv-python 4.11.0).
"""

import importlib
import importlib.metadata
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import made_rtm as made
import numpy as np

STORED = Path(__file__).resolve().parent / "goldens" / "rtmlib" / "outputs.npz"
SIDE = 416
"""Of the input of the networks that see the whole picture."""
BOXES = np.array([(60.0, 40.0, 260.0, 420.0), (380.0, 60.0, 560.0, 440.0)])
"""Of the two people, in a picture of 640 by 480."""


class Case(NamedTuple):
    """A picture of two people, and the networks of its joints."""

    n_joints: int
    size: tuple[int, int]
    """Of the input of the network of poses."""
    factor: float
    """Of the picture's size to 640 by 480."""

    @property
    def people(self) -> list[np.ndarray]:
        """Where the joints are."""
        return [made.joints_of(tuple(self.factor * box), self.n_joints, i) for i, box in enumerate(BOXES)]

    @property
    def picture(self) -> np.ndarray:
        width, height = round(640 * self.factor), round(480 * self.factor)
        return made.picture_of((width, height), self.people, 9.0 * self.factor, seed=self.n_joints)

    @property
    def boxes(self) -> np.ndarray:
        """Boxes that do not come from a network, neither of whole pixels nor of the shape of the input."""
        return (BOXES + (-9.3, -5.1, 12.2, 8.7)) * self.factor


CASES = {
    "vga": Case(17, (192, 256), 1.0),
    "large": Case(26, (288, 384), 2.0),
    "small": Case(26, (192, 256), 0.78125),
}


def models(folder: Path, case: Case) -> dict[str, Path]:
    """The networks of a case, by what they are; those of joints as if trained on the colours that rtmlib gives."""
    joints, size = case.n_joints, case.size
    return {
        "yolox": made.boxes_model(folder / "yolox" / "end2end.onnx", joints, SIDE, kind="yolox"),
        "rtmdet": made.boxes_model(folder / "rtmdet" / "end2end.onnx", joints, SIDE, kind="rtmdet"),
        "raw": made.raw_yolox_model(folder / "raw.onnx", SIDE, (90.0, 180.0)),
        "simcc": made.simcc_model(folder / "simcc.onnx", joints, size, bgr=True),
        "vitpose": made.heatmap_model(folder / "vitpose.onnx", joints, size, udp=True, bgr=True),
        "rtmo": made.rtmo_model(folder / "rtmo.onnx", joints, SIDE),
    }


def by_rtmlib(folder: Path) -> dict[str, np.ndarray]:
    """Boxes, points and scores of every case by rtmlib's classes, which get blue, green, red."""
    rtmlib = importlib.import_module("rtmlib")
    found: dict[str, np.ndarray] = {"version": np.array(importlib.metadata.version("rtmlib"))}
    side = (SIDE, SIDE)
    for name, case in CASES.items():
        picture, files = case.picture, {kind: str(path) for kind, path in models(folder / name, case).items()}
        blue_first = np.ascontiguousarray(picture[..., ::-1])
        # rtmlib leaves out the labels of files that suppress: the last row is the second one again, of another class.
        found[f"{name}/yolox"] = rtmlib.YOLOX(files["yolox"], side)(blue_first)[:2]
        found[f"{name}/rtmdet"] = rtmlib.RTMDet(files["rtmdet"], side)(blue_first)[:2]
        boxes, classes = rtmlib.YOLOX(files["raw"], side, det_mode="multiclass")(blue_first)
        found[f"{name}/raw"] = boxes[classes == 0]
        for kind, tool in (("simcc", rtmlib.RTMPose), ("vitpose", rtmlib.ViTPose)):
            points, scores = tool(files[kind], case.size)(blue_first, bboxes=list(case.boxes))
            found[f"{name}/{kind}"], found[f"{name}/{kind}_scores"] = points, scores
        body = rtmlib.RTMPose(files["simcc"], case.size)
        found[f"{name}/chain"], _ = body(blue_first, bboxes=list(found[f"{name}/yolox"]))
        found[f"{name}/rtmo"], found[f"{name}/rtmo_scores"] = rtmlib.RTMO(files["rtmo"], side)(blue_first)
    return found


if __name__ == "__main__":
    STORED.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        outputs: dict[str, Any] = by_rtmlib(Path(folder))
    np.savez_compressed(STORED, **outputs)
