"""The demo's report: one HTML file that needs nothing from outside."""

import base64
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.atomic import write_text
from maquette.demo.charts import bars, error_over_time, path_from_above
from maquette.demo.choreography import ACTIVITIES, Performance
from maquette.demo.filming import Mistakes, camera
from maquette.skeletons import H36M_17

if TYPE_CHECKING:
    from maquette.demo.run import DemoResult

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #2b2b2b; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 40px 20px 72px; }
h1 { font-size: 30px; margin: 0 0 6px; } h2 { font-size: 20px; margin: 44px 0 10px; }
p, li { max-width: 76ch; } .lead { color: #5d5a54; margin-top: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px; margin: 26px 0; }
.tile { border: 1px solid #ddd8ce; border-radius: 8px; padding: 14px 18px; }
.tile b { display: block; font-size: 27px; font-weight: 650; } .tile span { color: #5d5a54; font-size: 14px; }
.strip { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 12px; }
figure { margin: 0; } figure img { width: 100%; display: block; border: 1px solid #ddd8ce; border-radius: 6px; }
figcaption, .legend { color: #5d5a54; font-size: 14px; margin: 4px 0 0; }
.legend span { margin-right: 18px; }
.legend i { display: inline-block; width: 18px; height: 3px; vertical-align: middle; margin-right: 6px; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 12px; fill: #5d5a54; }
table { border-collapse: collapse; } td { padding: 4px 22px 4px 0; border-bottom: 1px solid #eae6de; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
code { background: #f4f1ea; padding: 1px 5px; border-radius: 4px; font-size: 14px; } a { color: #2f5f9e; }
.notes li { font-size: 14px; overflow-wrap: anywhere; }
"""


def write_report(path: Path, result: "DemoResult", performance: Performance, pictures: Sequence[Path]) -> None:
    """Write the report.

    Raises:
        OutputError: the file cannot be written.
    """
    sections = (
        _head(result),
        _section("Six moments", _strip(result, pictures)),
        _section("Error over time", _error_chart(result)),
        _section("Path on the floor, from above", _path_chart(result)),
        _section("Error of each joint, with the hips at one point", _joint_chart(result)),
        _section("What the detector got wrong", _mistakes(result)),
        _section("What was done", _notes(result)),
        _section("Files", _files(result, path.parent)),
        _section("Time", _times(result)),
    )
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Maquette demo</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>{''.join(sections)}</main></body></html>\n"
    )
    write_text(path, page)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _head(result: "DemoResult") -> str:
    e = result.errors
    missing = float(np.isnan(e.pose_mm).mean())
    tiles = (
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
        '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{value}</b><span>{escape(label)}</span></div>' for value, label in tiles)
        + "</div>"
        f"<p>{_size_sentence(result)}</p>"
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
        data = base64.b64encode(picture.read_bytes()).decode("ascii")
        name = next((name for name, begin, end in ACTIVITIES if begin <= frame / fps < end), "stand")
        cells.append(
            f'<figure><img src="data:image/png;base64,{data}" alt="frame {frame}">'
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
    return error_over_time(result.motion.times_s, lines, ACTIVITIES)


def _joint_chart(result: "DemoResult") -> str:
    errors_mm = dict(zip(H36M_17.joints, result.errors.joint_mm.tolist(), strict=True))
    del errors_mm["hip"]  # the origin
    return bars(errors_mm)


def _path_chart(result: "DemoResult") -> str:
    eye = camera().position_world_m
    return (
        "<p>The hip's course after the one turn and shift; a square is half a metre. A single camera measures depth "
        "only by the size of the person, so a wrong focal length or body height stretches the path away from it.</p>"
        + path_from_above(result.errors.truth_path_m, result.errors.path_m, (float(eye[0]), float(eye[2])))
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
    items = "".join(f"<li>{escape(note)}</li>" for note in result.motion.notes)
    return (
        "<p>The provenance that goes with the motion into every file that can hold it: one sentence for each "
        f'assumption made and each edit done.</p><ol class="notes">{items}</ol>'
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
