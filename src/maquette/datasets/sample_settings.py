"""How training samples are made (:mod:`maquette.datasets.samples`): the numbers, apart from what uses them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SampleSettings:
    """How training samples are made."""

    window_frames: int = 27
    """Frames of a window."""
    step_s: float = 0.04
    """Time between them."""
    windows_per_segment: int = 4
    """Windows (each with its own camera and detector errors) cut from one augmented segment."""
    segment_extra_frames: int = 18
    """Frames that a segment is longer than a window."""
    pose_strength: float = 0.8
    """Scales shares and angles of the pose variations; 0 switches them off."""
    keep_lengths: float = 0.25
    """Share of the segments that keep the bone lengths of their recording."""
    rig_shift: float = 0.6
    """Share of the segments whose trunk joints are placed as another rig would."""
    rig_shift_sd_m: float = 0.014
    """Spread of those offsets."""
    definition_spread: float = 1.0
    """Scales how differently detectors define their landmarks."""
    clean_share: float = 0.4
    """Share of the windows without detector errors."""
