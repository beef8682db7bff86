"""Live: a camera or a stream of keypoints in, poses out, with a latency that one can read."""
