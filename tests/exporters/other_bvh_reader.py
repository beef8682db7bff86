"""A second BVH reader that shares no code with the project: word by word, with SciPy's rotations."""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation


@dataclass
class Node:
    name: str
    parent: "Node | None"
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: list[str] = field(default_factory=list)


def read(text: str) -> tuple[list[Node], np.ndarray, float]:
    """``(nodes, values, frame time)``; End Sites are nodes ``<parent>_end``."""
    words = iter(text.split())
    nodes: list[Node] = []
    stack: list[Node] = []
    for word in words:
        if word in ("ROOT", "JOINT"):
            nodes.append(Node(next(words), stack[-1] if stack else None))
        elif word == "End":
            next(words)
            nodes.append(Node(f"{stack[-1].name}_end", stack[-1]))
        elif word == "{":
            stack.append(nodes[-1])
        elif word == "}":
            stack.pop()
        elif word == "OFFSET":
            stack[-1].offset = np.array([float(next(words)) for _ in range(3)])
        elif word == "CHANNELS":
            stack[-1].channels = [next(words) for _ in range(int(next(words)))]
        elif word == "Frames:":
            frames = int(next(words))
            assert (next(words), next(words)) == ("Frame", "Time:")
            frame_time = float(next(words))
            return nodes, np.array([float(word) for word in words]).reshape(frames, -1), frame_time
    raise AssertionError("no motion")


def positions(nodes: list[Node], values: np.ndarray) -> dict[str, np.ndarray]:
    """World positions of all nodes; position channels are added to a root's OFFSET."""
    places: dict[str, np.ndarray] = {}
    turns: dict[str, Rotation] = {}
    column = 0
    for node in nodes:
        local = np.tile(node.offset, (len(values), 1))
        axes, angles = "", []
        for channel in node.channels:
            if channel.endswith("position"):
                local[:, "XYZ".index(channel[0])] += values[:, column]
            else:
                axes += channel[0]
                angles.append(values[:, column])
            column += 1
        turn = Rotation.from_euler(axes, np.stack(angles, 1), degrees=True) if axes else Rotation.identity(len(values))
        if node.parent is None:
            places[node.name], turns[node.name] = local, turn
        else:
            above = turns[node.parent.name]
            places[node.name] = places[node.parent.name] + above.apply(local)
            turns[node.name] = above * turn
    assert column == values.shape[1]
    return places
