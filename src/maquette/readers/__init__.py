"""Readers: any 2D keypoint file or folder -> :class:`maquette.keypoints.Keypoints`."""

from maquette.readers.keypoints import FormatGuess, read_keypoints, sniff

__all__ = ["FormatGuess", "read_keypoints", "sniff"]
