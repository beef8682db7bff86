"""Human3.6M, in every layout that people have, to one store.

* ``martinez``: ``S1/MyPoses/3D_positions/*.h5``, ``cameras.h5``, and the Stacked Hourglass's points if they are there;
* ``release``: ``S1/MyPoseFeatures/D3_Positions/*.cdf`` (or ``.cdf.mat`` made of them) and ``metadata.xml``;
* ``videopose3d``: ``data_3d_h36m.npz``.

Beside any of them, every ``data_2d_h36m_NAME.npz`` becomes a 2D source. Source ``gt`` is the projection of all 32
joints; those behind a camera, which the real data have not, are missing (NaN).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.datasets import h36m_archives as archives
from maquette.datasets.h36m_cameras import published_cameras as camera_table
from maquette.datasets.h36m_cameras import read_cameras_h5, read_metadata_xml
from maquette.datasets.h36m_facts import CAMERAS, FPS, SUBJECTS
from maquette.datasets.h36m_numbers import read_hourglass_px, read_positions_m
from maquette.datasets.h36m_takes import TREE_LAYOUTS, Take, absent_actions, chosen_subjects, find_takes
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.geometry.distortion import distort
from maquette.skeletons import H36M_32, MPII_16

LAYOUTS = (*TREE_LAYOUTS, "videopose3d")
ReportProgress = Callable[[str, float], None]
"""Takes what is being done, and the share of the whole that is done."""


def prepare_h36m(
    src: str | Path,
    dst: str | Path,
    *,
    layout: str | None = None,
    subjects: Sequence[str] = (),
    published_cameras: bool = False,
    mirror_behind: bool = False,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PoseStore:
    """Write the store ``dst`` from the files in the folder ``src``.

    Args:
        src: folder in one of the layouts.
        dst: the store.
        layout: martinez, release or videopose3d; by default what is in the folder.
        subjects: only these ("S1", "S9"); without it all seven must be there.
        published_cameras: the published table of cameras instead of the folder's own file.
        mirror_behind: project joints behind a camera through its centre, as the original code does without noticing.
        overwrite: replace a store that is there.
        report_progress: told what is being done.

    Raises:
        InputError: files missing or damaged, all of them at once.
        OutputError: the store cannot be written.
    """
    src = Path(src)
    chosen = chosen_subjects(subjects)
    layout = _layout(src, layout)
    with StoreWriter(
        dst, name="Human3.6M", skeleton=H36M_32, sources=[Source("gt", H36M_32)], overwrite=overwrite
    ) as w:
        if len(chosen) < len(SUBJECTS):
            w.notes.append(f"only the subjects asked for: {', '.join(chosen)}")
        filling = _Filling(w, chosen, report_progress, mirror_behind, 1 + len(archives.points_archives(src)))
        if layout == "videopose3d":
            filling.add_positions_archive(src / archives.POSITIONS_FILE)
        else:
            filling.add_tree(src, layout, published_cameras)
        filling.add_points_archives(src)
        if filling.problems:
            raise InputError.from_problems(str(src), filling.problems)
        if filling.behind:
            w.notes.append(f"{filling.behind:,} joints lie behind a camera: NaN in 'gt' (real recordings have none)")
        w.notes += absent_actions(action.split(" ")[0] for _, action in filling.takes)
    return open_store(dst)


def _layout(src: Path, asked: str | None) -> str:
    """The layout asked for, or the one that is there."""
    if asked is not None and asked not in LAYOUTS:
        raise InputError(f"--layout {asked}: expected one of {', '.join(LAYOUTS)}")
    if not src.is_dir():
        raise InputError(f"{src}: is no folder; expected the one with Human3.6M's files")
    if asked is not None:
        return asked
    found = layouts_in(src)
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{src}: holds several layouts; choose one with --layout {' or '.join(found)}")
    below = sorted(path.name for path in src.iterdir() if path.is_dir() and layouts_in(path))
    hint = f"; perhaps {src / below[0]} is meant" if below else ""
    places = [f"S1/{place.folder}/*{place.suffixes[0]}" for place in TREE_LAYOUTS.values()]
    raise InputError(f"{src}: no files of Human3.6M; expected {', '.join(places)} or {archives.POSITIONS_FILE}{hint}")


def layouts_in(folder: Path) -> list[str]:
    """The layouts of which a folder has any 3D file."""
    found = [
        name
        for name, place in TREE_LAYOUTS.items()
        if any((folder / subject / place.folder).is_dir() for subject in SUBJECTS)
    ]
    return found + ["videopose3d"] * (folder / archives.POSITIONS_FILE).is_file()


@dataclass
class _Filling:
    """The store while it is filled. Goes on after a damaged file, so that all of them can be named."""

    writer: StoreWriter
    subjects: tuple[str, ...]
    report_progress: ReportProgress
    mirror_behind: bool
    parts: int
    problems: list[str] = field(default_factory=list)
    takes: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """(subject, action) -> number in the writer, frames."""
    parts_done: int = 0
    behind: int = 0
    """Projections of joints behind the camera."""

    def add_tree(self, root: Path, layout: str, use_table: bool) -> None:
        """Takes of a tree with a file for each."""
        place = TREE_LAYOUTS[layout]
        found = find_takes(root, place, self.subjects, need_cameras=not use_table)
        read_cameras = {"martinez": read_cameras_h5, "release": read_metadata_xml}[layout]
        camera_file = root / place.camera_file
        cameras = camera_table(self.subjects) if use_table else read_cameras(camera_file, self.subjects)
        self.writer.notes.append(f"cameras: {'the published table' if use_table else place.camera_file}")
        self.writer.notes += found.notes
        for source in found.sources:
            self.writer.add_source(Source(source, MPII_16))
        for done, take in enumerate(found.takes):
            self._report(f"{take.subject} {take.action}", done / len(found.takes))
            try:
                self._add_take(take.subject, take.action, read_positions_m(take.positions), cameras[take.subject])
            except InputError as error:
                self.problems.append(str(error))
            self._add_hourglass(take)

    def add_positions_archive(self, path: Path) -> None:
        """Takes of VideoPose3D's 3D archive; its cameras are those of the published table."""
        self._report(f"reading {path.name}", 0.0)
        cameras = camera_table(self.subjects)
        self.writer.notes.append("cameras: the published table")
        try:
            positions = archives.read_positions_archive(path, self.subjects)
        except InputError as error:
            self.problems.append(str(error))
            return
        for done, ((subject, action), values) in enumerate(positions.items()):
            self._report(f"{subject} {action}", done / len(positions))
            try:
                self._add_take(subject, action, values, cameras[subject])
            except InputError as error:
                self.problems.append(str(error))

    def add_points_archives(self, folder: Path) -> None:
        """The 2D sources of VideoPose3D's archives, each in the order of its file."""
        frames = {take: count for take, (_, count) in self.takes.items()}
        for path in archives.points_archives(folder):
            self.parts_done += 1
            self._report(f"reading {path.name}", 0.0)
            try:
                archive = archives.read_points_archive(path, self.subjects)
                lines = archives.unpaired(archive, frames)
                self.problems += lines
                if not lines:
                    self._add_points(archive)
            except InputError as error:
                self.problems.append(str(error))

    def _add_points(self, archive: archives.PointsArchive) -> None:
        name = archive.path.name
        paired = {take: views for take, views in archive.points.items() if take in self.takes}
        others = [subject for subject in archive.subjects if subject not in SUBJECTS]
        if others:
            self.writer.notes.append(f"{name}: {', '.join(others)} left out, as there is no 3D of them")
        if len(paired) < len(archive.points):
            without = ", ".join(f"{s} {a}" for s, a in archive.points if (s, a) not in paired)
            self.writer.notes.append(f"{name}: left out, as there is no 3D of it: {without}")
        if archive.source.name == "gt":
            self._compare_projections(name, paired)
            return
        self.writer.add_source(archive.source)
        for done, (take, views) in enumerate(paired.items()):
            self._report(f"{name}: {' '.join(take)}", done / len(paired))
            for camera, points in zip(CAMERAS, views, strict=True):
                self.writer.add_keypoints(self.takes[take][0], camera, archive.source.name, points)

    def _compare_projections(self, name: str, paired: dict[tuple[str, str], tuple[np.ndarray, ...]]) -> None:
        """A published ``gt`` is ours, rounded and of fewer joints; one that is not would be lost."""
        worst = 0.0
        for take, views in paired.items():
            for camera, points in zip(CAMERAS, views, strict=True):
                ours = self.writer.written_keypoints_px(self.takes[take][0], camera, "gt")
                worst = max(worst, archives.largest_difference_px(points, ours))
        if worst > archives.SAME_PX:
            raise InputError(
                f"{name}: its points are up to {worst:.3g} px from the projected 3D; it is not the ground truth of "
                f"these takes. Rename it to data_2d_h36m_NAME.npz to keep it as a 2D source of its own, or remove it"
            )
        self.writer.notes.append(f"{name}: equal to the projected 3D within {worst:.2g} px; 'gt' holds all 32 joints")

    def _report(self, text: str, share: float) -> None:
        self.report_progress(text, (self.parts_done + share) / self.parts)

    def _add_take(
        self, subject: str, action: str, world_m: Float[np.ndarray, "frames 32 3"], cameras: dict[str, Camera]
    ) -> None:
        """Positions, and their projection into every camera, in the type of the positions."""
        projected = {name: self._project(camera, world_m) for name, camera in cameras.items()}
        self.behind += sum(int(np.isnan(points[..., 0]).sum()) for points in projected.values())
        number = self.writer.add_recording(subject, action, world_m, fps=FPS, cameras=cameras)
        for name, points in projected.items():
            self.writer.add_keypoints(number, name, "gt", points.astype(world_m.dtype))
        self.takes[subject, action] = (number, len(world_m))

    def _project(self, camera: Camera, world_m: Float[np.ndarray, "frames 32 3"]) -> Float[np.ndarray, "frames 32 2"]:
        # In one order of memory, or the last bit of a product would depend on the kind of file.
        points = camera.world_to_camera(np.ascontiguousarray(world_m))
        if not self.mirror_behind:
            return camera.project(points)
        ideal = points[..., :2] / points[..., 2:]
        return camera.normalized_to_pixels(distort(ideal, camera.distortion, camera.distortion_model))

    def _add_hourglass(self, take: Take) -> None:
        number, frames = self.takes.get((take.subject, take.action), (None, 0))
        for source, files in take.hourglass.items():
            for camera in (camera for camera in CAMERAS if camera in files):
                try:
                    points = read_hourglass_px(files[camera])
                except InputError as error:
                    self.problems.append(str(error))
                    continue
                if len(points) < frames:
                    self.problems.append(f"{files[camera]}: {len(points)} frames, but the 3D has {frames}")
                elif number is not None:
                    self.writer.add_keypoints(number, camera, source, points)
