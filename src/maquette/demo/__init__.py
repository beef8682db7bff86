"""The built-in clip: a figure with known 3D, filmed, detected with mistakes, lifted, and compared with the truth."""

from maquette.demo.choreography import Performance, perform
from maquette.demo.comparison import Errors, compare
from maquette.demo.filming import Mistakes, camera, detect, film
from maquette.demo.run import DemoResult, run_demo, true_motion, write_built_in_clip, write_clip

__all__ = [
    "DemoResult",
    "Errors",
    "Mistakes",
    "Performance",
    "camera",
    "compare",
    "detect",
    "film",
    "perform",
    "run_demo",
    "true_motion",
    "write_built_in_clip",
    "write_clip",
]
