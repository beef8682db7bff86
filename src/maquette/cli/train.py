"""``maquette train``."""

import sys
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import tyro

from maquette.errors import InputError, missing_extra

# One line for each preset; the test of the help compares with the presets themselves.
ABOUT = {
    "martinez-h36m-gt": "Martinez et al. 2017 on Human3.6M, exact 2D",
    "martinez-h36m-sh": "the same on Stacked Hourglass detections",
    "martinez-h36m-sh-ft": "the same on fine-tuned Stacked Hourglass detections",
    "rie-h36m-gt": "relative information encoding (Shan et al. 2021) on Human3.6M, exact 2D",
    "rie-h36m-cpn": "the same on CPN detections",
    "rie-humaneva": "the same on HumanEva-I, exact 2D, 15 joints",
    "tcn-h36m-cpn": "VideoPose3D (Pavllo et al. 2019) on Human3.6M, CPN detections",
    "tcn-h36m-semi": "the same, semi-supervised: a tenth of one subject labelled, four unlabelled",
    "tcn-humaneva": "the same on HumanEva-I, Mask R-CNN detections",
    "pose-machine-h36m": "3D pose machine (Wang et al. 2019) on pictures of Human3.6M, in its five stages",
    "pose-machine-h36m-pairs": "the same without pictures, on pairs of 2D and 3D, in the last four",
    "hourglass-stage1": "weakly-supervised hourglass (Zhou et al. 2017) on pictures: joints in 2D",
    "hourglass-stage2": "the same, from stage 1: depths too, where 3D is known",
    "hourglass-stage3": "the same, from stage 2: the geometry of bodies where it is not",
    "hourglass-port-stage1": "its first PyTorch version with all its mistakes, in the same stages",
    "hourglass-port-stage2": "the same, from stage 1",
    "hourglass-port-stage3": "the same, from stage 2",
    "deconv-stage1": "its second version, a residual network with deconvolutions, in the same stages",
    "deconv-stage2": "the same, from stage 1",
    "deconv-stage3": "the same, from stage 2",
    "hourglass-modern-stage1": "the hourglass with what has been learnt since, in the same stages",
    "hourglass-modern-stage2": "the same, from stage 1",
    "hourglass-modern-stage3": "the same, from stage 2",
    "tcn-mocap": "our temporal lifter, on open motion capture",
    "martinez-mocap": "our single-pose lifter, on open motion capture",
    "rie-mocap": "relative information encoding behind our landmarks, in its three stages, on open motion capture",
    "correction-mocap": "the correction of the 3D pose machine for any lifter, on open motion capture",
}


@dataclass(frozen=True)
class Train:
    """Train a lifter (extra: train). `maquette train PRESET --help` lists the fields of a preset; each is a flag."""

    preset: Annotated[str, tyro.conf.Positional]
    """Name of a published training, or of one of ours."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """A store made by `maquette prepare`; for the mocap presets the folder with the motion capture arrays, for the pose
    machine also that of its authors' lists."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o", "--out"], metavar="FOLDER")] = None
    """Folder for checkpoints, logs, curves and the model."""
    resume: bool = False
    """Go on from the last checkpoint in the output folder."""
    max_minutes: Annotated[float | None, tyro.conf.arg(metavar="M")] = None
    """Stop after so many minutes, with a checkpoint and a model of what there is."""
    stage: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Of a training in stages: run this one only."""
    start_from: Annotated[Path | None, tyro.conf.arg(name="from", metavar="FILE")] = None
    """Checkpoint that --stage starts from, instead of that of the stage before in the output folder."""
    dry_run: bool = False
    """Print every field of the training, and train nothing."""
    overrides: Annotated[dict[str, Any], tyro.conf.Suppress] = field(default_factory=dict)
    """Fields of the preset that were given."""

    @classmethod
    def parse(cls, arguments: list[str]) -> "Train":
        """Read the command line: the options above, and the fields of the preset that it names."""
        from maquette.training.presets import PRESETS, flat_fields

        name = next((a for a in arguments if a in PRESETS), None)
        if name is None:
            _without_preset(arguments)
        preset = PRESETS[name]
        job = make_dataclass("Job", [("run", cls), ("fields", type(preset), field(default=preset))], frozen=True)
        job.__doc__ = f"Train {name}: {ABOUT.get(name, '')}. The fields below are those of this preset."
        config = (tyro.conf.OmitArgPrefixes, tyro.conf.AvoidSubcommands)
        parsed = tyro.cli(job, prog="maquette train", args=arguments, config=config)
        words = {a.split("=")[0].lstrip("-").replace("_", "-") for a in arguments if a.startswith("--")}
        # Those that were typed, even with the preset's own value: a resumed run may have had another.
        given = {k: v for k, v in flat_fields(parsed.fields).items() if words & _flags(k)}
        return replace(parsed.run, overrides=given)

    def run(self) -> None:
        """Train, and export the model at the end."""
        if self.dry_run:
            print(_fields_text(self.preset, self.overrides))
            return
        missing = [f"--{name}" for name, value in (("data", self.data), ("output", self.output)) if value is None]
        if self.data is None or self.output is None:
            raise InputError(f"training needs {' and '.join(missing)}; --dry-run only prints the fields")
        from importlib.util import find_spec

        for package in ("torch", "lightning", "onnx"):
            if find_spec(package) is None:
                raise missing_extra("train", package)
        from maquette.training.run import train

        bar = _show_progress()
        path = train(
            self.preset,
            data_dir=self.data,
            out_dir=self.output,
            resume=self.resume,
            max_minutes=self.max_minutes,
            stage=self.stage,
            start_from=self.start_from,
            bar=bar,
            **self.overrides,
        )
        if path is not None:
            print(f"wrote {path}")


def _flags(name: str) -> set[str]:
    flag = name.replace("_", "-")
    return {flag, f"no-{flag}"}


def _without_preset(arguments: list[str]) -> NoReturn:
    """Say which presets there are: as help, or as an error."""
    from difflib import get_close_matches

    width = max(map(len, ABOUT)) + 2
    rows = "\n".join(f"  {name:<{width}}{about}" for name, about in ABOUT.items())
    usage = f"usage: maquette train PRESET --data DATA --out FOLDER [options]\n\npresets:\n{rows}"
    options = "\n".join(f"  {line}" for line in _option_lines())
    if arguments and {"-h", "--help"} & set(arguments):
        print(f"{usage}\n\noptions:\n{options}\n\nmaquette train PRESET --help lists the fields of the preset as well.")
        raise SystemExit(0)
    word = next((a for a in arguments if not a.startswith("-")), "")
    near = get_close_matches(word, ABOUT, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise InputError(f"no preset is called '{word}'{hint}\n{usage}" if word else f"no preset was given\n{usage}")


def _option_lines() -> list[str]:
    return [
        "--data PATH           a store, or the folder of the open motion capture",
        "-o, --out FOLDER      checkpoints, logs, curves and the model",
        "--resume              go on from the last checkpoint",
        "--max-minutes M       stop after so many minutes",
        "--stage N [--from F]  run one stage of several",
        "--dry-run             print every field, train nothing",
    ]


def _fields_text(name: str, overrides: dict[str, Any]) -> str:
    """Every field of the training, those that are not the preset's marked, and its stages."""
    from maquette.training.presets import flat_fields, get_preset
    from maquette.training.stages import stage_words

    plan, standard = get_preset(name, **overrides), flat_fields(get_preset(name))
    rows = [f"{name}: {ABOUT.get(name, '')}", *(f"  {words}" for words in stage_words(plan)), ""]
    for key, value in flat_fields(plan).items():
        text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        changed = "" if value == standard[key] else "   (changed)"
        rows.append(f"  --{key.replace('_', '-'):<24} {text}{changed}")
    return "\n".join(rows)


def _show_progress() -> bool:
    """Lines on standard error; on a terminal a bar as well. True: with the bar."""
    import logging
    import os

    first = os.environ.get("RANK", "0") == "0"
    logging.getLogger("maquette").setLevel(logging.INFO if first else logging.WARNING)
    if sys.stderr.isatty() and first:
        import rich
        from rich.logging import RichHandler

        rich.reconfigure(stderr=True)
        handler: logging.Handler = RichHandler(show_path=False, show_level=False, log_time_format="%H:%M:%S")
        logging.basicConfig(format="%(message)s", handlers=[handler])
        return True
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    return False
