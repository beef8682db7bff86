"""Body refinement: repair of 2D tracks, and 3D poses made into a believable motion."""
