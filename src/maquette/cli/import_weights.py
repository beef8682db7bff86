"""``maquette import-weights``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from maquette.errors import InputError, OutputError, missing_extra

KINDS: dict[str, tuple[str, str]] = {
    "martinez-tf": ("maquette.importers.martinez", "import_tensorflow"),
    "martinez-pytorch": ("maquette.importers.martinez", "import_pytorch"),
    "rie": ("maquette.importers.rie", "import_weights"),
    "videopose3d": ("maquette.importers.videopose3d", "import_weights"),
}
"""Kind -> (module, function). A function takes the path, ``name`` (of the model) and, as keyword-only arguments, those
options of the command that it knows; it gives ``maquette.importers.imported.Imported``."""


@dataclass(frozen=True)
class ImportWeights:
    """Make a model file from a published checkpoint (extra: train). Nothing that is in the checkpoint is run."""

    kind: Annotated[Literal["martinez-tf", "martinez-pytorch", "rie", "videopose3d"], tyro.conf.Positional]
    """martinez-tf: run folder or checkpoint-N of 3d-pose-baseline (TensorFlow); martinez-pytorch: .pth.tar of its port
    to PyTorch; rie: .bin of Pose3D-RIE; videopose3d: .bin of VideoPose3D."""
    path: Annotated[Path, tyro.conf.Positional]
    """The checkpoint."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="MODEL.onnx")]
    """The model file to write; its stem becomes the name of the model."""
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

    def run(self) -> None:
        """Read, check, write; say what was read."""
        from importlib import import_module
        from importlib.util import find_spec
        from inspect import Parameter, signature

        if self.output.suffix.lower() != ".onnx":
            raise OutputError(f"{self.output}: expected a name that ends in .onnx")
        for package in ("torch", "onnx"):
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
        self._write(imported.model.SerializeToString())

    def _given(self) -> dict[str, Any]:
        """Options that were typed; yes and no as booleans, nothing for auto."""
        names = ("statistics", "source", "max_norm", "residual", "camera_frame", "step", "skeleton", "causal")
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
        from maquette.lifting.published import input_joints
        from maquette.mapping.published import PUBLISHED_INPUTS
        from maquette.runtime.onnx_model import OnnxModel

        with atomic_path(self.output) as temporary:
            temporary.write_bytes(data)
            model = OnnxModel(temporary)
        spec = model.spec
        print(f"{spec.parameters / 1e6:.2f} M parameters, {spec.input_skeleton} -> {spec.output_skeleton}, {spec.unit}")
        print(f"sha256 {model.sha256}")
        path = shlex.quote(str(self.output))
        # Detectors give no joints of HumanEva, `maquette lift` no scores beside the points and no world of a data set.
        lifts = (
            spec.mapping in PUBLISHED_INPUTS
            and spec.frame == "camera"
            and model.channels == 2 * len(input_joints(spec))
        )
        line = f"lift INPUT --model {path} -o OUT.bvh" if lifts else f"evaluate {path} --data STORE"
        print(f"wrote {self.output}; run it with: maquette {line}")
