"""The demo's report: one HTML file that needs nothing from outside."""

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.atomic import write_text
from maquette.demo.choreography import ACTIVITIES
from maquette.demo.filming import Mistakes, camera
from maquette.report.charts import bars, over_time, path_from_above
from maquette.report.page import data_uri, notes, page, section, tiles
from maquette.skeletons import H36M_17

if TYPE_CHECKING:
    from maquette.demo.run import DemoResult


def write_demo_report(path: Path, result: "DemoResult", pictures: Sequence[Path]) -> None:
    """Write the report.

    Raises:
        OutputError: the file cannot be written.
    """
    sections = (
        _head(result),
        section("Six moments", _strip(result, pictures)),
        section("Error over time", _error_chart(result)),
        section("Path on the floor, from above", _path_chart(result)),
        section("Error of each joint, with the hips at one point", _joint_chart(result)),
        section("What the detector got wrong", _mistakes(result)),
        section("What was done", _notes(result)),
        section("Files", _files(result, path.parent)),
        section("Time", _times(result)),
    )
    write_text(path, page("Maquette demo", sections))


def _head(result: "DemoResult") -> str:
    e = result.errors
    missing = float(np.isnan(e.pose_mm).mean())
    numbers = (
        (f"{e.mpjpe_mm:.0f} mm", "pose error (MPJPE): hips at one point, nothing else fitted"),
        (f"{e.pa_mpjpe_mm:.0f} mm", "after fitting size, turn and shift frame by frame (PA-MPJPE)"),
        (f"{e.world_mpjpe_mm:.0f} mm", "in the world with its path; one turn and one shift fitted for the whole clip"),
        (f"{sum(result.seconds.values()):.1f} s", "for everything on this page, on this machine's processor"),
    )
    gaps = f" {missing:.0%} of the frames have no complete pose and do not count." if missing else ""
    return (
        "<h1>Maquette demo</h1>"
        '<p class="lead">A figure that was never filmed walks in, turns, sits down on a chair that is not there, '
        "stands up and waves. A virtual camera films it, a simulated detector marks its joints with the mistakes that "
        "detectors make, and the main path lifts those 2D points back to 3D. The figure is computed, so the truth is "
        f"known to the last digit.{gaps}</p>"
        f"{tiles(numbers)}<p>{_size_sentence(result)}</p>"
    )


def _size_sentence(result: "DemoResult") -> str:
    motion = result.motion
    return (
        f"Model <code>{escape(motion.model or 'unknown')}</code>; metric scale: {escape(motion.scale_source)}. The "
        "figure is 1.70 m tall, which the main path was not told; nor the camera's focal length, place or tilt."
    )


def _strip(result: "DemoResult", pictures: Sequence[Path]) -> str:
    fps = float(result.motion.fps)
    cells = []
    for picture in pictures:
        frame = int(picture.stem.rsplit("_", 1)[1])
        name = next((name for name, begin, end in ACTIVITIES if begin <= frame / fps < end), "stand")
        cells.append(
            f'<figure><img src="{data_uri(picture.read_bytes(), "image/png")}" alt="frame {frame}">'
            f"<figcaption>{name}, {frame / fps:.1f} s (frame {frame})</figcaption></figure>"
        )
    return f'<p>The detected points, and the lifted body from two sides.</p><div class="strip">{"".join(cells)}</div>'


def _error_chart(result: "DemoResult") -> str:
    e = result.errors
    lines = {
        "pose (MPJPE)": e.pose_mm,
        "size and turn fitted (PA-MPJPE)": e.aligned_pose_mm,
        "in the world": e.world_mm,
    }
    return over_time(result.motion.times_s, lines, "mm", bands=ACTIVITIES, from_zero=True)


def _joint_chart(result: "DemoResult") -> str:
    errors_mm = dict(zip(H36M_17.joints, result.errors.joint_mm.tolist(), strict=True))
    del errors_mm["hip"]  # the origin
    return bars(errors_mm, unit="mm")


def _path_chart(result: "DemoResult") -> str:
    eye = camera().position_world_m
    return (
        "<p>The hip's course after the one turn and shift. A single camera measures depth "
        "only by the size of the person, so a wrong focal length or body height stretches the path away from it.</p>"
        + path_from_above(
            {"lifted": result.errors.path_m, "truth": result.errors.truth_path_m}, (float(eye[0]), float(eye[2]))
        )
    )


def _mistakes(result: "DemoResult") -> str:
    mistakes = Mistakes()
    seen = result.keypoints.observed
    rows = [
        f"jitter and slow drift on every point; {1 - seen.mean():.0%} of the points missing",
        f"nobody found in frame {mistakes.nobody.start}",
        f"left and right legs exchanged in frames {_span(mistakes.swapped_legs)}",
        *(f"{', '.join(_words(j) for j in joints)} hidden in frames {_span(f)}" for f, joints in mistakes.hidden),
        *(
            f"{_words(joint)} off by {np.hypot(x, y):.0f} px in frame {frame}"
            for frame, joint, x, y in mistakes.outliers
        ),
        "arms behind the trunk, eyes and ears on the far side of the head: uncertain or missing",
    ]
    return f"<ul>{''.join(f'<li>{escape(row)}</li>' for row in rows)}</ul>"


def _words(joint: str) -> str:
    return joint.replace("l_", "left ", 1).replace("r_", "right ", 1).replace("_", " ")


def _span(frames: range) -> str:
    return f"{frames.start}-{frames.stop - 1}"


def _notes(result: "DemoResult") -> str:
    return (
        "<p>The provenance that goes with the motion into every file that can hold it: one sentence for each "
        f"assumption made and each edit done.</p>{notes(result.motion.notes)}"
    )


def _files(result: "DemoResult", folder: Path) -> str:
    what = {
        "clip": "the detector's output, OpenPose JSON, one file for each frame",
        "npz": "the motion, lossless",
        "bvh": "for animation programs",
        "glb": "animated body for any 3D viewer",
        "truth": "the figure as it really moved",
        "plots": "2D curves before and after repair",
        "video": "2D beside 3D",
        "picture": "one frame of it",
        "report": "this page",
    }
    rows = []
    for name, path in result.files.items():
        link = os.path.relpath(path, folder).replace(os.sep, "/")
        rows.append(f'<tr><td><a href="{escape(link)}">{escape(link)}</a></td><td>{escape(what[name])}</td></tr>')
    return f"<table>{''.join(rows)}</table>"


def _times(result: "DemoResult") -> str:
    rows = (
        f'<tr><td>{escape(name)}</td><td class="n">{value:.2f} s</td></tr>' for name, value in result.seconds.items()
    )
    return f"<table>{''.join(rows)}</table>"
