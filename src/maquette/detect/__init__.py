"""From pixels to people in 2D: footage in, keypoints out, whichever detector looks at the pictures."""
