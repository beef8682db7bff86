"""The viewer in the browser, with viser."""

from maquette.viewer.serve import Viewer, view

__all__ = ["Viewer", "view"]
