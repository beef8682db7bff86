"""Motion capture, virtual cameras and simulated detectors: what lifters are trained on and measured with (NumPy only)."""
