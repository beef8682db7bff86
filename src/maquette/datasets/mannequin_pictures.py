"""``maquette prepare mannequin``: pictures of a mannequin posed by open motion capture, with its joints in 2D and 3D.

Half of the people stand in a studio, as in a capture laboratory: recorded poses on recorded bodies, four cameras, an
even wall. The other half is anywhere: poses varied, bodies drawn, any camera, clothes, things behind and before them.
A training with 3D labels in the studio alone has to carry depth over to the others, as one with Human3.6M and MPII has.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from maquette.atomic import write_bytes
from maquette.datasets.augment import vary_poses
from maquette.datasets.bodies import draw_lengths, set_lengths
from maquette.datasets.cameras import look
from maquette.datasets.mannequin_body import Clothes, dressed, mpii_joints
from maquette.datasets.mannequin_scene import Surroundings, View, photograph
from maquette.datasets.mannequin_set import (
    LISTING,
    SPLITS,
    DrawnPeople,
    MannequinFacts,
    MannequinSet,
    open_mannequin,
    picture_name,
)
from maquette.datasets.mocap import clips_of_split, load_clips, positions_of
from maquette.datasets.prepared_folder import check_target
from maquette.datasets.samples import MotionLibrary
from maquette.errors import InputError, OutputError

ReportProgress = Callable[[str, float], None]
_AT_ONCE = 64
"""People drawn together, whose limbs may be exchanged with each other's."""
_MOST_HELD_OUT = 1000
_STUDIO_AZIMUTHS_DEG = (20.0, 110.0, 200.0, 290.0)


def prepare_mannequin(
    src: str | Path,
    dst: str | Path,
    *,
    pictures: int = 24_000,
    picture_size: int = 160,
    seed: int = 1,
    workers: int = 0,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> MannequinSet:
    """Write the folder ``dst`` from the motion capture in ``src`` (an arrays store with landmarks and splits).

    The pictures are a function of the motion capture, ``picture_size`` and ``seed``, whatever the number of workers.

    Args:
        pictures: of people of the split train; val and test get a tenth of that each, at most 1000.
        picture_size: side of a picture in pixels.
        workers: processes that draw; 0: one for each core.
        overwrite: replace a set that is there.

    Raises:
        InputError: no motion capture, or numbers that make no pictures.
        OutputError: the set cannot be written.
    """
    src, dst = Path(src), Path(dst)
    if pictures < 10 or not 64 <= picture_size <= 1024 or workers < 0 or seed < 0:
        raise InputError(
            f"--pictures {pictures}, --picture-size {picture_size}, --workers {workers}, --seed {seed}: expected 10 "
            "pictures or more of 64 to 1024 pixels, and no negative numbers"
        )
    check_target(dst, LISTING, "a set of mannequins", overwrite)
    load_clips(src)
    held_out = min(pictures // 10, _MOST_HELD_OUT)
    counts = {"train": pictures, "val": held_out, "test": held_out}
    tasks = [
        _Task(str(src), str(dst), split, first, min(_AT_ONCE, count - first), picture_size, seed)
        for split, count in counts.items()
        for first in range(0, count, _AT_ONCE)
    ]
    _make_folders(dst)
    drawn = []
    with ProcessPoolExecutor(workers or cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        for number, people in enumerate(pool.map(_draw, tasks)):
            drawn.append(people)
            report_progress(f"{sum(len(p.points_px) for p in drawn):,} pictures", (number + 1) / len(tasks))
    facts = MannequinFacts(size=picture_size, seed=seed, motion_capture=f"{src.name}: index.json")
    MannequinSet.gathered(dst, drawn, facts).write()
    return open_mannequin(dst)


@dataclass(frozen=True)
class _Task:
    src: str
    dst: str
    split: str
    first: int
    count: int
    size: int
    seed: int


_LIBRARIES: dict[tuple[str, str], MotionLibrary] = {}
"""Of this process: reading the motion capture takes longer than drawing 64 pictures."""


def _draw(task: _Task) -> DrawnPeople:
    key = (task.src, task.split)
    if key not in _LIBRARIES:
        _LIBRARIES[key] = MotionLibrary(clips_of_split(load_clips(task.src), task.split))
    rng = np.random.default_rng([task.seed, SPLITS.index(task.split), task.first])
    recorded = _LIBRARIES[key].draw_segments(rng, task.count, 1, 0.04)
    varied = vary_poses(rng, recorded, strength=0.8)
    varied = set_lengths(varied, draw_lengths(rng, varied, keep_probability=0.25))
    points, joints, studio = [], [], []
    for i in range(task.count):
        number = task.first + i
        own = np.random.default_rng([task.seed, SPLITS.index(task.split), number, 1])
        surroundings: Surroundings = "studio" if number % 2 == 0 else "anywhere"
        pose = (recorded if surroundings == "studio" else varied)[i, 0]
        picture, points_px, camera_m = draw_person(own, pose, surroundings, task.size)
        data = BytesIO()
        Image.fromarray(picture).save(data, "JPEG", quality=int(own.integers(70, 96)))
        write_bytes(Path(task.dst) / picture_name(task.split, number), data.getvalue())
        points.append(points_px)
        joints.append(1000 * camera_m)
        studio.append(surroundings == "studio")
    return DrawnPeople(task.split, np.array(points), np.array(joints), np.array(studio))


def draw_person(
    rng: np.random.Generator, pose: Float[np.ndarray, "25 3"], surroundings: Surroundings, size: int
) -> tuple[np.ndarray, Float[np.ndarray, "16 2"], Float[np.ndarray, "16 3"]]:
    """Picture (size, size, 3), joints in its pixels, and in the camera's frame in metres."""
    pose = pose.astype(np.float64)
    pose[0] = 0.0
    # On the floor, whatever the recording stood on.
    pose[0, 1] = -positions_of(pose)[:, 1].min() + 0.03
    anywhere = surroundings == "anywhere"
    clothes = Clothes(
        sleeves=float(rng.uniform(0, 2)),
        legs=float(rng.uniform(0.3, 2)),
        long_hair=bool(rng.random() < 0.4),
        build=float(rng.uniform(0.85, 1.3)) if anywhere else float(rng.uniform(0.95, 1.05)),
    )
    joints = mpii_joints(pose)
    view = _anywhere(rng, joints, size) if anywhere else _in_studio(rng, joints, size)
    picture = photograph(rng, dressed(pose, clothes), view, surroundings)
    camera = view.to_camera(joints)
    return picture, view.project(camera), camera


def _in_studio(rng: np.random.Generator, joints: Float[np.ndarray, "16 3"], size: int) -> View:
    """One of four cameras in the corners of a room, the person somewhere between them."""
    azimuth = np.radians(_STUDIO_AZIMUTHS_DEG[rng.integers(4)] + rng.uniform(-12, 12))
    return _framed(rng, joints, size, azimuth, np.radians(rng.uniform(4, 14)), 0.0, rng.uniform(4.0, 5.5), (0.68, 0.72))


def _anywhere(rng: np.random.Generator, joints: Float[np.ndarray, "16 3"], size: int) -> View:
    elevation = np.clip(np.radians(5 + 14 * rng.standard_normal()), -0.35, 1.0)
    roll = np.radians(4 * rng.standard_normal())
    azimuth, distance = rng.uniform(0, 2 * np.pi), float(np.exp(rng.uniform(np.log(2.2), np.log(9))))
    return _framed(rng, joints, size, azimuth, elevation, roll, distance, (0.60, 0.76))


def _framed(
    rng: np.random.Generator,
    joints: Float[np.ndarray, "16 3"],
    size: int,
    azimuth: float,
    elevation: float,
    roll: float,
    distance_m: float,
    share: tuple[float, float],
) -> View:
    """A camera whose focal length makes the joints fill that share of the picture."""
    R = look(*(np.array([angle]) for angle in (azimuth, elevation, roll)))[0].astype(np.float64)
    position = (joints.min(0) + joints.max(0)) / 2 - distance_m * R[2]
    position[1] = max(position[1], 0.15)
    seen = (joints - position) @ R.T
    rays = seen[:, :2] / seen[:, 2:]
    low, high = rays.min(0), rays.max(0)
    focal = size * rng.uniform(*share) / float((high - low).max() + 0.12 / distance_m)
    centre = size / 2 + size * rng.uniform(-0.04, 0.04, 2) - focal * (low + high) / 2
    return View(R, position, float(focal), (float(centre[0]), float(centre[1])), (size, size))


def _make_folders(dst: Path) -> None:
    try:
        for split in SPLITS:
            (dst / picture_name(split, 0)).parent.mkdir(parents=True, exist_ok=True)
        (dst / LISTING).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{dst}: cannot be written ({error.strerror or error})") from error
