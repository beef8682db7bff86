"""Published checkpoints to model files."""
