"""Running a network: an ONNX file that knows what it wants and what it gives."""
