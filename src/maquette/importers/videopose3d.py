"""Checkpoints of VideoPose3D (``.bin``): what torch saved of its network, as a model file.

The architecture is in the shapes of the tensors; which 2D format they were trained on is not, and Human3.6M's and
COCO's both have 17 joints.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from maquette.errors import InputError, ModelError
from maquette.importers.imported import Imported
from maquette.importers.torch_file import load_tensors, read_torch_file, some_names, tensors_of
from maquette.models.videopose import TemporalModel
from maquette.models.videopose_graph import build_onnx, clip_spec
from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17, H36M_17, HUMANEVA_15, HUMANEVA_20, MPII_16, get_skeleton

LICENCE = (
    "CC BY-NC 4.0 for weights published with VideoPose3D (not for commercial use); Human3.6M and HumanEva are for "
    "academic research only"
)
_INPUTS = (H36M_17, COCO_17, MPII_16, HUMANEVA_15, HUMANEVA_20)
_OUTPUTS = {17: (H36M_17, 1 / 50), 15: (HUMANEVA_15, 1 / 60), 20: (HUMANEVA_20, 1 / 60)}
"""Joints of the pose -> skeleton and time between the frames of its data set, in seconds."""


def import_weights(path: str | Path, name: str = "", *, skeleton: str | None = None, causal: bool = False) -> Imported:
    """The pose network of a checkpoint.

    Args:
        path: as ``torch.save`` wrote it, by any version; also one that holds the weights only.
        name: of the model; the stem of the file if empty.
        skeleton: joints that go in (``--keypoints`` of the original): ``h36m-17`` for CPN and fine-tuned detectors and
            for exact 2D, ``coco-17`` for detectors as they come. Needed where several have as many joints.
        causal: trained with ``--causal``, which the tensors do not tell.

    Raises:
        InputError: the file cannot be read, or the 2D format must be given.
        ModelError: it holds no such network; the text says which tensors differ.
    """
    path = Path(path)
    document = read_torch_file(path)
    if "model_pos" not in document and not any(key.startswith("expand_conv") for key in document):
        raise ModelError(
            f"{path}: holds {some_names(list(document)) or 'nothing'}; expected 'model_pos' of VideoPose3D"
        )
    what = f"{path}, model_pos"
    tensors = tensors_of(document.get("model_pos", document), what)
    channels, inputs, outputs, kernels = _shapes(tensors, what)
    widths, is_dense = _filter_widths(kernels)
    if outputs not in _OUTPUTS:
        raise ModelError(
            f"{what}: gives {outputs} joints; expected 17 (Human3.6M), 15 or 20 (HumanEva)"
            + ("; a trajectory alone is no pose" if outputs == 1 else "")
        )
    output_skeleton, window_step_s = _OUTPUTS[outputs]
    input_skeleton = _input_skeleton(skeleton, inputs, path)
    features = inputs // len(input_skeleton)
    network = TemporalModel(
        len(input_skeleton), features, outputs, filter_widths=widths, channels=channels, causal=causal, dense=is_dense
    )
    load_tensors(network, tensors, what)
    spec = clip_spec(
        network.eval(),
        name=name or path.stem,
        input_skeleton=input_skeleton,
        output_skeleton=output_skeleton,
        window_step_s=window_step_s,
        licence=LICENCE,
        training_data=f"that of the checkpoint {path.name}",
        attribution="Pavllo et al. 2019, 3D human pose estimation in video with temporal convolutions",
    )
    return Imported(build_onnx(network, spec), _notes(document, network, is_dense))


def _shapes(tensors: Mapping[str, Tensor], what: str) -> tuple[int, int, int, list[int]]:
    """Channels, values of a frame, joints of the pose, and the length of each kernel over time."""
    kernels, level = ["expand_conv.weight"], 0
    while f"layers_conv.{2 * level}.weight" in tensors:
        kernels.append(f"layers_conv.{2 * level}.weight")
        level += 1
    wanted = [*kernels, "shrink.weight"]
    wrong = [f"{name} is missing" for name in wanted if name not in tensors]
    wrong += [
        f"{name} has shape {tuple(tensors[name].shape)}, expected three numbers"
        for name in wanted
        if name in tensors and (tensors[name].ndim != 3 or 0 in tensors[name].shape)
    ]
    if not wrong and tensors["shrink.weight"].shape[0] % 3:
        wrong.append(f"shrink.weight gives {tensors['shrink.weight'].shape[0]} values, expected three a joint")
    wrong += [
        f"{name} is {tensors[name].shape[2]} frames long, expected an odd number"
        for name in kernels
        if not wrong and tensors[name].shape[2] % 2 == 0
    ]
    if not wrong:
        widths = [tuple(tensors[name].shape[:2]) for name in kernels[1:]] + [(tensors["shrink.weight"].shape[1],)]
        if {n for shape in widths for n in shape} != {tensors["expand_conv.weight"].shape[0]}:
            wrong.append(f"its layers have different widths, {', '.join(map(str, widths))}")
    if wrong:
        raise ModelError(f"{what}: no network of VideoPose3D: {'; '.join(wrong)}")
    channels, inputs = tensors[kernels[0]].shape[:2]
    return channels, inputs, tensors["shrink.weight"].shape[0] // 3, [tensors[name].shape[2] for name in kernels]


def _filter_widths(kernels: list[int]) -> tuple[tuple[int, ...], bool]:
    """Filter widths, and whether the kernels are those of ``--dense``: as long as dilated ones reach (3, 7, 19)."""
    first = kernels[0]
    dense = [first] + [(first - 1) * first**level + 1 for level in range(1, len(kernels))]
    is_dense = len(kernels) > 2 and first > 1 and kernels == dense
    return ((first,) * len(kernels) if is_dense else tuple(kernels)), is_dense


def _input_skeleton(name: str | None, inputs: int, path: Path) -> Skeleton:
    if name is not None:
        skeleton = get_skeleton(name)
        if inputs % len(skeleton) or inputs // len(skeleton) not in (2, 3):
            raise InputError(
                f"{path}: takes {inputs} values a frame, which are not two or three for each of the {len(skeleton)} "
                f"joints of {name}"
            )
        return skeleton
    fitting = [s for s in _INPUTS if inputs in (2 * len(s), 3 * len(s))]
    if len(fitting) == 1:
        return fitting[0]
    candidates = " or ".join(s.name for s in fitting) or "the name of its skeleton"
    raise InputError(
        f"{path}: takes {inputs} values a frame, and which joints they are is not in the file; give --skeleton "
        f"{candidates}"
        + (" (h36m-17: CPN, fine-tuned detectors, exact 2D; coco-17: COCO detectors)" if fitting else "")
    )


def _notes(document: Mapping[str, Any], network: TemporalModel, is_dense: bool) -> tuple[str, ...]:
    widths = ",".join(map(str, network.filter_widths))
    notes = [
        f"architecture {widths}{' (dense)' if is_dense else ''}, {network.expand_bn.num_features} channels, "
        f"{network.features_in} features a joint, window of {network.receptive_field} frames"
    ]
    if isinstance(document.get("epoch"), int):
        notes.append(f"trained for {document['epoch']} epochs")
    if document.get("model_traj") is not None:
        notes.append("its trajectory network is left out: a model file gives the pose")
    if not network.causal:
        notes.append("read as not causal, which the tensors do not tell (--causal yes otherwise)")
    return tuple(notes)
