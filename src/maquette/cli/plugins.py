"""``maquette plugins``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_PROGRAMS = ("maya", "blender", "unity", "unreal")


@dataclass(frozen=True)
class Plugins:
    """Scripts for other programs that read our files; without -o, shows what there is and how to install it.

    Example: maquette plugins maya -o ~/maya/scripts
    """

    program: Annotated[Literal["all", "maya", "blender", "unity", "unreal"], tyro.conf.Positional] = "all"
    """For which program."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="DIR")] = None
    """Folder to write them to; of all programs, each into a folder of its own in it."""

    def run(self) -> None:
        """Do it; prints what was written, or what there is."""
        from maquette.atomic import write_bytes

        programs = _PROGRAMS if self.program == "all" else (self.program,)
        for program in programs:
            items = _items(program)
            if self.output is None:
                _show(program, items, whole=self.program != "all")
                continue
            folder = self.output / program if self.program == "all" else self.output
            for item in items:
                write_bytes(folder / item.name, item.read_bytes())
                print(f"wrote {folder / item.name}")
        if self.output is None:
            print(f"maquette plugins {self.program} -o DIR writes them")


def _items(program: str) -> "list[Traversable]":
    """The files for a program (Blender's add-on begins with an ``__init__.py``)."""
    from importlib.resources import files

    found = [item for item in files("maquette.plugins").joinpath(program).iterdir() if item.is_file()]
    return sorted((item for item in found if not item.name.startswith(".")), key=lambda item: item.name)


def _show(program: str, items: "list[Traversable]", *, whole: bool) -> None:
    """Print the names, and what the read-me says when one program was asked for."""
    print(f"{program}: {', '.join(item.name for item in items)}")
    for item in items:
        if whole and item.name == "README.md":
            print(f"\n{item.read_text(encoding='utf-8')}")
