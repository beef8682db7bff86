"""The published weights of the weakly-supervised hourglass, to model files: what is in a file decides how it is read.

===================== ============================================ ====== ==============================
program               file                                         order  values
===================== ============================================ ====== ==============================
Torch7, the paper's   ``hgreg-3d.t7``: a graph of layers           RGB    0 to 1
PyTorch, hourglass    ``hgreg-3d.pth``: the pickled network, or    BGR    0 to 255/256
                      a state dict; with or without depths
PyTorch, version 2    ``fusion_3d_var.pth``: a state dict of the   BGR    0 to 255/256, then ImageNet's
                      residual network with deconvolutions                means and deviations
===================== ============================================ ====== ==============================
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from maquette.errors import InputError, ModelError
from maquette.importers.hourglass_pickle import holds_network, read_network
from maquette.importers.imported import Imported
from maquette.importers.torch7_hourglass import torch7_tensors
from maquette.importers.torch_file import load_tensors, read_torch_file, some_names, tensors_of
from maquette.models.deconv_pose import LAYERS, DeconvPose, Head
from maquette.models.hourglass import INPUT_SIZE, HourglassDepth
from maquette.models.hourglass_graph import PictureNetwork, picture_onnx
from maquette.models.hourglass_names import Sizes, sizes_of, to_published
from maquette.models.hourglass_spec import picture_spec
from maquette.runtime.picture_spec import V2_LENGTH_MM

_DATA_LICENCE = "trained on Human3.6M and MPII, which are for research only"
TORCH7_LICENCE = f"its program has a BSD licence; {_DATA_LICENCE}"
LICENCE = f"its program has the licence GPL-3.0; {_DATA_LICENCE}"
ATTRIBUTION = (
    "Zhou et al. 2017, Towards 3D human pose estimation in the wild: a weakly-supervised approach; hourglass of Newell "
    "et al. 2016"
)
V2_ATTRIBUTION = ATTRIBUTION.replace("hourglass of Newell et al. 2016", "network of Xiao et al. 2018")
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TORCH7_STARTS = (b"\x04\x00\x00\x00", b"\x03\x00\x00\x00", b"4\n", b"3\n")
"""How files of Torch7 begin: the type of an object or of a table, in its binary or ascii form."""
_RESIDUAL_LAYERS = 14
"""Rows of residuals in a stack."""

Tensors = Mapping[str, Tensor]


def import_weights(
    path: str | Path,
    *,
    name: str = "",
    input_size: int | None = None,
    colour_order: Literal["rgb", "bgr"] | None = None,
) -> Imported:
    """The network in a published file.

    Args:
        path: see the table above.
        name: of the model; the stem of the file if empty.
        input_size: pixels along each side of the pictures; 256 in all published files. Not needed where a depth branch
            tells.
        colour_order: in which it was trained to get the colours, for networks that somebody else trained; None: as the
            program of the file has it.

    Raises:
        InputError: the file cannot be read.
        ModelError: it holds no such network; the text says which tensors differ.
    """
    path = Path(path)
    network, facts, notes = published_network(path, input_size=input_size)
    is_deconv = isinstance(network, DeconvPose)
    spec = picture_spec(
        network,
        name=name or path.stem,
        training_data=f"Human3.6M and MPII, by its authors; {path.name}",
        attribution=V2_ATTRIBUTION if is_deconv else ATTRIBUTION,
        command=f"maquette import-weights hourglass {path.name}",
        spine_from_neighbours=True,
        **(facts | ({"colour_order": colour_order} if colour_order else {})),
    )
    order, size = " ".join(spec.colour_order).upper(), network.input_size
    notes.append(_architecture(network))
    notes.append(f"takes pictures of {size} pixels, colours in the order {order}, divided by {spec.divide_by}")
    if spec.depth == "none":
        notes.append("it has no depths: it finds joints in the picture only")
    return Imported(picture_onnx(network, spec), tuple(notes))


def published_network(path: Path, *, input_size: int | None = None) -> tuple[PictureNetwork, dict[str, Any], list[str]]:
    """The network in a published file, in evaluation mode; the fields of its spec that tell how it is fed; what to say
    of the file.

    Raises:
        InputError: the file cannot be read.
        ModelError: it holds no such network; the text says which tensors differ.
    """
    if not _start(path).startswith(_TORCH7_STARTS):
        return _from_pytorch(path, input_size)
    tensors, n_modules = torch7_tensors(path)
    network = _hourglass(_published(tensors, n_modules), str(path), input_size)
    facts = {"colour_order": "rgb", "divide_by": 255, "licence": TORCH7_LICENCE}
    return network, facts, [f"read {path.name}: a graph of Torch7"]


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not start:
        raise InputError(f"{path}: is empty; copy it again")
    return start


def _from_pytorch(path: Path, input_size: int | None) -> tuple[PictureNetwork, dict[str, Any], list[str]]:
    """The network, what its program feeds it with, and what to say of the file."""
    if holds_network(path):
        found = read_network(path)
        tensors = tensors_of(found.tensors, str(path))
        notes = [f"read {path.name}: a pickled {found.class_name}"]
    else:
        document = read_torch_file(path)
        inner = next((key for key in ("state_dict", "model") if key in document), None)
        tensors = tensors_of(document[inner] if inner else document, str(path))
        notes = [f"read {path.name}: {len(tensors)} tensors"]
        if isinstance(document.get("epoch"), int):
            notes.append(f"trained for {document['epoch']} epochs")
    facts: dict[str, Any] = {"colour_order": "bgr", "divide_by": 256, "licence": LICENCE}
    if "deconv_layers.0.weight" in tensors:
        facts |= {"mean": _MEAN, "std": _STD, "heatmap_decode": "none", "skeleton_length_mm": V2_LENGTH_MM}
        return _deconv_pose(tensors, str(path), input_size), facts, notes
    return _hourglass(tensors, str(path), input_size), facts, notes


def _published(tensors: Tensors, n_modules: int) -> dict[str, Tensor]:
    """Tensors by their published names."""
    per_level = 1 + max((int(name.split(".")[3]) for name in tensors if name.startswith("depth.levels.0.")), default=0)
    names = to_published(tensors, n_modules=n_modules, n_reg_modules=per_level)
    return {names[name]: tensor for name, tensor in tensors.items()}


def _hourglass(tensors: Tensors, where: str, input_size: int | None) -> HourglassDepth:
    """The hourglass whose tensors have published names, in evaluation mode.

    Raises:
        ModelError: they are not those of one; the text says which differ.
    """
    sizes = sizes_of(tensors, where)
    if sizes.n_stack * sizes.n_modules * _RESIDUAL_LAYERS > len(tensors):
        raise ModelError(f"{where}: has {len(tensors)} tensors, too few for {sizes.n_stack} stacks")
    if sizes.input_size is not None and input_size not in (None, sizes.input_size):
        raise InputError(
            f"{where}: its depth branch is for pictures of {sizes.input_size} pixels, --input-size says {input_size}"
        )
    size = sizes.input_size or input_size or INPUT_SIZE
    # No memory is taken that the file does not fill.
    with torch.device("meta"):
        values = sum(p.numel() for p in _sized(sizes, size).parameters())
    if values > sum(tensor.numel() for tensor in tensors.values()):
        raise ModelError(f"{where}: tensors are missing or smaller than in an hourglass of {sizes.n_feats} features")
    network = _sized(sizes, size)
    names = to_published(network.state_dict(), n_modules=sizes.n_modules, n_reg_modules=sizes.n_reg_modules)
    ours = {published: name for name, published in names.items()}
    load_tensors(network, {ours.get(name, name): tensor for name, tensor in tensors.items()}, where)
    return network.eval()


def _sized(sizes: Sizes, input_size: int) -> HourglassDepth:
    return HourglassDepth(*sizes[:5], input_size)


def _deconv_pose(tensors: Tensors, where: str, input_size: int | None) -> DeconvPose:
    """The residual network with deconvolutions, in evaluation mode.

    Raises:
        ModelError: the tensors are not those of one; the text says which differ.
    """
    names = {name.rpartition(".")[0] for name in tensors}
    blocks = tuple(len({n.split(".")[1] for n in names if n.startswith(f"layer{i}.")}) for i in range(1, 5))
    shape = ("layer1.0.conv3" in names, blocks)
    fitting = [layers for layers, parts in LAYERS.items() if parts == shape]
    heatmap = tensors.get("hm.weight")
    if not fitting or heatmap is None or heatmap.ndim != 4:
        raise ModelError(
            f"{where}: blocks {', '.join(map(str, blocks))} and heads "
            f"{some_names(sorted(names - {n for n in names if '.' in n} - {'conv1', 'bn1'})) or '(none)'}; expected a "
            f"residual network of {', '.join(map(str, LAYERS))} layers and the heads hm and depth"
        )
    heads: tuple[Head, ...] = ("hm", "depth") if "depth" in names else ("hm",)
    network = DeconvPose(fitting[0], heads, n_joints=len(heatmap), input_size=input_size or INPUT_SIZE)
    load_tensors(network, tensors, where)
    return network.eval()


def _architecture(network: PictureNetwork) -> str:
    if isinstance(network, DeconvPose):
        return f"residual network of {network.layers} layers with deconvolutions, heads {', '.join(network.heads)}"
    depth = f", {network.n_reg_modules} in the depth branch" if network.n_reg_modules else ""
    stacks, modules = (
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((network.n_stack, "stack"), (network.n_modules, "residual"))
    )
    return f"{stacks}, {modules} in a row{depth}, {network.n_feats} features"
