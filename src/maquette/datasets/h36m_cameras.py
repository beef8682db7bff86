"""Calibration of Human3.6M's cameras: from Martinez' ``cameras.h5``, the release's ``metadata.xml``, or the table.

Camera frame: x right, y down, z forward. World: the data set's, Z up. All give metres and pixels.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from maquette.datasets.h36m_damage import READ_FAILURES
from maquette.datasets.h36m_facts import CAMERAS, INTRINSICS, POSES
from maquette.datasets.h36m_numbers import open_hdf5, small_array
from maquette.errors import InputError
from maquette.geometry.camera import Camera, h36m_camera
from maquette.geometry.rotations import quat_normalize, quat_to_matrix

_XML_SUBJECTS = 11
_XML_NUMBERS = 300
_LARGEST_XML = 10_000_000


def published_cameras(subjects: Iterable[str]) -> dict[str, dict[str, Camera]]:
    """Subject -> camera name -> camera, from the table in :mod:`maquette.datasets.h36m_facts`.

    The published unit quaternion q takes camera directions into the world: R_camera_world is the transpose of R(q).
    """
    found: dict[str, dict[str, Camera]] = {}
    for subject in subjects:
        found[subject] = {}
        for name, pose in zip(CAMERAS, POSES[subject], strict=True):
            lens = INTRINSICS[name]
            found[subject][name] = Camera(
                focal_px=lens.focal_px,
                centre_px=lens.centre_px,
                image_size=lens.image_size,
                R_camera_world=quat_to_matrix(quat_normalize(np.array(pose.quaternion_world_camera))).T,
                position_world_m=np.array(pose.position_mm) / 1000,
                distortion=(*lens.radial, *lens.tangential),
                distortion_model="h36m",
            )
    return found


def read_cameras_h5(path: Path, subjects: Iterable[str]) -> dict[str, dict[str, Camera]]:
    """Cameras of Martinez' file: groups ``subject1/camera1`` with R (stored transposed), T in mm, f, c, k, p, Name.

    Raises:
        InputError: damaged, or groups or numbers missing; all of it at once.
    """
    problems: list[str] = []
    found: dict[str, dict[str, Camera]] = {}
    with open_hdf5(path) as file:
        for subject in subjects:
            found[subject] = {}
            for number, name in enumerate(CAMERAS, 1):
                group = f"subject{subject[1:]}/camera{number}"
                try:
                    found[subject][name] = _camera_of_group(file, group, name)
                except InputError as error:
                    problems.append(str(error))
                except READ_FAILURES as error:
                    problems.append(f"{group} is damaged ({error})")
    if problems:
        raise InputError.from_problems(str(path), problems)
    return found


def _camera_of_group(file, group: str, name: str) -> Camera:
    numbers = {key: small_array(file, f"{group}/{key}", size) for key, size in _FIELDS.items()}
    said = "".join(chr(int(code)) for code in numbers["Name"] if 0 < code < 128)
    if said != name:
        raise InputError(f"{group}: the camera is called {said!r}, expected {name!r}")
    try:
        return Camera(
            focal_px=tuple(numbers["f"]),
            centre_px=tuple(numbers["c"]),
            image_size=INTRINSICS[name].image_size,
            R_camera_world=numbers["R"].reshape(3, 3).T,
            position_world_m=numbers["T"] / 1000,
            distortion=(*numbers["k"], *numbers["p"]),
            distortion_model="h36m",
        )
    except InputError as error:
        raise InputError(f"{group}: {error}") from None


_FIELDS = {"R": 9, "T": 3, "f": 2, "c": 2, "k": 3, "p": 2, "Name": 8}


def read_metadata_xml(path: Path, subjects: Iterable[str]) -> dict[str, dict[str, Camera]]:
    """Cameras of the release's file: element ``w0`` with 300 numbers, poses of 11 subjects, then 4 intrinsics.

    Raises:
        InputError: no such element, or not the numbers expected.
    """
    w0 = _w0(path)
    found: dict[str, dict[str, Camera]] = {}
    problems = []
    for subject in subjects:
        found[subject] = {}
        for c, name in enumerate(CAMERAS):
            begin = 6 * (c * _XML_SUBJECTS + int(subject[1:]) - 1)
            lens = w0[6 * _XML_SUBJECTS * len(CAMERAS) + 9 * c :]
            try:
                found[subject][name] = h36m_camera(
                    euler_rad=w0[begin : begin + 3],
                    translation_mm=w0[begin + 3 : begin + 6],
                    focal_px=(lens[0], lens[1]),
                    centre_px=(lens[2], lens[3]),
                    radial=(lens[4], lens[5], lens[6]),
                    tangential=(lens[7], lens[8]),
                    image_size=INTRINSICS[name].image_size,
                )
            except InputError as error:
                problems.append(f"{subject}, camera {name}: {error}")
    if problems:
        raise InputError.from_problems(str(path), problems)
    return found


def _w0(path: Path) -> np.ndarray:
    expected = f"{path}: expected an element 'w0' with {_XML_NUMBERS} numbers in brackets"
    try:
        if path.stat().st_size > _LARGEST_XML:
            raise InputError(f"{path}: {path.stat().st_size:,} bytes are too many for Human3.6M's metadata.xml")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if b"<!DOCTYPE" in content:
        # Entities can make a small file grow without bound; the release's file has none.
        raise InputError(f"{path}: declares a document type, which Human3.6M's metadata.xml has not")
    try:
        element = next(ET.fromstring(content).iter("w0"), None)
    except (ET.ParseError, ValueError, LookupError, RecursionError) as error:
        raise InputError(f"{path}: is damaged ({error})") from None
    words = (element.text or "").strip().strip("[]").split() if element is not None else []
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError as error:
        raise InputError(f"{expected} ({error})") from None
    if len(numbers) != _XML_NUMBERS:
        raise InputError(f"{expected}, saw {len(numbers)}")
    if not np.isfinite(numbers).all():
        raise InputError(f"{expected}; some are not finite")
    return numbers
