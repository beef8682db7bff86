"""``maquette convert``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from maquette.cli.options import progress, refuse_own_input
from maquette.cli.writing import AS_USUAL, Writing
from maquette.errors import InputError


@dataclass(frozen=True)
class Convert:
    """Motion file to motion file, by suffix."""

    input: Annotated[Path, tyro.conf.Positional]
    """Motion file: .npz .json .csv .bvh .amc."""
    output: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=["-o"], metavar="OUT"), tyro.conf.UseAppendAction]
    """File to write; repeat for several."""
    writing: Annotated[Writing, tyro.conf.arg(name="")] = AS_USUAL

    def run(self) -> None:
        """Do it; prints what was written."""
        from maquette.exporters import check_output, write_motion
        from maquette.readers.motion import read_motion

        if not self.output:
            raise InputError("no output given: add for example -o walk.bvh (repeat -o for several files)")
        for out in self.output:
            check_output(out)
        refuse_own_input(self.output, self.input)
        motion = read_motion(self.input)
        for out in self.output:
            with progress(f"writing {out}"):
                write_motion(motion, out, **self.writing.keywords())
            print(f"wrote {out}")
