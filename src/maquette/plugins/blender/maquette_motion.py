"""Maquette's motion files (``.json``) as figures, with their stands, camera and times. Needs NumPy only."""

import json
from fractions import Fraction

import numpy as np

UPRIGHT = np.array([1.0, -1.0, -1.0])
"""From the camera's frame (x right, y down, z forward) to one with Y up: half a turn about x."""
_STILL_M = 2e-4
"""A joint that leaves its offset by less has no keys of its own for its place."""


class MotionError(Exception):
    """A file that is no motion of Maquette, in one sentence."""


def read_motion(path):
    """The document of a file, as Python objects.

    Raises:
        MotionError: it cannot be read, or is something else.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise MotionError(f"{path}: is no JSON") from None
    if not isinstance(document, dict) or document.get("format") != "maquette-motion":
        raise MotionError(f'{path}: is no motion of Maquette ("format": "maquette-motion"); maquette convert makes one')
    if document.get("version") != 1:
        raise MotionError(f"{path}: is of version {document.get('version')}, this add-on reads 1; get its newer one")
    if not document.get("positions"):
        raise MotionError(f"{path}: holds no frames")
    return document


def figure_of(document):
    """``(figure, unknown)``: the figure (see maquette_scene) of a document, and the number of unknown positions.

    With rotations the rest pose is their T-pose, without it is the first frame. Where several bones leave one joint,
    each has a joint of its own there, ``<joint>_to_<child>``, so that every bone points exactly where it does; bones
    that change their length get keys for the place of their end. Unknown positions are bridged in straight lines, and
    held before the first and after the last known one.
    """
    skeleton = document["skeleton"]
    order = _parents_first(skeleton["parents"])
    number = {joint: place for place, joint in enumerate(order)}
    parents = [number.get(skeleton["parents"][joint], -1) for joint in order]
    positions = _array(document["positions"])[:, order]
    rotations = _array(document["rotations"])[:, order] if document.get("rotations") else None
    unknown = int((~np.isfinite(positions).all(axis=-1)).sum())
    positions = _bridged(positions)
    if document["frame"] == "camera":
        positions = positions * UPRIGHT
    if rotations is not None and np.isfinite(rotations).all():
        turned = _accumulated(rotations, parents)
        if document["frame"] == "camera":
            turned = multiply(np.array([0.0, 1.0, 0.0, 0.0]), turned)
    else:
        turned = _fitted(positions, parents)
    names = [skeleton["joints"][joint] for joint in order]
    return _figure(names, parents, positions, turned), unknown


def frames_of(document, first_frame):
    """Numbers of the frames, exact also where times are uneven."""
    count = len(document["positions"])
    times = document.get("timestamps_s")
    if times is None:
        return np.arange(count, dtype=float) + first_frame
    times = np.asarray(times, dtype=float)
    return (times - times[0]) * float(Fraction(document["fps"])) + first_frame


def stands_of(document):
    """``(joint, first, last)`` for each time that a joint stands, frames counted from 0."""
    stands = []
    for column, joint in enumerate(document.get("contact_joints", ()) if document.get("contacts") else ()):
        state = np.array([row[column] for row in document["contacts"]], dtype=np.int8)
        edges = np.diff(np.concatenate(([0], state, [0])))
        firsts, lasts = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
        stands += [(joint, int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]
    return sorted(stands, key=lambda stand: stand[1])


def camera_of(document):
    """The camera as Blender wants it, its pose with Y up; None where the file has none.

    ``place_m``, ``axes`` (3, 3) of a camera that looks along -Z with Y up, ``lens`` (mm on a 36 mm sensor), ``shift``,
    ``size``, ``pixel_aspect`` (y), ``is_distorted``.
    """
    record = document.get("camera")
    if record is None:
        return None
    (fx, fy), (cx, cy), (width, height) = record["focal_px"], record["centre_px"], record["image_size"]
    axes = np.array(record["R_camera_world"]).T * UPRIGHT
    place = np.array(record["position_world_m"])
    if document["frame"] == "camera":
        axes, place = UPRIGHT[:, None] * axes, UPRIGHT * place
    aspect = fx / fy
    return {
        "place_m": place,
        "axes": axes,
        "lens": 36.0 * fx / width,
        "shift": ((width / 2 - cx) / width, (cy - height / 2) * aspect / width),
        "size": (width, height),
        "pixel_aspect": aspect,
        "is_distorted": any(record["distortion"]),
    }


def _array(rows):
    """Nested lists with null as an array with NaN."""
    return np.array(rows, dtype=float)


def _parents_first(parents):
    order, pending = [], list(range(len(parents)))
    while pending:
        ready = [i for i in pending if parents[i] < 0 or parents[i] in order]
        if not ready:
            raise MotionError("the joints' parents form a circle")
        order += ready
        pending = [i for i in pending if i not in ready]
    return order


def _bridged(positions):
    filled = positions.copy()
    frames = np.arange(len(filled))
    for joint in range(filled.shape[1]):
        known = np.isfinite(filled[:, joint]).all(axis=-1)
        if not known.any():
            filled[:, joint] = 0.0
        elif not known.all():
            for axis in range(3):
                filled[:, joint, axis] = np.interp(frames, frames[known], filled[known, joint, axis])
    return filled


def _accumulated(rotations, parents):
    turned = rotations.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            turned[:, joint] = multiply(turned[:, parent], turned[:, joint])
    return turned


def _fitted(positions, parents):
    """Orientations that turn the bones of frame 0 onto those of each frame, as well as one rotation can."""
    turned = np.tile([1.0, 0.0, 0.0, 0.0], (*positions.shape[:2], 1))
    for joint, parent in enumerate(parents):
        children = [i for i, above in enumerate(parents) if above == joint]
        if parent >= 0:
            turned[:, joint] = turned[:, parent]
        if not children:
            continue
        now = positions[:, children] - positions[:, [joint]]
        base = turned[:, parent] if parent >= 0 else turned[:, joint]
        here = rotate(base[:, None], np.broadcast_to(now[0], now.shape))
        # The nearest rotation by singular values; for one bone that is the shortest way.
        matrices = np.einsum("fci,fcj->fij", now, here) + 1e-6 * np.eye(3)
        u, _, v = np.linalg.svd(matrices)
        u[:, :, 2] *= np.sign(np.linalg.det(u @ v))[:, None]
        turned[:, joint] = multiply(_quat(u @ v), base)
    return turned


def _figure(names, parents, positions, turned):
    """Joints, and those between them that carry one bone each."""
    figure = {"names": [], "parents": [], "places": [], "turned": []}

    def add(name, parent, place, turn):
        for key, value in zip(figure, (name, parent, place, turn), strict=True):
            figure[key].append(value)
        return len(figure["names"]) - 1

    carriers = {}
    for joint, parent in enumerate(parents):
        children = [i for i, above in enumerate(parents) if above == joint]
        here, own = positions[:, joint], turned[:, joint]
        if len(children) == 1:
            own = _onto(own, positions[:, children[0]] - here)
        node = add(names[joint], -1 if parent < 0 else carriers[joint], here, own)
        for child in children:
            carriers[child] = node
            if len(children) > 1:
                turn = _onto(turned[:, joint], positions[:, child] - here)
                carriers[child] = add(f"{names[joint]}_to_{names[child]}", node, here, turn)
    return _local(figure)


def _onto(turned, bone):
    """Orientations turned on the shortest way so that the bone keeps its direction in them, the median one."""
    own = np.median(rotate(conjugate(turned), bone), axis=0)
    if np.linalg.norm(own) < 1e-6:
        return turned
    here = rotate(turned, np.broadcast_to(own, bone.shape))
    lengths = np.linalg.norm(here, axis=-1, keepdims=True) * np.linalg.norm(bone, axis=-1, keepdims=True)
    real = lengths + np.sum(here * bone, axis=-1, keepdims=True)
    swing = np.concatenate((real, np.cross(here, bone)), axis=-1)
    size = np.linalg.norm(swing, axis=-1, keepdims=True)
    # Half a turn has no shortest way, a bone without length no direction: these stay, their ends get keys.
    usable = (real > 1e-6 * lengths) & (size > 1e-12)
    swing = np.where(usable, swing / np.where(usable, size, 1.0), [1.0, 0.0, 0.0, 0.0])
    return multiply(swing, turned)


def _local(figure):
    """Offsets, local rotations and the keys of places, of joints in the world."""
    names, parents = figure["names"], figure["parents"]
    places, turned = np.stack(figure["places"], axis=1), np.stack(figure["turned"], axis=1)
    offsets, local, moves = np.zeros((len(names), 3)), turned.copy(), {}
    for joint, parent in enumerate(parents):
        place = places[:, joint]
        if parent >= 0:
            local[:, joint] = multiply(conjugate(turned[:, parent]), turned[:, joint])
            place = rotate(conjugate(turned[:, parent]), place - places[:, parent])
        elif not joint:
            continue
        offsets[joint] = np.median(place, axis=0)
        if parent < 0 or np.linalg.norm(place - offsets[joint], axis=-1).max() > _STILL_M:
            moves[joint] = place - offsets[joint]
    return {
        "names": names,
        "parents": parents,
        "offsets_m": offsets,
        "rest": np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1)),
        "tips_m": _tips(parents, offsets),
        "rotations": local,
        "root_m": places[:, 0],
        "moves_m": moves,
    }


def _tips(parents, offsets):
    """Ends to look at for joints without children: the last bone goes on for a third of its length."""
    tips = np.full((len(parents), 3), np.nan)
    for joint, parent in enumerate(parents):
        if joint not in parents and parent >= 0:
            tips[joint] = offsets[joint] / 3
    return tips


def multiply(a, b):
    aw, av = a[..., :1], a[..., 1:]
    bw, bv = b[..., :1], b[..., 1:]
    real = aw * bw - np.sum(av * bv, axis=-1, keepdims=True)
    return np.concatenate((real, aw * bv + bw * av + np.cross(*np.broadcast_arrays(av, bv))), axis=-1)


def conjugate(q):
    return q * [1.0, -1.0, -1.0, -1.0]


def rotate(q, v):
    axis = np.broadcast_to(q[..., 1:], np.broadcast_shapes(q[..., 1:].shape, v.shape))
    twice = 2.0 * np.cross(axis, v)
    return v + q[..., :1] * twice + np.cross(axis, twice)


def _quat(matrices):
    """Unit quaternions of rotation matrices, each from the largest of its four components."""
    xx, yy, zz = (matrices[..., i, i] for i in range(3))
    xy, yz, zx = (matrices[..., i, j] + matrices[..., j, i] for i, j in ((0, 1), (1, 2), (2, 0)))
    x, y, z = (matrices[..., i, j] - matrices[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    rows = np.stack(
        [
            np.stack(row, axis=-1)
            for row in (
                (1 + xx + yy + zz, x, y, z),
                (x, 1 + xx - yy - zz, xy, zx),
                (y, xy, 1 - xx + yy - zz, yz),
                (z, zx, yz, 1 - xx - yy + zz),
            )
        ],
        axis=-2,
    )
    best = np.argmax(np.diagonal(rows, axis1=-2, axis2=-1), axis=-1)
    chosen = np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]
    return chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
