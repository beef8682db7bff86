"""Cameras by number, name or path, opened through FFmpeg's devices."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from maquette.detect.footage_stamps import reason
from maquette.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer

_LISTED = Path("/sys/class/video4linux")
_USUAL: dict[str, str] = {"video_size": "640x480", "framerate": "30"}
"""What nearly every camera can; detectors look at less. Larger pictures come slower over USB."""
_ATTEMPTS: dict[str, tuple[dict[str, str], ...]] = {
    # The driver takes the nearest size and rate that the camera has.
    "v4l2": (_USUAL, {}),
    # It refuses what the camera has not, also its own default of 29.97 frames/s.
    "avfoundation": (_USUAL, {"video_size": "1280x720", "framerate": "30"}, {"framerate": "30"}, {}),
    "dshow": ({**_USUAL, "rtbufsize": "64M"}, {"rtbufsize": "64M"}, {}),
}

OpenCamera = Callable[[], "InputContainer"]
"""Opens a device anew each time it is called; raises OSError when that cannot be done."""


def camera_opener(what: str) -> OpenCamera:
    """How to open a camera on this system.

    Args:
        what: a number from 0; on Linux also a path (``/dev/video2``) or a part of a name that the system lists; on
            macOS a name; on Windows a name as DirectShow lists it. Empty is 0.

    Raises:
        InputError: this system has no such number or name.
    """
    system, device = _device(what.strip() or "0")

    def opened() -> "InputContainer":
        import av

        refused: OSError | None = None
        for options in _ATTEMPTS[system]:
            try:
                return av.open(device, format=system, options={**options, "fflags": "nobuffer"})
            except FileNotFoundError:
                raise
            except OSError as error:
                refused = refused or error
        assert refused is not None  # each system has attempts
        raise refused

    return opened


def why_not(error: Exception) -> str:
    """Why a camera cannot be opened or read, in a few words."""
    hint = {
        "Permission denied": " (on Linux: put the user into the group video; on macOS: allow the terminal the camera)",
        "Device or resource busy": " (another program uses it)",
        "Input/output error": " (another program may use it, or it has no mode that was asked for)",
    }
    text = reason(error)
    return f"{text}{hint.get(text, '')}"


def _device(what: str) -> tuple[str, str]:
    """``(FFmpeg's name of the system's devices, FFmpeg's name of this one)``."""
    if sys.platform == "darwin":
        return "avfoundation", f"{what}:none"
    if sys.platform == "win32":
        return "dshow", f"video={_windows_name(what) if what.isdecimal() else what}"
    if what.startswith("/"):
        return "v4l2", what
    if what.isdecimal():
        return "v4l2", f"/dev/video{what}"
    return "v4l2", _linux_path(what)


def _linux_path(name: str) -> str:
    """The first device whose name contains this one. A camera has several; the first gives the pictures."""
    names = {}
    try:
        for entry in sorted(_LISTED.iterdir(), key=lambda entry: (len(entry.name), entry.name)):
            names[entry.name] = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        # Without the folder, or with a camera that has just been pulled out, there are those read until now.
        pass
    for device, listed in names.items():
        if name.lower() in listed.lower():
            return f"/dev/{device}"
    there_are = f"there are {', '.join(sorted(set(names.values())))}" if names else "this machine has none"
    raise InputError(f"camera:{name}: no camera is called so; {there_are}")


def _windows_name(number: str) -> str:
    import av

    # Older versions of PyAV do not list devices.
    listing = getattr(av, "enumerate_input_devices", None)
    if listing is None:
        raise InputError(f"camera:{number}: cameras by number need a newer av here (18 has it); give its name")
    cameras = [device for device in listing("dshow") if "video" in device.media_types]
    if int(number) >= len(cameras):
        there_are = ", ".join(f"{i} ({camera.description})" for i, camera in enumerate(cameras))
        raise InputError(f"camera:{number}: no such camera; {f'there are {there_are}' if cameras else 'there is none'}")
    return cameras[int(number)].name
