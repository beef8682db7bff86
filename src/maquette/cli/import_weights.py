"""``maquette import-weights``."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from maquette.errors import InputError, OutputError, missing_extra

if TYPE_CHECKING:
    from maquette.refine.correction_weights import CorrectionWeights
    from maquette.runtime.onnx_model import OnnxModel
    from maquette.runtime.pose_machine import PoseMachineModel

KINDS: dict[str, tuple[str, str]] = {
    "martinez-tf": ("maquette.importers.martinez", "import_tensorflow"),
    "martinez-pytorch": ("maquette.importers.martinez", "import_pytorch"),
    "rie": ("maquette.importers.rie", "import_weights"),
    "videopose3d": ("maquette.importers.videopose3d", "import_weights"),
    "pose-machine": ("maquette.importers.pose_machine", "import_machine"),
    "pose-machine-correction": ("maquette.importers.pose_machine_correction", "import_correction"),
    "hourglass": ("maquette.importers.hourglass", "import_weights"),
}
"""Kind -> (module, function). A function takes the path, ``name`` (of the model) and, as keyword-only arguments, those
options of the command that it knows; it gives ``maquette.importers.imported.Imported``, that of the correction
``ImportedCorrection``."""
MACHINE = "pose-machine"
"""The kind whose model sees sequences of pictures."""
HOURGLASS = "hourglass"
"""The kind whose model is a detector: it sees one picture."""
CORRECTION = "pose-machine-correction"
"""The kind whose weights are no model file but those of a refinement, and need neither torch nor onnx."""


@dataclass(frozen=True)
class ImportWeights:
    """Make a model file from a published checkpoint (extra: train; pose-machine-correction needs none). Nothing
    that is in the checkpoint is run."""

    kind: Annotated[
        Literal[
            "martinez-tf",
            "martinez-pytorch",
            "rie",
            "videopose3d",
            "pose-machine",
            "pose-machine-correction",
            "hourglass",
        ],
        tyro.conf.Positional,
    ]
    """martinez-tf: run folder or checkpoint-N of 3d-pose-baseline (TensorFlow); martinez-pytorch: .pth.tar of its port
    to PyTorch; rie: .bin of Pose3D-RIE; videopose3d: .bin of VideoPose3D; pose-machine: .caffemodel of 3Dpose_ssl;
    pose-machine-correction: the pickle that it refines with, or the layers of a .caffemodel that are in it; hourglass:
    .t7 of pose-hg-3d, .pth of pytorch-pose-hg-3d, any version of either."""
    path: Annotated[Path, tyro.conf.Positional]
    """The checkpoint."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="MODEL.onnx")]
    """The model file to write; its stem becomes the name of the model. pose-machine-correction: a name in .npz."""
    statistics: Annotated[str | None, tyro.conf.arg(metavar="WHICH")] = None
    """Martinez: means and deviations that the network was trained with: `published-sh` or `published-gt` (Human3.6M,
    training subjects, Stacked Hourglass or exact 2D), a .json or .npz file, or a store (computed from its training
    subjects)."""
    source: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Martinez: 2D points that the network was trained on: gt, sh or sh_ft. Needed where neither the folder nor the
    statistics tell."""
    max_norm: Literal["auto", "yes", "no"] = "auto"
    """martinez-tf: whether it was trained with --max_norm; auto: as the folder's name says."""
    residual: Literal["auto", "yes", "no"] = "auto"
    """martinez-tf: whether it was trained with --residual; auto: as the folder's name says."""
    camera_frame: Literal["auto", "yes", "no"] = "auto"
    """martinez-tf: whether it was trained with --camera_frame, which nothing in the checkpoint tells; auto: yes."""
    step: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """martinez-tf: which checkpoint of a folder; default: the one that its file `checkpoint` names as the latest."""
    skeleton: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """rie, videopose3d: joints that go in, for example h36m-17, coco-17, humaneva-15."""
    causal: Literal["auto", "yes", "no"] = "auto"
    """rie, videopose3d: whether it was trained with --causal, which the tensors do not tell; auto: no."""
    published_flags: Literal["auto", "yes", "no"] = "auto"
    """pose-machine: read the marks of where sequences start in the wrong direction, as its backward pass through time
    was trained; auto: no."""
    batch_norm_scale: Literal["auto", "yes", "no"] = "auto"
    """pose-machine-correction: with the factors that the published program multiplies by by mistake; auto: no."""

    input_size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """hourglass: side of the pictures that it sees, where nothing in the file tells; default: 256, as published."""
    colour_order: Literal["auto", "rgb", "bgr"] = "auto"
    """hourglass: in which it was trained to get the colours; auto: as the program that the file is from has it."""

    def run(self) -> None:
        """Read, check, write; say what was read."""
        from importlib import import_module
        from importlib.util import find_spec
        from inspect import Parameter, signature

        suffix = ".npz" if self.kind == CORRECTION else ".onnx"
        if self.output.suffix.lower() != suffix:
            raise OutputError(f"{self.output}: expected a name that ends in {suffix}")
        for package in () if self.kind == CORRECTION else ("torch", "onnx"):
            if find_spec(package) is None:
                raise missing_extra("train", package)
        module, function = KINDS[self.kind]
        importer = getattr(import_module(module), function)
        takes = {p.name for p in signature(importer).parameters.values() if p.kind is Parameter.KEYWORD_ONLY}
        given = self._given()
        foreign = sorted(given.keys() - takes)
        if foreign:
            flags = ", ".join("--" + name.replace("_", "-") for name in foreign)
            own = ", ".join("--" + name.replace("_", "-") for name in sorted(takes - {"name"})) or "no options"
            raise InputError(f"{flags}: not for {self.kind}, which takes {own}")
        imported = importer(self.path, name=self.output.stem, **given)
        for note in imported.notes:
            print(note)
        if self.kind == CORRECTION:
            self._write_correction(imported.weights)
        elif self.kind == HOURGLASS:
            self._write_picture_model(imported.model.SerializeToString())
        else:
            self._write(imported.model.SerializeToString())

    def _given(self) -> dict[str, Any]:
        """Options that were typed; yes and no as booleans, nothing for auto."""
        names = [field.name for field in fields(self) if field.name not in ("kind", "path", "output")]
        words = {"yes": True, "no": False}
        values = {name: getattr(self, name) for name in names}
        return {
            name: words.get(value, value) if isinstance(value, str) else value
            for name, value in values.items()
            if value not in (None, "auto")
        }

    def _write(self, data: bytes) -> None:
        """The file, once it has been loaded as ``maquette lift`` would."""
        import shlex

        from maquette.atomic import atomic_path
        from maquette.runtime.onnx_model import OnnxModel
        from maquette.runtime.pose_machine import PoseMachineModel

        with atomic_path(self.output) as temporary:
            temporary.write_bytes(data)
            model = (PoseMachineModel if self.kind == MACHINE else OnnxModel)(temporary)
        spec = model.spec
        into = "pictures" if spec.form == "images" else spec.input_skeleton
        print(f"{spec.parameters / 1e6:.2f} M parameters, {into} -> {spec.output_skeleton}, {spec.unit}")
        print(f"sha256 {model.sha256}")
        print(f"wrote {self.output}; run it with: maquette {_line(model, shlex.quote(str(self.output)))}")

    def _write_picture_model(self, data: bytes) -> None:
        """The file, once it has been loaded as a detector would."""
        import shlex

        from maquette.atomic import atomic_path
        from maquette.runtime.picture_model import PictureModel

        with atomic_path(self.output) as temporary:
            temporary.write_bytes(data)
            model = PictureModel(temporary)
        spec = model.spec
        gives = "2D" if spec.depth == "none" else "2D and depth"
        print(f"{spec.parameters / 1e6:.2f} M parameters, pictures -> {spec.skeleton}, {gives}")
        print(f"sha256 {model.sha256}")
        path = shlex.quote(str(self.output))
        print(
            f"wrote {self.output}; run it with: maquette lift PICTURE --detector hourglass --model {path} -o OUT.json"
        )

    def _write_correction(self, weights: "CorrectionWeights") -> None:
        """The file, read again as a refinement would."""
        import shlex

        from maquette.refine.correction_weights import load_correction, save_correction

        save_correction(weights, self.output)
        written = load_correction(self.output)
        print(f"sha256 {written.sha256}")
        path = shlex.quote(str(self.output))
        line = f"evaluate RESULTS --data LISTS --protocol pose-machine --refine self-supervised --correction {path}"
        print(f"wrote {self.output}; refine the coarse poses of its program with: maquette {line}")


def _line(model: "OnnxModel | PoseMachineModel", path: str) -> str:
    """What to type to use a model."""
    from maquette.lifting.published import input_joints
    from maquette.mapping.published import PUBLISHED_INPUTS
    from maquette.runtime.onnx_model import OnnxModel

    if not isinstance(model, OnnxModel):
        return f"evaluate {path} --data STORE --protocol pose-machine"
    spec = model.spec
    # Detectors give no joints of HumanEva, `maquette lift` no scores beside the points and no world of a data set.
    if spec.mapping in PUBLISHED_INPUTS and spec.frame == "camera" and model.channels == 2 * len(input_joints(spec)):
        return f"lift INPUT --model {path} -o OUT.bvh"
    return f"evaluate {path} --data STORE"
