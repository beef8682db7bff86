"""The whole 3D pose machine out of a snapshot of Caffe, to a model file."""

from pathlib import Path

from maquette.errors import ModelError
from maquette.formats.caffemodel import CaffeNet, read_caffemodel
from maquette.importers.imported import Imported
from maquette.importers.pose_machine_correction import ATTRIBUTION, LICENCE
from maquette.importers.pose_machine_layers import common_layers, take_layers
from maquette.importers.torch_file import some_names
from maquette.lifting.min_max import PUBLISHED_16
from maquette.models.pose_machine import FC_FINAL, PoseMachine
from maquette.models.pose_machine_correction import LAYERS, WIDTH
from maquette.models.pose_machine_fronts import IMAGE_SIZE, TRUNK_CHANNELS, TRUNK_STRIDE
from maquette.models.pose_machine_spec import PUBLISHED_LIMITS, machine_model, machine_spec

_SEQUENCE = ("fc", "lstm1", "lstm2", FC_FINAL)
_LARGEST_SIDE = 2048


def import_machine(path: Path, *, name: str, published_flags: bool = False) -> Imported:
    """The network that step 3, 4 or 5 of the published training ended with.

    Args:
        path: a ``.caffemodel``.
        name: of the model.
        published_flags: the second LSTM gets flags that are not reversed, as it was trained with.

    Raises:
        InputError: it cannot be read.
        ModelError: layers are missing, or they are of another network; the text lists those that differ.
    """
    net = read_caffemodel(path)
    machine, left_out = machine_of(net, str(path), published_flags=published_flags)
    flag = " --published-flags yes" if published_flags else ""
    spec = machine_spec(
        machine,
        PUBLISHED_16,
        name=name,
        limits_source=PUBLISHED_LIMITS,
        licence=LICENCE,
        training_data=f"Human3.6M and MPII, by its authors; {path.name}",
        attribution=ATTRIBUTION,
        command=f"maquette import-weights pose-machine {path.name}{flag}",
    )
    layers = machine.caffe_layers()
    notes = [f"read {path.name}: {len(layers)} layers, hidden layers of {machine.width}"]
    if left_out:
        notes.append(f"left out, of another network: {some_names(left_out)}")
    if machine.image_size != IMAGE_SIZE:
        notes.append(f"taken to be of pictures of {machine.image_size} pixels, which the arrays do not tell exactly")
    notes.append(
        "flags of the second LSTM as published, not reversed"
        if published_flags
        else "flags of the second LSTM reversed with its frames, as it should have been (--published-flags yes: as it "
        "was trained)"
    )
    return Imported(machine_model(machine, spec), tuple(notes))


def machine_of(net: CaffeNet, where: str, *, published_flags: bool = False) -> tuple[PoseMachine, tuple[str, ...]]:
    """The network in a snapshot, in evaluation mode, and the names of layers that it has not.

    Raises:
        ModelError: see :func:`import_machine`.
    """
    width, size = _sizes(net)
    machine = PoseMachine(width=width, image_size=size, published_flags=published_flags)
    layers = machine.caffe_layers()
    common = common_layers(layers, net)
    if common.missing:
        raise ModelError(f"{where}: {_what_it_is(common.taken, common.missing)}")
    take_layers(machine, net, where)
    return machine.eval(), common.unknown


def _sizes(net: CaffeNet) -> tuple[int, int]:
    """Width and pixels that the arrays tell; where they make no sense the published ones, so that what differs from
    them shows."""
    hidden, fc = _matrix(net, "project_2"), _matrix(net, "fc")
    values = sum(blob.size for layer in net.layers.values() for blob in layer.blobs)
    # No memory is taken for LSTMs, of four gates by two each, that the file does not fill.
    width = hidden[0] if hidden[0] == hidden[1] and 16 * hidden[0] ** 2 <= values else WIDTH
    sizes = [IMAGE_SIZE, *range(7 * TRUNK_STRIDE, _LARGEST_SIDE, TRUNK_STRIDE)]
    fitting = [size for size in sizes if fc == (width, TRUNK_CHANNELS * _cells(size) ** 2)]
    return width, fitting[0] if fitting else IMAGE_SIZE


def _matrix(net: CaffeNet, name: str) -> tuple[int, int]:
    """Shape of the weights of a full connection; (0, 1) where there are none."""
    shape = net.layers[name].blobs[0].shape[-2:] if name in net.layers else ()
    return (shape[0], shape[1]) if len(shape) == 2 else (0, 1)


def _cells(size: int) -> int:
    """Along each side, after the feature adaption: two convolutions of 5 in steps of 2, with a border of 1."""
    side = size // TRUNK_STRIDE
    for _ in range(2):
        side = (side - 3) // 2 + 1
    return side


def _what_it_is(taken: tuple[str, ...], missing: tuple[str, ...]) -> str:
    """Which step of the training such a file comes from, and what to do with it."""
    lacks = f"lacks {some_names(missing)}"
    if not taken:
        return "has no layer of the pose machine"
    if not set(missing) & set(_SEQUENCE) and set(missing) <= set(LAYERS):
        step, words = 3, "the end of step 2, without the correction"
    elif set(_SEQUENCE) <= set(missing):
        step, words = 2, "a trunk alone, as step 2 starts from"
    else:
        return (
            f"{lacks}; expected the end of step 3 (addsrr), 4 (finetune_whole) or 5 (mask3d) of the published training"
        )
    return (
        f"{lacks}: {words}; a model file has all {len(taken) + len(missing)} layers. Train on from it: maquette train "
        f"pose-machine-h36m --stage {step} --from FILE"
    )
