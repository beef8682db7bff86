"""Checkpoints of 3d-pose-baseline (TensorFlow) and of its port to PyTorch, to model files."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from maquette.errors import InputError, ModelError
from maquette.importers.imported import Imported
from maquette.importers.martinez_tensors import (
    Shape,
    network_of,
    pytorch_names,
    pytorch_shape,
    tensorflow_names,
    tensorflow_shape,
)
from maquette.importers.score_statistics import ChosenStatistics, choose_statistics
from maquette.importers.tensor_bundle import open_bundle
from maquette.importers.torch_file import read_torch_file, some_names, tensors_of
from maquette.models.martinez import ResidualNetwork
from maquette.models.martinez_graph import build_onnx, model_spec

ATTRIBUTION = (
    "Network: Martinez, Hossain, Romero and Little 2017, A simple yet effective baseline for 3d human pose estimation"
)
LICENCE = "that of the checkpoint; Human3.6M, which it was trained on, allows academic use only"
_TORCH_EPS = 1e-5
_FOLDERS = {
    "max_norm": ("maxnorm", "no_maxnorm"),
    "residual": ("residual", "not_residual"),
    "hourglass": ("use_stacked_hourglass", "not_stacked_hourglass"),
}
"""Flag -> names of folders that a run with it, and one without it, is in."""


def import_tensorflow(
    path: Path,
    *,
    name: str,
    statistics: str | None = None,
    source: str | None = None,
    max_norm: bool | None = None,
    residual: bool | None = None,
    camera_frame: bool = True,
    step: int | None = None,
) -> Imported:
    """A checkpoint of 3d-pose-baseline or of its forks.

    Args:
        path: the run's folder, or the checkpoint.
        name: of the model.
        statistics, source: see :func:`maquette.importers.score_statistics.choose_statistics`.
        max_norm, residual: flags of the training, which the tensors do not tell; None: as the run's folder says.
        camera_frame: another one, which nothing tells.
        step: which checkpoint of a folder; None: the latest.

    Raises:
        InputError: it cannot be read, or nothing says what it needs.
        ModelError: tensors of another network; the text lists those that differ.
    """
    bundle = open_bundle(path, step=step)
    said = _folder_words(bundle.prefix)
    hourglass = said.get("hourglass")
    flags = {k: said.get(k) if v is None else v for k, v in (("max_norm", max_norm), ("residual", residual))}
    problems = _untold(flags)
    try:
        said_points = None if hourglass is None else ("sh" if hourglass else "gt")
        chosen = choose_statistics(statistics, source, said_points, camera_frame=camera_frame)
    except InputError as error:
        raise InputError.from_problems(str(bundle.prefix), [*problems, str(error)]) from None
    if problems:
        raise InputError.from_problems(str(bundle.prefix), problems)
    shapes = {tensor: stored.shape for tensor, stored in bundle.tensors.items()}
    shape = tensorflow_shape(shapes)
    network = network_of(
        shape,
        tensorflow_names(shape),
        shapes,
        {n for n in shapes if n.startswith("linear_model/") and not n.endswith(("/Adam", "/Adam_1"))},
        bundle.tensor,
        str(bundle.prefix),
        transposed=True,
        residual=bool(flags["residual"]),
        max_norm=bool(flags["max_norm"]),
    )
    facts = [f"step {int(bundle.tensor('global_step'))}"] if shapes.get("global_step") == () else []
    read = f"read {bundle.prefix.name}: {', '.join([f'{len(shapes)} tensors', *facts])}"
    about = ", ".join(["3d-pose-baseline (TensorFlow)", *facts])
    command = f"maquette import-weights martinez-tf {bundle.prefix.name}"
    return _imported(
        network, shape, chosen, name=name, read=read, about=about, command=command, camera_frame=camera_frame
    )


def _untold(flags: Mapping[str, bool | None]) -> list[str]:
    """What the user must say of the training."""
    return [
        f"neither the tensors nor the names of its folders tell --{flag.replace('_', '-')}; say yes or no (the "
        "commands in its README train with it: yes)"
        for flag, value in flags.items()
        if value is None
    ]


def import_pytorch(path: Path, *, name: str, statistics: str | None = None, source: str | None = None) -> Imported:
    """A ``.pth.tar`` of the port to PyTorch (3d_pose_baseline_pytorch), whose max_norm is one of gradients only.

    Raises:
        InputError: it cannot be read, or nothing says which 2D points it was trained on.
        ModelError: tensors of another network; the text lists those that differ.
    """
    loaded = read_torch_file(path)
    if "state_dict" not in loaded and not any(isinstance(value, Tensor) for value in loaded.values()):
        raise ModelError(
            f"{path}: holds {some_names(list(loaded)) or 'nothing'}; expected 'state_dict' of 3d_pose_baseline_pytorch"
        )
    tensors = tensors_of(loaded.get("state_dict", loaded), f"{path}, 'state_dict'")
    shapes = {tensor: tuple(value.shape) for tensor, value in tensors.items()}
    shape = pytorch_shape(shapes)
    network = network_of(
        shape,
        pytorch_names(shape),
        shapes,
        {n for n in shapes if not n.endswith("num_batches_tracked")},
        lambda n: tensors[n].numpy(),
        str(path),
        transposed=False,
    )
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eps = _TORCH_EPS
    chosen = choose_statistics(statistics, source, None)
    facts = [f"{key} {loaded[key]}" for key in ("epoch", "step") if isinstance(loaded.get(key), int)]
    read = f"read {path.name}: {', '.join([f'{len(shapes)} tensors', *facts])}"
    about = ", ".join(["3d_pose_baseline_pytorch", *facts])
    command = f"maquette import-weights martinez-pytorch {path.name}"
    return _imported(network, shape, chosen, name=name, read=read, about=about, command=command)


def _imported(
    network: ResidualNetwork,
    shape: Shape,
    chosen: ChosenStatistics,
    *,
    name: str,
    read: str,
    about: str,
    command: str,
    camera_frame: bool = True,
) -> Imported:
    spec = model_spec(
        network,
        chosen.statistics,
        name=name,
        points=chosen.points,
        training_data=f"Human3.6M, 2D source {chosen.source} ({chosen.about_points}); {about}",
        licence=LICENCE,
        attribution=ATTRIBUTION,
        command=command,
        camera_frame=camera_frame,
    )
    residual = all(block.residual for block in network.blocks)
    words = [
        f"{shape.num_layers} blocks of {shape.linear_size}",
        "residual" if residual else "not residual",
        "batch norm" if shape.batch_norm else "no batch norm",
        "max-norm folded in" if network.last.max_norm else "no max-norm",
        f"{shape.outputs // 3} joints out",
    ]
    frame = (
        "trained in the camera's frame, as every published command" if camera_frame else "trained in the world's frame"
    )
    return Imported(build_onnx(network, spec), (read, f"network: {', '.join(words)}", *chosen.notes, frame))


def _folder_words(prefix: Path) -> dict[str, bool]:
    """What the names of the run's folders say of its flags."""
    parts = set(prefix.absolute().parent.parts)
    return {flag: yes in parts for flag, (yes, no) in _FOLDERS.items() if (yes in parts) != (no in parts)}
