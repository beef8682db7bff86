"""The text files of KTH Multiview Football II: one number a line, in the order of its readme (``code3d.zip``).

``positions2d.txt`` holds A(2, 14, 3, T), ``positions3d.txt`` B(3, 14, T) and ``cameras.txt`` M(2, 4, 3, T), the first
index running fastest: coordinate, joint, camera, frame. A camera is affine, one for each frame: ``A = M[:, :3] B +
M[:, 3]``. That equation is what the orders are held against.
"""

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError

JOINTS, CAMERAS = 14, 3
FILES = ("positions2d.txt", "positions3d.txt", "cameras.txt")
_NUMBERS_PER_FRAME = {FILES[0]: 2 * JOINTS * CAMERAS, FILES[1]: 3 * JOINTS, FILES[2]: 8 * CAMERAS}
_LARGEST_BYTES = 1 << 26
_LARGEST_NUMBER = 1e9
_FITS_SHARE = 0.1
"""Largest RMS distance between annotated and projected points, in sizes of the person in the picture."""

# Axes of each file from the slowest to the fastest; the first is that of the readme.
_POINTS_ORDERS = {"T C N 2": (CAMERAS, JOINTS, 2), "T N C 2": (JOINTS, CAMERAS, 2), "T C 2 N": (CAMERAS, 2, JOINTS)}
_POSITIONS_ORDERS = {"T N 3": (JOINTS, 3), "T 3 N": (3, JOINTS)}
_CAMERAS_ORDERS = {"T C 4 2": (CAMERAS, 4, 2), "T C 2 4": (CAMERAS, 2, 4)}


@dataclass(frozen=True, eq=False)
class FootballSequence:
    """One sequence of one player, as its files have it."""

    folder: Path
    points_px: Float[np.ndarray, "cameras frames 14 2"]
    positions: Float[np.ndarray, "frames 14 3"]
    """In the unit and the world of the file."""
    cameras: Float[np.ndarray, "cameras frames 2 4"]
    """Pixels from positions, affine."""
    fit_px: float
    """RMS distance of the projected positions from the points."""
    notes: tuple[str, ...]


def read_sequence(folder: Path) -> FootballSequence:
    """The three files of a folder.

    Raises:
        InputError: files absent or damaged, of different lengths, or a 3D that does not project to the 2D in any order
            of their axes; all of it at once.
    """
    problems: list[str] = []
    flat = {name: _numbers(folder / name, problems) for name in FILES}
    frames = {}
    for name, values in flat.items():
        if values is None:
            continue
        count, rest = divmod(len(values), _NUMBERS_PER_FRAME[name])
        frames[name] = count
        if rest or not count:
            problems.append(
                f"{name}: {len(values)} numbers, expected a multiple of {_NUMBERS_PER_FRAME[name]} (14 joints, 3 "
                "cameras)"
            )
    if not problems and len(set(frames.values())) > 1:
        problems.append("different numbers of frames: " + ", ".join(f"{n} in {name}" for name, n in frames.items()))
    if problems:
        raise InputError.from_problems(str(folder), problems)
    points, positions, cameras = (flat[name] for name in FILES)
    assert points is not None
    assert positions is not None
    assert cameras is not None
    return _arranged(folder, points, positions, cameras, frames[FILES[0]])


def _numbers(path: Path, problems: list[str]) -> Float[np.ndarray, " numbers"] | None:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            problems.append(f"{path.name}: is larger than {_LARGEST_BYTES >> 20} MB, expected some thousand numbers")
            return None
        text = path.read_bytes()
    except OSError as error:
        problems.append(f"{path.name}: cannot be read ({error.strerror or error})")
        return None
    try:
        values = np.array(text.split(), dtype=np.float64)
    except ValueError as error:
        problems.append(f"{path.name}: expected one number a line ({str(error)[:80]})")
        return None
    wrong = ~(np.abs(values) < _LARGEST_NUMBER)
    if wrong.any():
        bad = int(np.argmax(wrong))
        problems.append(f"{path.name}: number {bad + 1} is {values[bad]:g}, expected pixels, positions or cameras")
        return None
    return values


def _arranged(
    folder: Path,
    points: Float[np.ndarray, " a"],
    positions: Float[np.ndarray, " b"],
    cameras: Float[np.ndarray, " c"],
    frames: int,
) -> FootballSequence:
    """In the readme's order if 3D and cameras then give the 2D, else in the order in which they do."""
    fits: list[tuple[float, float, tuple[str, str, str]]] = []
    for orders in product(_POINTS_ORDERS, _POSITIONS_ORDERS, _CAMERAS_ORDERS):
        a, b, m = _in_order(points, positions, cameras, frames, orders)
        error, size = float(_rms(project(b, m) - a)), _person_px(a)
        fits.append((error / size if size > 0 else np.inf, error, orders))
        if len(fits) == 1 and fits[0][0] <= _FITS_SHARE:
            break
    share, error, orders = min(fits, key=lambda fit: fit[0])
    if not share <= _FITS_SHARE:
        raise InputError(
            f"{folder}: the 3D positions do not project to the 2D points: in the readme's order of the numbers they "
            f"are {fits[0][1]:.0f} px apart (RMS), in no order less than {100 * share:.0f} % of the person's size; "
            "expected positions2d.txt, positions3d.txt and cameras.txt of the same sequence"
        )
    notes = []
    if orders != fits[0][2]:
        named = ", ".join(f"{name}: {order}" for name, order in zip(FILES, orders, strict=True))
        notes.append(
            f"numbers are not in the readme's order, in which 2D and 3D are {fits[0][1]:.0f} px apart, but (slowest "
            f"axis first) {named}: {error:.2g} px"
        )
    a, b, m = _in_order(points, positions, cameras, frames, orders)
    return FootballSequence(folder, a, b, m, error, tuple(notes))


def _in_order(
    points: np.ndarray, positions: np.ndarray, cameras: np.ndarray, frames: int, orders: tuple[str, str, str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (cameras, frames, 14, 2), positions (frames, 14, 3), cameras (cameras, frames, 2, 4)."""
    a = points.reshape(frames, *_POINTS_ORDERS[orders[0]])
    a = {"T C N 2": a.transpose(1, 0, 2, 3), "T N C 2": a.transpose(2, 0, 1, 3), "T C 2 N": a.transpose(1, 0, 3, 2)}[
        orders[0]
    ]
    b = positions.reshape(frames, *_POSITIONS_ORDERS[orders[1]])
    b = b if orders[1] == "T N 3" else b.transpose(0, 2, 1)
    m = cameras.reshape(frames, *_CAMERAS_ORDERS[orders[2]])
    m = m.transpose(1, 0, 3, 2) if orders[2] == "T C 4 2" else m.transpose(1, 0, 2, 3)
    return a, b, m


def project(
    positions: Float[np.ndarray, "frames joints 3"], cameras: Float[np.ndarray, "*cameras frames 2 4"]
) -> Float[np.ndarray, "*cameras frames joints 2"]:
    """Pixels of positions by affine cameras."""
    return positions @ np.swapaxes(cameras[..., :3], -1, -2) + cameras[..., None, :, 3]


def _rms(differences: Float[np.ndarray, "*batch 2"]) -> float:
    return float(np.sqrt(np.square(differences).sum(axis=-1).mean()))


def _person_px(points: Float[np.ndarray, "cameras frames joints 2"]) -> float:
    """Median of the longer side of the boxes around the points."""
    return float(np.median((points.max(axis=2) - points.min(axis=2)).max(axis=-1)))


_PLAYER = re.compile(r"player[ _-]?(\d+)", re.IGNORECASE)
_SEQUENCE = re.compile(r"seq(?:uence)?[ _-]?(\d+)", re.IGNORECASE)


def find_sequences(src: Path) -> dict[tuple[str, str], Path]:
    """(``Player2``, ``Sequence1``) -> its folder, in the order of these names.

    The names are in those of the folders: ``player2/Sequence 1`` or ``player2sequence1/...``.

    Raises:
        InputError: no sequence, one that says not whose it is, or two of the same name; all of it at once.
    """
    if not src.is_dir():
        raise InputError(f"{src}: is no folder; expected the one with KTH Football's sequences (player2/Sequence 1)")
    folders = sorted({path.parent for name in FILES for path in src.rglob(name)})
    if not folders:
        raise InputError(
            f"{src}: no sequence of KTH Multiview Football II; expected {', '.join(FILES)} in folders such as "
            "player2/Sequence 1 (the archives player1sequence1.zip ..., each unpacked in a folder of its player)"
        )
    found: dict[tuple[str, str], Path] = {}
    problems = []
    for folder in folders:
        named = "/".join((*src.resolve().parts[-2:], *folder.relative_to(src).parts))
        player, sequence = _PLAYER.findall(named), _SEQUENCE.findall(named)
        if not player or not sequence:
            problems.append(f"{named}: says not which player and sequence it is; expected player2/Sequence 1")
            continue
        key = (f"Player{int(player[-1])}", f"Sequence{int(sequence[-1])}")
        if key in found:
            problems.append(f"{named}: is {' '.join(key)} as {found[key].relative_to(src)} is; remove one")
            continue
        found[key] = folder
    if problems:
        raise InputError.from_problems(str(src), problems)
    return dict(sorted(found.items()))
