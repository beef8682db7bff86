"""Light, ground and the first look at the page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from maquette.render.views import standard_views
from maquette.viewer.body import Body

if TYPE_CHECKING:
    import viser

_FOV_RAD = float(np.radians(50))


def set_stage(server: "viser.ViserServer") -> "viser.GridHandle":
    """Light and ground; the grid repeats every metre."""
    server.gui.configure_theme(show_logo=False, show_share_button=False)
    server.scene.set_up_direction("+y")
    # As it comes the light is so strong that blue and orange are nearly white.
    server.scene.configure_environment_map("studio", environment_intensity=0.2)
    return server.scene.add_grid(
        "/ground",
        plane="xz",
        infinite_grid=True,
        cell_size=0.5,
        section_size=1.0,
        cell_color=(226, 223, 216),
        section_color=(206, 202, 193),
        fade_distance=14.0,
    )


def place_camera(
    server: "viser.ViserServer", bodies: Sequence[Body], offsets_m: Sequence[Float[np.ndarray, "3"]], beside_m: float
) -> None:
    """Before the people and a little to the side and above, all of them in sight, and ``beside_m`` at their side."""
    front = standard_views(bodies[0].motion)[0].R_view_scene
    starts = np.array([body.followed[0] + offset for body, offset in zip(bodies, offsets_m, strict=True)])
    middle = (starts.min(axis=0) + starts.max(axis=0)) / 2 - 0.5 * beside_m * front[0]
    top_m = max(body.shape.top_m for body in bodies)
    middle[1] = 0.5 * top_m
    breadth = float(np.ptp(starts @ front[0])) + beside_m
    # Of a window as high as broad, which is what the panels leave.
    distance = max(1.6 + 0.8 * top_m, (0.5 * breadth + 0.9) / np.tan(_FOV_RAD / 2))
    camera = server.initial_camera
    camera.position = tuple(middle + distance * (front[2] + 0.25 * front[0]) + [0.0, 0.25 * distance, 0.0])
    camera.look_at = tuple(middle)
    camera.fov = _FOV_RAD
