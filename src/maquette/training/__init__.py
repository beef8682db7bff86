"""Training of lifters (torch): presets, the loop, checkpoints, export to ONNX."""
