"""The C# files and the tests' program, compiled by Mono."""

import shutil
import subprocess
from pathlib import Path

import pytest

import maquette.plugins

SOURCES = Path(maquette.plugins.__file__).parent / "unity"
STUB = Path(__file__).parent / "unity_stub"
WITHOUT_UNITY = ("Json", "Motion", "Line", "Message", "Receiver")


def compiled(folder: Path) -> list[str]:
    """The command that runs the program; skips the test where there is no compiler."""
    compiler, runtime = shutil.which("mcs"), shutil.which("mono")
    if compiler is None or runtime is None:
        pytest.skip("no C# compiler (mcs and mono)")
    pure = [str(SOURCES / f"Maquette{name}.cs") for name in WITHOUT_UNITY]
    strict = ["-warnaserror+", "-warn:4", "-langversion:6"]
    # The readers alone first: they must not need Unity. 0649: fields that only Unity's editor fills.
    subprocess.run([compiler, *strict, "-target:library", f"-out:{folder / 'reader.dll'}", *pure], check=True)
    everything = [str(file) for place in (SOURCES, STUB) for file in sorted(place.glob("*.cs"))]
    subprocess.run([compiler, *strict, "-nowarn:0649", f"-out:{folder / 'program.exe'}", *everything], check=True)
    return [runtime, str(folder / "program.exe")]
