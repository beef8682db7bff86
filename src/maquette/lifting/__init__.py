"""From keypoints to root-relative 3D: normalise, cut windows, run, un-window; for whole clips and for streams."""
