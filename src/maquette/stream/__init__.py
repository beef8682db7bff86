"""What goes over wires: frames of keypoints in, frames of poses out, and how both are written; no sockets here."""
