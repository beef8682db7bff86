"""Cameras and videos through a detector: the newest picture is looked at, times are carried, cameras come back."""

import asyncio
import time
from pathlib import Path

import av
import numpy as np
import pytest
from waiting import until

from maquette.detect.choice import DetectorWish
from maquette.detect.detector import Picture, Seen
from maquette.errors import InputError, MissingExtraError
from maquette.live.ends import Source
from maquette.live.sources import camera_device
from maquette.live.sources.camera import CameraSource
from maquette.live.sources.newest_picture import Grabbed, NewestPicture
from maquette.skeletons import COCO_17
from maquette.stream.keypoint_frame import KeypointFrame

SIZE = (96, 64)
_PATIENCE_S = 20.0


class Watcher:
    """Sees somebody whose nose is as far right as the picture is bright, and whose left wrist is at (10, 20)."""

    name = "watcher"
    skeleton = COCO_17

    def __init__(self, takes_s: float = 0.0, people: int = 1) -> None:
        self.takes_s, self.people = takes_s, people
        self.times_s: list[float] = []
        self.shapes: list[tuple[int, ...]] = []
        self.resets = self.closes = 0

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        time.sleep(self.takes_s)
        self.times_s.append(time_s)
        self.shapes.append(picture.shape)
        points = np.full((self.people, 17, 2), np.nan)
        points[:, 0] = picture.mean() / 4, 30
        points[:, COCO_17.index("l_wrist")] = 10, 20
        confidence = np.where(np.isfinite(points[..., 0]), 0.5 + 0.001 * np.arange(self.people)[:, None], 0.0)
        return Seen(points, confidence)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closes += 1


def brighter(path: Path, count: int, fps: int = 50) -> Path:
    """A lossless video that becomes brighter by 4 from picture to picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "bgr0"  # pyright: ignore
        for number in range(count):
            picture = np.full((SIZE[1], SIZE[0], 3), 4 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))  # pyright: ignore
        container.mux(stream.encode(None))  # pyright: ignore
    return path


def run(source: CameraSource) -> list[tuple[KeypointFrame, float]]:
    """To the end: the frames, and when each was delivered."""
    got: list[tuple[KeypointFrame, float]] = []
    asyncio.run(source.run(lambda frame: got.append((frame, time.monotonic()))))
    return got


def test_is_a_source(tmp_path: Path) -> None:
    assert isinstance(CameraSource("v", f"video:{tmp_path}", detector=Watcher()), Source)


def test_a_video_is_played_at_its_own_pace(tmp_path: Path) -> None:
    path, watcher = brighter(tmp_path / "clip.mkv", 25), Watcher()
    source, began_s = CameraSource("v", f"video:{path}", detector=watcher), time.monotonic()
    got = run(source)
    assert time.monotonic() - began_s >= 24 / 50
    assert source.report.state == "ended"
    assert len(got) + source.report.dropped == 25
    assert source.report.frames == len(got)
    for frame, delivered_s in got:
        assert frame.number is not None
        assert frame.time_s == pytest.approx(frame.number / 50)
        assert frame.points[0, 0, 0] == pytest.approx(frame.number)  # this very picture was looked at
        assert frame.arrived_s >= began_s + frame.number / 50
        assert frame.arrived_s <= delivered_s
        assert (frame.image_size, frame.skeleton) == (SIZE, COCO_17)
    assert np.all(np.diff(watcher.times_s) > 0)
    assert watcher.closes == 0  # it is somebody else's


def test_a_slow_detector_sees_the_newest_pictures(tmp_path: Path) -> None:
    path = brighter(tmp_path / "clip.mkv", 40)
    source = CameraSource("v", f"video:{path}", detector=Watcher(takes_s=0.09))
    got = run(source)
    assert len(got) < 20
    assert len(got) + source.report.dropped == 40
    for frame, delivered_s in got:
        # The detector's time is part of the latency, waiting in a queue is not: the picture was new when it was looked
        # at.
        assert delivered_s - frame.arrived_s >= 0.09
        assert frame.points[0, 0, 0] == pytest.approx(frame.number)
    assert got[-1][0].number == 39


def test_mirror_exchanges_left_and_right(tmp_path: Path) -> None:
    path = brighter(tmp_path / "clip.mkv", 3)
    frame = run(CameraSource("v", f"video:{path}", detector=Watcher(), mirror=True))[0][0]
    left, right = COCO_17.index("l_wrist"), COCO_17.index("r_wrist")
    np.testing.assert_array_equal(frame.points[0, right], [SIZE[0] - 10, 20])
    assert np.isnan(frame.points[0, left]).all()
    assert frame.confidence[0, left] == 0


def test_of_a_crowd_the_surest_are_passed_on(tmp_path: Path) -> None:
    path = brighter(tmp_path / "clip.mkv", 2)
    frame = run(CameraSource("v", f"video:{path}", detector=Watcher(people=80)))[0][0]
    assert len(frame.points) == 64
    assert frame.confidence[:, 0].min() == pytest.approx(0.5 + 0.001 * 16)


def made_camera(seconds: float = 1000.0, size: str = "96x64"):
    """FFmpeg's test picture in real time, in place of a device."""
    return av.open(f"testsrc2=size={size}:rate=50:duration={seconds},realtime", format="lavfi")


def test_a_camera_that_is_pulled_out_is_opened_again() -> None:
    opened, watcher = [], Watcher()

    def open_camera():
        opened.append(time.monotonic())
        if len(opened) == 2:
            raise FileNotFoundError(2, "No such file or directory")
        return made_camera(0.2) if len(opened) == 1 else made_camera(size="128x64")

    async def session() -> list[KeypointFrame]:
        got: list[KeypointFrame] = []
        source = CameraSource("camera:0", "camera:0", detector=watcher, open_camera=open_camera)
        task = asyncio.create_task(source.run(got.append))
        await until(lambda: source.report.state == "receiving")
        await until(lambda: source.report.state == "reconnecting")
        assert "gone" in source.report.detail
        await until(lambda: "No such file" in source.report.detail)
        before = len(got)
        await until(lambda: len(got) > before + 3)
        assert source.report.state == "receiving"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return got

    got = asyncio.run(session())
    assert len(opened) == 3
    assert {frame.image_size for frame in got} == {(96, 64), (128, 64)}
    assert watcher.resets == 1  # pictures of another size are another clip
    stamps_s = [frame.time_s for frame in got[:5]]
    assert all(stamp is not None for stamp in stamps_s)
    assert np.all(np.diff(np.array(stamps_s, dtype=float)) > 0)


def test_ending_is_quick_while_the_camera_goes_on() -> None:
    async def session() -> float:
        source = CameraSource("camera:0", "camera:0", detector=Watcher(), open_camera=made_camera)
        task = asyncio.create_task(source.run(lambda frame: None))
        await until(lambda: source.report.frames > 2)
        began_s = time.monotonic()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return time.monotonic() - began_s

    assert asyncio.run(session()) < 2.5


def test_no_camera_is_one_sentence() -> None:
    def missing():
        raise FileNotFoundError(2, "No such file or directory", "/dev/video7")

    source = CameraSource("camera:7", "camera:7", detector=Watcher(), open_camera=missing)
    with pytest.raises(InputError, match=r"camera:7: there is no such camera.*No such file"):
        run(source)
    assert source.report.state == "failed"


def test_a_detector_that_breaks_ends_the_source(tmp_path: Path) -> None:
    class Broken(Watcher):
        def __call__(self, picture: Picture, time_s: float) -> Seen:
            raise InputError("the picture is upside down")

    source = CameraSource("v", f"video:{brighter(tmp_path / 'clip.mkv', 50)}", detector=Broken())
    with pytest.raises(InputError, match="upside down"):
        run(source)


def test_a_missing_video_and_other_addresses(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.mp4"):
        run(CameraSource("v", f"video:{tmp_path / 'nothing.mp4'}", detector=Watcher()))
    for what in ("webcam", "cam:0", ""):
        with pytest.raises(InputError, match="camera:NUMBER"):
            CameraSource("v", what)


def test_no_detector_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(wish: DetectorWish):
        assert not wish.several
        raise MissingExtraError("no detector is installed")

    monkeypatch.setattr("maquette.live.sources.camera.open_detector", none)
    with pytest.raises(MissingExtraError):
        run(CameraSource("v", f"video:{tmp_path}"))


def test_devices_of_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for device, name in (("video0", "HD Webcam C525"), ("video1", "HD Webcam C525"), ("video10", "Elgato: Cam Link")):
        (tmp_path / device).mkdir()
        (tmp_path / device / "name").write_text(f"{name}\n")
    monkeypatch.setattr(camera_device, "_LISTED", tmp_path)
    monkeypatch.setattr(camera_device.sys, "platform", "linux")
    device = camera_device._device
    assert device("2") == ("v4l2", "/dev/video2")
    assert device("/dev/v4l/by-id/x") == ("v4l2", "/dev/v4l/by-id/x")
    assert device("webcam") == ("v4l2", "/dev/video0")
    assert device("cam link") == ("v4l2", "/dev/video10")
    with pytest.raises(InputError, match="Elgato: Cam Link, HD Webcam C525"):
        device("logitech")
    monkeypatch.setattr(camera_device.sys, "platform", "darwin")
    assert device("0") == ("avfoundation", "0:none")
    monkeypatch.setattr(camera_device.sys, "platform", "win32")
    assert device("USB Camera") == ("dshow", "video=USB Camera")


def test_options_that_a_camera_refuses_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict] = []

    def opened(device: str, *, format: str, options: dict):
        asked.append(options)
        if "video_size" in options:
            raise OSError(5, "Input/output error")
        return "a container"

    monkeypatch.setattr(av, "open", opened)
    monkeypatch.setattr(camera_device.sys, "platform", "darwin")
    assert camera_device.camera_opener("0")() == "a container"
    assert "framerate" in asked[-1]
    assert len(asked) == 3


def test_the_newest_picture_takes_the_place_of_older_ones() -> None:
    place = NewestPicture()
    pictures = [Grabbed(lambda: None, float(number), None, number) for number in range(3)]
    for picture in pictures:
        place.put(picture)
    assert place.take() is pictures[2]
    assert place.dropped == 2
    place.put(pictures[0])
    place.end()
    assert place.take() is pictures[0]
    assert place.take() is None
