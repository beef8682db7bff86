"""Where frames of keypoints come from."""
