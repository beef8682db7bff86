"""The viewer in the browser, with viser."""

from maquette.viewer.serve import Viewer, view, view_files

__all__ = ["Viewer", "view", "view_files"]
