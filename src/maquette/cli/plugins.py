"""``maquette plugins``."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Plugins:
    """Scripts for other programs that read our files; without -o, says what there is and how to install it.

    Example: maquette plugins maya -o maya_scripts
    """

    program: Annotated[Literal["all", "maya", "blender", "unity", "unreal"], tyro.conf.Positional] = "all"
    """For which program."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="DIR")] = None
    """Folder to write them to, each program's in a folder of its own."""

    def run(self) -> None:
        """Do it; prints what was written."""
        from maquette.atomic import write_bytes

        shelf = files("maquette.plugins")
        programs = ("maya", "blender", "unity", "unreal") if self.program == "all" else (self.program,)
        for program in programs:
            for item in sorted(shelf.joinpath(program).iterdir(), key=lambda entry: entry.name):
                if not item.is_file() or item.name.endswith((".pyc", "__init__.py")):
                    continue
                if self.output is None:
                    print(f"{program}/{item.name}")
                    if item.name == "README.md":
                        print(item.read_text(encoding="utf-8"))
                else:
                    out = self.output / program / item.name
                    write_bytes(out, item.read_bytes())
                    print(f"wrote {out}")
        if self.output is None:
            print("maquette plugins PROGRAM -o DIR writes them")
