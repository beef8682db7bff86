"""When a session calibrates, and when the result counts."""

from collections.abc import Callable
from concurrent.futures import Executor, Future

from maquette.geometry.camera import Camera
from maquette.refine.causal_body import BodyStream
from maquette.refine.causal_calibration import Calibration, calibrate

_GRACE_S = 0.5
"""Of session time between the last frame that is looked at and the first to which the result applies. It has that long
to be found beside the frames; what it applies to does not depend on how long it took."""


class Calibrating:
    """Lets a :class:`BodyStream` collect frames, finds what they tell, and hands it over at a frame that depends on the
    frames' times alone.

    Args:
        body: has been told how many seconds to collect.
        executor: where the calibration is worked out; None does it in between, when it is needed.
    """

    def __init__(
        self,
        body: BodyStream,
        camera: Camera,
        *,
        wanted: bool,
        height_m: float | int | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._body, self._camera, self._height_m, self._executor = body, camera, height_m, executor
        self._wanted = wanted
        self._found: Callable[[], Calibration] | None = None
        self._applies_s = 0.0
        self._said = ""
        self.state = "waiting"

    def before(self, time_s: float, seen: bool) -> list[str]:
        """To be called before the body of each frame; returns what was found, for the user.

        Args:
            seen: whether anybody is seen in it.
        """
        if self.state == "waiting" and seen:
            self.state = "calibrating" if self._wanted else "live"
        if self.state != "calibrating":
            return []
        if self._found is None:
            if self._body.calibration_ready:
                self._found, self._applies_s = self._begin(), time_s + _GRACE_S
            return []
        if time_s < self._applies_s:
            return []
        calibration, self._found = self._found(), None
        self._body.calibrated(calibration)
        if calibration.found:
            self.state = "live"
        elif calibration.evidence == self._said:
            # The body goes on collecting; to say so each time would be a nuisance.
            return []
        self._said = calibration.evidence
        return [calibration.evidence]

    def _begin(self) -> Callable[[], Calibration]:
        frames = self._body.calibration_frames

        def find() -> Calibration:
            return calibrate(frames, self._camera, height_m=self._height_m)

        if self._executor is None:
            return find
        future: Future[Calibration] = self._executor.submit(find)
        return future.result
