"""Checkpoints of Pose3D-RIE (``.bin``): what torch saved of its network, as a model file.

The architecture is in the shapes of the tensors: stage, filter widths, channels, latent length, joints.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from maquette.errors import InputError, ModelError
from maquette.importers.imported import Imported
from maquette.importers.torch_file import load_tensors, read_torch_file, some_names, tensors_of
from maquette.models.rie import H36M_GROUPS, HUMANEVA15_GROUPS, JointGroups, RelativeEncodingNetwork
from maquette.models.rie_graph import build_onnx, clip_spec
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, HUMANEVA_15, get_skeleton

LICENCE = (
    "that of the checkpoint (Pose3D-RIE is published under MIT, with files of VideoPose3D under CC BY-NC 4.0); "
    "Human3.6M and HumanEva are for academic research only"
)
ATTRIBUTION = (
    "Shan et al. 2021, Improving robustness and accuracy via relative information encoding in 3D human pose estimation"
)
_BODIES: dict[str, tuple[Skeleton, JointGroups, float]] = {
    "h36m-17": (H36M_17, H36M_GROUPS, 1 / 50),
    "humaneva-15": (HUMANEVA_15, HUMANEVA15_GROUPS, 1 / 60),
}
"""Skeleton of points and pose -> itself, groups of joints, and time between the frames of its data set, in seconds."""
_FIRST = "LocalLayer_Torso"


def import_weights(path: str | Path, name: str = "", *, skeleton: str | None = None, causal: bool = False) -> Imported:
    """The network of a checkpoint, of any stage.

    Args:
        path: as ``torch.save`` wrote it, by any version; also one that holds the weights only.
        name: of the model; the stem of the file if empty.
        skeleton: ``h36m-17`` or ``humaneva-15``; the tensors tell which, so it need not be given.
        causal: trained to give the last frame of its window, which the published program cannot.

    Raises:
        InputError: the file cannot be read, or the skeleton is not one that such a network can have.
        ModelError: it holds no such network; the text says which tensors differ.
    """
    path = Path(path)
    document = read_torch_file(path)
    if "model_pos" not in document and not any(key.startswith("LocalLayer_") for key in document):
        raise ModelError(f"{path}: holds {some_names(list(document)) or 'nothing'}; expected 'model_pos' of Pose3D-RIE")
    what = f"{path}, model_pos"
    tensors = tensors_of(document.get("model_pos", document), what)
    body = _body(tensors, skeleton, what)
    points, groups, window_step_s = _BODIES[body]
    network = _network(tensors, groups, causal, what)
    load_tensors(network, tensors, what)
    epochs = document.get("epoch")
    trained = f", {epochs} epochs" if isinstance(epochs, int) else ""
    spec = clip_spec(
        network.eval(),
        name=name or path.stem,
        input_skeleton=points,
        output_skeleton=points,
        window_step_s=window_step_s,
        licence=LICENCE,
        training_data=f"that of the checkpoint {path.name}{trained}",
        attribution=ATTRIBUTION,
        command=f"maquette import-weights rie {path.name}",
    )
    notes = [_architecture(network, body)]
    if isinstance(epochs, int):
        notes.append(f"trained for {epochs} epochs of its stage")
    if network.stage == 1:
        notes.append("of stage 1: without fusion; the published results are those of stage 3")
    return Imported(build_onnx(network, spec), tuple(notes))


def _architecture(network: RelativeEncodingNetwork, body: str) -> str:
    stage = "stage 1" if network.stage == 1 else "stage 2 or 3"
    widths = ",".join(map(str, network.filter_widths))
    latent, hidden = network.GlobalInfo.fc_2.out_features, network.GlobalInfo.fc_1.out_features
    channels = network.encoder(network.groups.groups[0]).expand_bn.num_features
    return (
        f"{stage}, architecture {widths} (window of {network.receptive_field} frames), {channels} channels, "
        f"latent {latent}, hidden {hidden}, {body}"
    )


def _body(tensors: Mapping[str, Tensor], skeleton: str | None, what: str) -> str:
    """Name of the skeleton whose points the global branch reads."""
    wide = _size(tensors, "GlobalInfo.fc_1.weight", 1, 2, what)
    fitting = [name for name, (points, _, _) in _BODIES.items() if wide == 2 * len(points)]
    if skeleton is not None:
        get_skeleton(skeleton)
        if skeleton not in fitting:
            raise InputError(
                f"{what}: reads {wide} values a frame, not two for each joint of {skeleton}"
                + (f"; it is one of {fitting[0]}" if fitting else "")
            )
        return skeleton
    if not fitting:
        expected = ", ".join(f"{2 * len(points)} ({name})" for name, (points, _, _) in _BODIES.items())
        raise ModelError(f"{what}: GlobalInfo.fc_1.weight reads {wide} values a frame, expected {expected}")
    return fitting[0]


def _network(tensors: Mapping[str, Tensor], groups: JointGroups, causal: bool, what: str) -> RelativeEncodingNetwork:
    """A network with the sizes that a few of the tensors have; loading compares all the others."""
    names = [f"{_FIRST}.expand_conv.weight"]
    while (name := f"{_FIRST}.layers_conv.{2 * len(names) - 2}.weight") in tensors:
        names.append(name)
    widths = tuple(_size(tensors, name, 2, 3, what) for name in names)
    if even := [f"{n} is {w} frames wide" for n, w in zip(names, widths, strict=True) if w % 2 == 0]:
        raise ModelError(f"{what}: {', '.join(even)}, expected odd numbers")
    return RelativeEncodingNetwork(
        groups,
        filter_widths=widths,
        channels=_size(tensors, names[0], 0, 3, what),
        latent=_size(tensors, f"{_FIRST}.shrink.weight", 0, 3, what),
        hidden=_size(tensors, "GlobalInfo.fc_1.weight", 0, 2, what),
        stage=3 if any(name.startswith("FuseBlocks.") for name in tensors) else 1,
        causal=causal,
    )


def _size(tensors: Mapping[str, Tensor], name: str, axis: int, axes: int, what: str) -> int:
    """Length of one axis of a tensor of ``axes`` axes."""
    if name not in tensors:
        raise ModelError(f"{what}: no network of Pose3D-RIE: {name} is missing")
    shape = tuple(tensors[name].shape)
    if len(shape) != axes or 0 in shape:
        raise ModelError(f"{what}: no network of Pose3D-RIE: {name} has shape {shape}, expected {axes} numbers")
    return shape[axis]
