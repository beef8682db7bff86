"""Animation to FBX, through Blender: its program, or its Python module ``bpy``. Neither runs inside this process."""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from maquette.atomic import atomic_path
from maquette.errors import OutputError
from maquette.exporters.body import make_body
from maquette.exporters.body_landmarks import standing_rest
from maquette.exporters.glb import COLOURS
from maquette.rig.animation_rig import RigAnimation

_log = logging.getLogger(__name__)

_SCRIPT = "maquette_to_fbx.py"
_LONGEST_S = 3600.0
"""A clip of 50,000 frames takes minutes; a Blender that takes longer than this hangs."""


def write_fbx(animation: RigAnimation, path: str | Path, *, blender: str | Path | None = None) -> None:
    """Write an FBX file: the rig, its animation with a key for each frame, and a skinned body.

    Centimetres, Y up, facing +Z, at the clip's own frame rate; nothing on the armature is scaled or turned; each joint
    has the axes of the rig, so that rigs of ours stand in their T-pose with all rotations zero. Frames at uneven times
    are put on the nearest frames of an even clock, as FBX through Blender has it.

    Args:
        animation: one person on a rig (:func:`maquette.rig.choice.animated`).
        path: the file.
        blender: Blender's program; None takes the module ``bpy`` where it is installed, else ``blender`` on the PATH.

    Raises:
        OutputError: there is no Blender, it failed (the text has its last lines), or the file cannot be written.
    """
    command = blender_command(blender)
    with tempfile.TemporaryDirectory(prefix="maquette_fbx_") as folder, atomic_path(path) as temporary:
        source = Path(folder) / "animation.npz"
        _write_source(animation, source, Path(path).stem)
        result = Path(folder) / "result.fbx"
        with as_file(files("maquette.plugins").joinpath("blender")) as scripts:
            _run([*command, str(scripts / _SCRIPT), "--", str(source), str(result)])
        if not result.is_file():
            raise OutputError(f"{path}: Blender ended without an error and without a file; is it 4.2 or later?")
        shutil.copyfile(result, temporary)


def blender_command(blender: str | Path | None = None) -> list[str]:
    """The beginning of the command that runs a Python script in Blender.

    Raises:
        OutputError: the program given is not there, or none was given and there is neither ``bpy`` nor ``blender``.
    """
    if blender is not None:
        program = shutil.which(str(blender))
        if program is None:
            raise OutputError(f"Blender's program '{blender}' is not there or cannot be run")
        return _as_program(program)
    # Only looked for: bpy inside this process would take its memory and its signals.
    if find_spec("bpy") is not None:
        return [sys.executable]
    program = shutil.which("blender")
    if program is None:
        raise OutputError(
            "FBX is written by Blender, and there is none: install Blender (4.2 or later, blender.org) and put it on "
            "the PATH or give its program (--via-blender PROGRAM, blender=...); or install its Python module "
            "(pip install bpy, for the Python versions that it is made for). Without Blender, .glb and .usdc hold the "
            "same animation"
        )
    return _as_program(program)


def _as_program(program: str) -> list[str]:
    return [program, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def _run(command: Sequence[str]) -> None:
    _log.info("running %s", " ".join(command))
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise OutputError(
            f"Blender took longer than {_LONGEST_S:.0f} s and was stopped; write a shorter clip"
        ) from None
    except OSError as error:
        raise OutputError(f"Blender could not be started ({error.strerror}): {command[0]}") from None
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        said = " | ".join(lines[-3:])[-500:] or "nothing"
        raise OutputError(f"Blender failed with status {done.returncode} and said: {said}")


def _write_source(animation: RigAnimation, path: Path, name: str) -> None:
    """What :file:`maquette_to_fbx.py` reads: plain arrays, and the rest as JSON."""
    body = make_body(animation)
    header = {
        "name": name,
        "names": list(animation.names),
        "parents": list(animation.parents),
        "fps": str(animation.fps),
        "parts": {part: COLOURS[part] for part in body.triangles},
    }
    places, _ = standing_rest(animation)
    frames = np.arange(len(animation.rotations))
    if animation.times_s is not None:
        frames = np.maximum.accumulate(np.round(animation.times_s * float(animation.fps)))
    triangles: dict[str, Any] = {f"triangles_{part}": found for part, found in body.triangles.items()}
    np.savez(
        path,
        header=np.array(json.dumps(header)),
        offsets_m=animation.rest_offsets_m,
        rest=animation.local_rest(),
        tips_m=animation.tip_offsets_m,
        places_m=places,
        rotations=animation.rotations,
        root_m=animation.root_positions_m,
        frames=frames,
        vertices_m=body.vertices_m,
        bones=body.bones,
        weights=body.weights,
        **triangles,
    )
