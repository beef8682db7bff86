"""Who goes where, for ends that hold one performer each."""

from maquette.stream.pose_frame import LivePose, PoseFrame

UNSEEN_S = 2.0
"""So long without a pose, and somebody else may have the seat."""


class Seats:
    """Gives each followed person a seat of its own, for as long as it is followed.

    Whoever comes takes the lowest free seat, those followed longest first; a person who is not seen for a moment keeps
    theirs. It becomes free when the session gives the person up, and goes to somebody who waits for one after two
    seconds without a pose. So with one seat the performer followed first has it, and when they leave, the one followed
    longest of the others gets it.
    """

    def __init__(self, count: int) -> None:
        self._persons: list[int | None] = [None] * count
        self._used = [False] * count
        self._seen_s = [0.0] * count

    def __len__(self) -> int:
        return len(self._persons)

    def place(self, frame: PoseFrame) -> tuple[LivePose | None, ...]:
        """For each seat the pose of its person in this frame; None where that is not seen, or nobody has the seat."""
        poses = {pose.person: pose for pose in frame.poses}
        waiting = [person for person in poses if person not in self._persons]
        for seat, person in enumerate(self._persons):
            unseen = person not in poses and frame.time_s - self._seen_s[seat] > UNSEEN_S
            if person in frame.gone or (unseen and waiting):
                self._persons[seat] = person = None
            if person is None and waiting:
                self._persons[seat] = person = waiting.pop(0)
                self._used[seat] = True
            if person in poses:
                self._seen_s[seat] = frame.time_s
        return tuple(None if person is None else poses.get(person) for person in self._persons)

    def was_used(self, seat: int) -> bool:
        """Whether anybody ever had the seat."""
        return self._used[seat]
