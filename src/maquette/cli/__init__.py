"""The command line: a table of commands, each a frozen dataclass with a ``run`` method in its own module.

Only the command that is called is imported, so that ``maquette --help`` answers at once.
"""

import os
import sys
from importlib import import_module

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("Demo", "everything on a built-in clip; needs no data and no network"),
    "lift": ("Lift", "2D keypoints, a video or a picture in, 3D motion out: .bvh .glb .mp4 ..."),
    "detect": ("Detect", "people in a video or a picture -> their 2D keypoints"),
    "inspect": ("Inspect", "what is this file? format, skeleton, fps, people, gaps, swaps"),
    "convert": ("Convert", "motion file to motion file"),
    "live": ("Live", "camera or keypoint stream in, joints and rotations out while it happens: VMC, WebSocket, files"),
    "measure": ("Measure", "joint angles, steps, speeds, symmetry: numbers of a motion, with their uncertainty"),
    "report": ("Report", "one HTML file about a motion: numbers, plots, small video, provenance"),
    "plugins": ("Plugins", "scripts for Maya, Blender, Unity and Unreal that read our files"),
    "view": ("View", "look at motions in the browser (127.0.0.1)"),
    "render": ("Render", "skeleton video, GIF or picture of keypoints or a motion"),
    "models": ("Models", "the lifters in the package: size, joints, licence, accuracy"),
    "prepare": ("Prepare", "a data set in its original files -> arrays to train and evaluate with"),
    "train": ("Train", "train a lifter: the published trainings, and ours on open motion capture"),
    "evaluate": ("Evaluate", "errors of a lifter under the published protocols; reports to compare"),
    "import-weights": ("ImportWeights", "published checkpoints to model files: TensorFlow, PyTorch, Caffe"),
    "benchmark-lifters": ("BenchmarkLifters", "compare lifters on open motion capture under a fixed grid"),
    "bench": ("Bench", "speed of the main path on this machine, against its floor"),
}
"""Command -> (class in the module of the same name, one line of help)."""

USAGE = "usage: maquette COMMAND [options]     (maquette COMMAND --help for the options of one)"


def _help() -> str:
    rows = "\n".join(f"  {name:<18}{line}" for name, (_, line) in COMMANDS.items())
    about = "Video, photo or 2D human keypoints in, a moving 3D body out."
    return f"{USAGE}\n\n{about}\n\ncommands:\n{rows}\n\n  --version  print the version"


def _fail(message: str) -> int:
    print(f"maquette: {message}", file=sys.stderr)
    return 2


def _run(name: str, arguments: list[str]) -> int:
    from maquette.errors import MaquetteError

    try:
        import tyro

        command = getattr(import_module(f"maquette.cli.{name.replace('-', '_')}"), COMMANDS[name][0])
        # A command whose options depend on its first argument reads its line itself.
        own = getattr(command, "parse", None)
        parsed = own(arguments) if own else tyro.cli(command, prog=f"maquette {name}", args=arguments)
        parsed.run()
        sys.stdout.flush()
    except MaquetteError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        print("maquette: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; nothing is wrong. Without this, Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 2 wrong use or unusable input, 1 anything else."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_help())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from maquette import __version__

        print(f"maquette {__version__}")
        return 0
    if arguments[0] not in COMMANDS:
        from difflib import get_close_matches

        near = get_close_matches(arguments[0], COMMANDS, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return _fail(f"no command '{arguments[0]}'{hint}\n{_help()}")
    return _run(arguments[0], arguments[1:])
