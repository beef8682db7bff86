"""The live processing over a recording, frame after frame: what a live session makes of the same keypoints."""

from collections.abc import Sequence

import numpy as np

from maquette.errors import NoPersonError
from maquette.keypoints import Keypoints
from maquette.live.processing import LiveProcessor
from maquette.live.settings import LiveSettings
from maquette.live.sources.replay import Recording
from maquette.motion import Motion
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.skeletons import LIFTED_21
from maquette.stream.pose_frame import LivePose, PoseFrame


def lift_causal(people: Keypoints | Sequence[Keypoints], settings: LiveSettings | None = None) -> list[Motion]:
    """Motions of those who are followed, as they would have come out live; world frame, rotations solved.

    Unlike :func:`maquette.lift` each frame is made from the frames up to it alone (and, with a temporal model, those
    within its look-ahead).

    Args:
        people: of one clip, as :func:`maquette.read_keypoints` gives them.

    Returns:
        One motion for each person, in the order in which they were first followed, with all frames of the clip: NaN
        where the person is not followed.

    Raises:
        InputError: no map leads from the skeleton of the keypoints to the model's.
        NoPersonError: nobody is followed in any frame.
        ModelError: the model cannot be loaded, or takes whole clips only.
    """
    tracks = [people] if isinstance(people, Keypoints) else list(people)
    recording = Recording(tracks)
    processor = LiveProcessor(settings or LiveSettings())
    frames: list[PoseFrame] = []
    for index, time_s in enumerate(recording.times_s.tolist()):
        frames += processor.push(recording.frame(index, arrived_s=time_s), time_s)
    frames += processor.finish()
    persons = sorted({pose.person for frame in frames for pose in frame.poses})
    if not persons:
        raise NoPersonError(f"{tracks[0].source}: nobody is followed in any of {len(recording)} frames")
    notes = tuple(note for frame in frames for note in frame.notes)
    return [_motion(frames, person, tracks[0], recording, processor.model, notes) for person in persons]


def _motion(
    frames: list[PoseFrame],
    person: int,
    track: Keypoints,
    recording: Recording,
    model: str,
    notes: tuple[str, ...],
) -> Motion:
    found = [next((pose for pose in frame.poses if pose.person == person), None) for frame in frames]

    def gathered(name: str, width: tuple[int, ...]) -> np.ndarray:
        missing = np.full(width, np.nan)
        return np.stack([missing if pose is None else getattr(pose, name) for pose in found])

    positions = gathered("positions_m", (len(LIFTED_21), 3))
    stands = np.array([_stands(pose) for pose in found])
    uneven = track.timestamps_s is not None
    return Motion(
        positions=positions,
        skeleton=LIFTED_21,
        fps=track.fps,
        frame="world",
        rotations=gathered("rotations", (len(LIFTED_21), 4)),
        contacts=stands,
        contact_joints=CONTACT_JOINTS,
        root_trajectory=positions[:, LIFTED_21.roots[0]],
        timestamps_s=recording.times_s if uneven else None,
        person_id=person,
        model=model,
        source=track.source,
        notes=("lifted frame by frame, as live", *notes),
    )


def _stands(pose: LivePose | None) -> np.ndarray:
    return np.zeros(len(CONTACT_JOINTS), dtype=bool) if pose is None else pose.contacts
