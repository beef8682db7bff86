"""Networks, in torch; imported by the training side only. Trained networks run as ONNX (:mod:`maquette.runtime`)."""
