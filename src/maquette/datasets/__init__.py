"""Motion capture, virtual cameras, simulated detectors: what lifters are trained on and measured with (NumPy only)."""
