"""Which writer a file name means: a literal table; each imports what it needs when it is called."""

from collections.abc import Callable
from pathlib import Path

from maquette.exporters.choices import Wish
from maquette.rig.animation_rig import RigAnimation


def _animation(wish: Wish, default_rig: str | None = None) -> RigAnimation:
    """The motion on the rig that was asked for."""
    from maquette.rig.choice import animated

    return animated(
        wish.motion,
        rig=wish.rig or default_rig,
        rest_pose=wish.rest_pose,
        root_motion=wish.root_motion,
        foot_lock=wish.foot_lock,
    )


def _bvh(wish: Wish) -> None:
    from maquette.exporters.bvh import write_bvh
    from maquette.rig.rest import is_human

    # Biped takes no joint between hips and thighs, where our own rig has one.
    rig = "mixamo" if wish.bvh_preset == "3dsmax" and is_human(wish.motion.skeleton) else None
    write_bvh(
        _animation(wish, rig), wish.path, preset=wish.bvh_preset, rotation_order=wish.rotation_order, unit=wish.unit
    )


def _glb(wish: Wish) -> None:
    from maquette.exporters.glb import write_glb

    write_glb(_animation(wish), wish.path)


def _vrma(wish: Wish) -> None:
    from maquette.exporters.vrma import write_vrma

    write_vrma(_animation(wish, "vrm"), wish.path)


def _fbx(wish: Wish) -> None:
    from maquette.exporters.fbx import write_fbx

    write_fbx(_animation(wish), wish.path, blender=wish.blender)


def _usd(wish: Wish) -> None:
    from maquette.exporters.usd import write_usd

    write_usd(_animation(wish), wish.path)


def _smpl(wish: Wish) -> None:
    from maquette.exporters.smpl import write_smpl

    write_smpl(_animation(wish, "smpl"), wish.path)


def _npz(wish: Wish) -> None:
    from maquette.exporters.npz import write_npz

    write_npz(wish.motion, wish.path)


def _json(wish: Wish) -> None:
    from maquette.exporters.json import write_json

    write_json(wish.motion, wish.path, layout=wish.layout)


def _csv(wish: Wish) -> None:
    from maquette.exporters.csv import write_csv

    write_csv(wish.motion, wish.path, layout=wish.layout)


def _parquet(wish: Wish) -> None:
    from maquette.exporters.parquet import write_parquet

    write_parquet(wish.motion, wish.path, layout=wish.layout)


def _trc(wish: Wish) -> None:
    from maquette.exporters.trc import write_trc

    write_trc(wish.motion, wish.path, unit=wish.unit)


def _c3d(wish: Wish) -> None:
    from maquette.exporters.c3d import write_c3d

    write_c3d(wish.motion, wish.path, unit=wish.unit)


def _mot(wish: Wish) -> None:
    from maquette.exporters.mot import write_mot

    write_mot(wish.motion, wish.path, model=wish.opensim_model)


def _unity_text(wish: Wish) -> None:
    from maquette.exporters.unity_text import write_unity_text

    write_unity_text(wish.motion, wish.path, mode=wish.unity_text)


def _video(wish: Wish) -> None:
    from maquette.render import render_video

    render_video(
        wish.path,
        wish.keypoints,
        wish.motion,
        video=wish.video,
        video_start_s=wish.video_start_s,
        video_fps=wish.video_fps,
        size=wish.size,
    )


def _picture(wish: Wish) -> None:
    from maquette.render import render_picture

    render_picture(
        wish.path,
        wish.keypoints,
        wish.motion,
        frame=wish.frame,
        video=wish.video,
        video_start_s=wish.video_start_s,
        video_fps=wish.video_fps,
        size=wish.size,
    )


def _fork_json(wish: Wish) -> None:
    from maquette.exporters.fork_json import write_fork_json

    write_fork_json(wish.motion, wish.path, keypoints=wish.keypoints, legacy=wish.fork_legacy)


WRITERS: dict[str, Callable[[Wish], None]] = {
    ".bvh": _bvh,
    ".glb": _glb,
    ".vrma": _vrma,
    ".fbx": _fbx,
    ".usda": _usd,
    ".usdc": _usd,
    ".npz": _npz,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".trc": _trc,
    ".c3d": _c3d,
    ".mot": _mot,
    ".txt": _unity_text,
    ".mp4": _video,
    ".gif": _video,
    ".png": _picture,
}
"""What is written for each suffix."""

ENDINGS: dict[str, Callable[[Wish], None]] = {"3d_data.json": _fork_json, "_smpl.npz": _smpl}
"""Ends of names that decide before the suffix does: the file of 3d-pose-baseline's OpenPose fork, and SMPL's angles."""


def format_of(path: Path) -> str:
    """What the name of a file says of its format, in small letters: one of :data:`ENDINGS`, or its suffix."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), path.suffix.lower())


def writer_of(path: Path) -> Callable[[Wish], None] | None:
    """What writes a file of this name; None when nothing does."""
    kind = format_of(path)
    return ENDINGS.get(kind) or WRITERS.get(kind)
