"""A recording stand-in for ``maya.cmds``: checks every call against what Autodesk documents, and works the scene out.

Flags, their types and modes are from the Maya 2022 command reference, attributes and their types from its node
reference. Nodes keep lengths in metres, angles in degrees, times in seconds, whatever the scene's units are.
"""

from types import ModuleType
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

STRING, BOOL, INT, FLOAT, SCRIPT = (str,), (bool,), (int,), (float, int), (object,)
PAIR = (tuple, list)

FLAGS: dict[str, dict[str, tuple[tuple, str]]] = {
    "createNode": {"name": (STRING, "c"), "parent": (STRING, "c"), "shared": (BOOL, "c"), "skipSelect": (BOOL, "c")},
    "setAttr": {"type": (STRING, "c"), "lock": (BOOL, "c"), "keyable": (BOOL, "c"), "channelBox": (BOOL, "c")},
    "getAttr": {"time": (FLOAT, "c"), "type": (BOOL, "c")},
    "addAttr": {"longName": (STRING, "c"), "dataType": (STRING, "c"), "attributeType": (STRING, "c")},
    "connectAttr": {"force": (BOOL, "c"), "nextAvailable": (BOOL, "c"), "lock": (BOOL, "c")},
    "setKeyframe": {
        "attribute": (STRING, "c"),
        "time": (FLOAT, "c"),
        "value": (FLOAT, "c"),
        "inTangentType": (STRING, "c"),
        "outTangentType": (STRING, "c"),
        "breakdown": (BOOL, "c"),
    },
    "currentUnit": {"linear": (STRING, "cq"), "angle": (STRING, "cq"), "time": (STRING, "cq"), "fullName": (BOOL, "q"),
                    "updateAnimation": (BOOL, "c")},
    "playbackOptions": {k: (FLOAT, "cq") for k in ("minTime", "maxTime", "animationStartTime", "animationEndTime")},
    "currentTime": {"update": (BOOL, "c")},
    "namespace": {"exists": (STRING, "q"), "add": (STRING, "c"), "set": (STRING, "c"), "parent": (STRING, "c")},
    "undoInfo": {"openChunk": (BOOL, "c"), "closeChunk": (BOOL, "c"), "chunkName": (STRING, "cq")},
    "select": {"replace": (BOOL, "c"), "clear": (BOOL, "c"), "add": (BOOL, "c")},
    "warning": {"noContext": (BOOL, "c")},
    "expression": {"string": (STRING, "cqe"), "name": (STRING, "cqe"), "object": (STRING, "cqe")},
    "listRelatives": {"shapes": (BOOL, "c"), "fullPath": (BOOL, "c"), "children": (BOOL, "c"), "parent": (BOOL, "c")},
    "imagePlane": {"camera": (STRING, "cqe"), "name": (STRING, "cqe"), "fileName": (STRING, "cqe"),
                   "lookThrough": (STRING, "cqe"), "showInAllViews": (BOOL, "cqe"), "maintainRatio": (BOOL, "cqe"),
                   "width": (FLOAT, "cqe"), "height": (FLOAT, "cqe"), "imageSize": (BOOL, "q")},
    "window": {"title": (STRING, "cqe"), "widthHeight": (PAIR, "cqe"), "exists": (BOOL, "c")},
    "deleteUI": {"window": (BOOL, "c"), "control": (BOOL, "c")},
    "showWindow": {},
    "columnLayout": {"adjustableColumn": (BOOL, "cqe"), "rowSpacing": (INT, "cqe"), "columnAttach": (PAIR, "c")},
    "textFieldButtonGrp": {"label": (STRING, "cqe"), "buttonLabel": (STRING, "cqe"), "adjustableColumn": (INT, "ce"),
                           "buttonCommand": (SCRIPT, "ce"), "text": (STRING, "cqe"), "annotation": (STRING, "cqe")},
    "optionMenuGrp": {"label": (STRING, "cqe"), "value": (STRING, "qe"), "select": (INT, "qe")},
    "menuItem": {"label": (STRING, "cqe"), "parent": (STRING, "cq")},
    "intFieldGrp": {"label": (STRING, "cqe"), "value1": (INT, "cqe"), "numberOfFields": (INT, "cq")},
    "floatFieldGrp": {"label": (STRING, "cqe"), "value1": (FLOAT, "cqe"), "numberOfFields": (INT, "cq"),
                      "annotation": (STRING, "cqe")},
    "checkBoxGrp": {"numberOfCheckBoxes": (INT, "cq"), "label": (STRING, "cqe"), "label1": (STRING, "cqe"),
                    "label2": (STRING, "cqe"), "value1": (BOOL, "cqe"), "value2": (BOOL, "cqe")},
    "button": {"label": (STRING, "cqe"), "command": (SCRIPT, "cqe")},
    "fileDialog2": {"fileMode": (INT, "c"), "fileFilter": (STRING, "c"), "caption": (STRING, "c")},
    "confirmDialog": {"title": (STRING, "c"), "message": (STRING, "c"), "button": (PAIR, "c"), "icon": (STRING, "c")},
}  # fmt: skip
"""Command -> flag -> types, and in which of create, query and edit it may stand."""

ROTATE_ORDERS = ("xyz", "yzx", "zxy", "xzy", "yxz", "zyx")
"""By the number that the attribute holds; the first letter is turned about first."""
CONTROLS = ("textFieldButtonGrp", "optionMenuGrp", "intFieldGrp", "floatFieldGrp", "checkBoxGrp", "button", "window")
METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254, "ft": 0.3048, "yd": 0.9144}
SECONDS = {"game": 1 / 15, "film": 1 / 24, "pal": 1 / 25, "ntsc": 1 / 30, "show": 1 / 48, "palf": 1 / 50}
SECONDS |= {"ntscf": 1 / 60, "23.976fps": 1001 / 24000, "29.97fps": 1001 / 30000, "59.94fps": 1001 / 60000}
SECONDS |= {f"{n}fps": 1 / n for n in (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 40, 75, 80, 100, 120, 125, 150, 200, 240)}


def _triple(name: str, kind: str) -> dict[str, str]:
    return {name: "double3", **{name + axis: kind for axis in "XYZ"}}


TRANSFORM = {**_triple("translate", "doubleLinear"), **_triple("rotate", "doubleAngle"), **_triple("scale", "double"),
             "rotateOrder": "enum", "visibility": "bool", "message": "message"}  # fmt: skip
ATTRIBUTES: dict[str, dict[str, str]] = {
    "transform": TRANSFORM,
    "joint": {**TRANSFORM, **_triple("jointOrient", "doubleAngle"), "radius": "double",
              "inverseScale": "double3", "segmentScaleCompensate": "bool"},
    "camera": {"focalLength": "double", "horizontalFilmAperture": "double", "verticalFilmAperture": "double",
               "horizontalFilmOffset": "double", "verticalFilmOffset": "double", "filmFit": "enum",
               "nearClipPlane": "doubleLinear", "farClipPlane": "doubleLinear", "message": "message"},
    "imagePlane": {"imageName": "string", "useFrameExtension": "bool", "frameExtension": "long", "frameOffset": "long",
                   "sizeX": "double", "sizeY": "double", "offsetX": "double", "offsetY": "double", "fit": "enum",
                   "depth": "doubleLinear", "displayOnlyIfCurrent": "bool", "message": "message"},
}  # fmt: skip


class MayaStandIn(ModuleType):
    """The module ``maya.cmds`` of one new scene."""

    def __init__(self) -> None:
        super().__init__("maya.cmds")
        self.kinds: dict[str, str] = {}
        self.parents: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self.keys: dict[str, list[tuple[float, float]]] = {}
        self.links: dict[str, str] = {}
        self.extra: dict[str, str] = {}
        self.namespaces: set[str] = set()
        self.units = {"linear": "cm", "angle": "deg", "time": "film"}
        self.playback: dict[str, float] = {}
        self.expressions: list[str] = []
        self.warnings: list[str] = []
        self.controls: dict[str, dict[str, Any]] = {}
        self.dialogs: list[dict[str, Any]] = []
        self.open_chunks = self.chunks = 0
        self.calls = 0
        for command in FLAGS:
            setattr(self, command, self._checked(command))

    def _checked(self, command: str):
        def call(*args: Any, **flags: Any) -> Any:
            self.calls += 1
            mode = "q" if flags.pop("query", False) else "e" if flags.pop("edit", False) else "c"
            for flag, value in flags.items():
                assert flag in FLAGS[command], f"{command} has no flag '{flag}'"
                types, modes = FLAGS[command][flag]
                assert mode in modes or (flag == "exists"), f"{command}: '{flag}' not in mode {mode}"
                if mode == "q" and flag != "exists":
                    assert value is True
                else:
                    good = isinstance(value, types) and (types in (BOOL, SCRIPT) or not isinstance(value, bool))
                    assert good, f"{command}: {flag}={value!r} is not {types}"
                    assert not isinstance(value, float) or np.isfinite(value)
            if command in CONTROLS:
                return self._control(command, mode, args, flags)
            return getattr(self, f"_{command}")(mode, *args, **flags)

        return call

    # scene

    def _createNode(self, _mode: str, kind: str, name: str, parent: str = "") -> str:
        assert kind in ATTRIBUTES
        assert name not in self.kinds, f"{name} is taken"
        assert ":" not in name or name.split(":")[0] in self.namespaces
        assert not parent or self.kinds[parent] in ("transform", "joint")
        assert kind not in ("camera", "imagePlane") or parent
        self.kinds[name], self.parents[name] = kind, parent
        return name

    def _type(self, plug: str) -> tuple[str, str, str]:
        node, attribute = plug.split(".")
        assert node in self.kinds, f"no node {node}"
        known = {**ATTRIBUTES[self.kinds[node]], **{k.split(".")[1]: v for k, v in self.extra.items() if k == plug}}
        assert attribute in known, f"{self.kinds[node]} has no attribute {attribute}"
        return node, attribute, known[attribute]

    def _addAttr(self, _mode: str, node: str, longName: str, dataType: str) -> None:
        assert node in self.kinds
        assert dataType == "string"
        assert longName.isidentifier()
        self.extra[f"{node}.{longName}"] = "string"

    def _setAttr(self, _mode: str, plug: str, *values: Any, type: str | None = None) -> None:
        node, attribute, kind = self._type(plug)
        assert plug not in self.links, f"{plug} is connected"
        if kind == "double3":
            assert type == "double3"
            assert len(values) == 3
            assert np.isfinite(values).all()
            for axis, value in zip("XYZ", values, strict=True):
                inner = self._type(f"{node}.{attribute}{axis}")[2]
                self.values[f"{node}.{attribute}{axis}"] = self._inward(value, inner)
            return
        assert len(values) == 1
        assert (type == "string") == (kind == "string")
        value = values[0]
        wanted = {"string": str, "bool": (bool, int), "enum": int, "long": int}.get(kind, (int, float))
        assert isinstance(value, wanted), f"{plug} = {value!r}"
        self.values[plug] = self._inward(value, kind)

    def _inward(self, value: Any, kind: str) -> Any:
        return float(value) * METRES[self.units["linear"]] if kind == "doubleLinear" else value

    def _getAttr(self, _mode: str, plug: str) -> Any:
        value = self.values[plug]
        return value / METRES[self.units["linear"]] if self._type(plug)[2] == "doubleLinear" else value

    def _connectAttr(self, _mode: str, source: str, target: str) -> None:
        assert self._type(source)[2] == self._type(target)[2]
        assert target not in self.links
        self.links[target] = source

    def _setKeyframe(self, _mode: str, node: str, attribute: str, time: float, value: float, **tangents: str) -> None:
        kind = self._type(f"{node}.{attribute}")[2]
        assert kind in ("doubleLinear", "doubleAngle", "double")
        assert set(tangents.values()) <= {"linear", "auto", "spline", "flat", "step", "clamped", "fast", "slow"}
        moment = time * SECONDS[self.units["time"]]
        self.keys.setdefault(f"{node}.{attribute}", []).append((moment, self._inward(value, kind)))

    def _currentUnit(self, mode: str, **units: Any) -> Any:
        if mode == "q":
            return self.units[next(iter(units))]
        assert units.get("linear", "cm") in METRES
        assert units.get("time", "film") in SECONDS
        assert units.get("angle", "deg") in ("deg", "rad")
        self.units |= units
        return None

    def _playbackOptions(self, _mode: str, **times: float) -> None:
        self.playback |= times

    def _currentTime(self, _mode: str, time: float) -> None:
        assert isinstance(time, int | float)

    def _namespace(self, _mode: str, exists: str = "", add: str = "") -> Any:
        if exists:
            return exists.strip(":") in self.namespaces
        assert add.isidentifier()
        assert add not in self.namespaces, f"namespace {add} is taken"
        self.namespaces.add(add)
        return None

    def _undoInfo(self, _mode: str, openChunk: bool = False, closeChunk: bool = False, chunkName: str = "") -> None:
        assert openChunk != closeChunk
        self.open_chunks += 1 if openChunk else -1
        self.chunks += int(openChunk)

    def _select(self, _mode: str, node: str, replace: bool) -> None:
        assert node in self.kinds

    def _warning(self, _mode: str, text: str) -> None:
        self.warnings.append(text)

    def _expression(self, _mode: str, string: str, name: str) -> None:
        self._type(string.split("=")[0].strip())
        self.expressions.append(string)

    def _listRelatives(self, _mode: str, node: str, shapes: bool, fullPath: bool = False) -> list[str]:
        return [n for n, parent in self.parents.items() if parent == node and self.kinds[n] in ("camera", "imagePlane")]

    def _imagePlane(self, _mode: str, camera: str, name: str) -> list[str]:
        assert self.kinds[camera] == "camera"
        transform = self._createNode("c", "transform", name=name)
        shape = self._createNode("c", "imagePlane", name=f"{name}Shape", parent=transform)
        return [transform, shape]

    # windows

    def _control(self, command: str, mode: str, args: tuple, flags: dict[str, Any]) -> Any:
        if flags.pop("exists", False):
            return args[0] in self.controls
        if mode == "c":
            name = args[0] if args else f"{command}{len(self.controls)}"
            self.controls[name] = {"kind": command, **flags}
            return name
        assert self.controls[args[0]]["kind"] == command
        if mode == "q":
            return self.controls[args[0]].get(next(iter(flags)), "")
        self.controls[args[0]].update(flags)
        return None

    def _columnLayout(self, _mode: str, **_flags: Any) -> str:
        return "layout"

    def _menuItem(self, _mode: str, label: str) -> str:
        return label

    def _deleteUI(self, _mode: str, name: str) -> None:
        del self.controls[name]

    def _showWindow(self, _mode: str, name: str) -> None:
        assert self.controls[name]["kind"] == "window"

    def _fileDialog2(self, _mode: str, **_flags: Any) -> list[str] | None:
        return None

    def _confirmDialog(self, _mode: str, **flags: Any) -> str:
        self.dialogs.append(flags)
        return "OK"

    # what the scene is at a time

    def at(self, plug: str, time_s: float, default: float = 0.0) -> float:
        """Value of a channel, straight between its keys."""
        keys = self.keys.get(plug)
        if not keys:
            return self.values.get(plug, default)
        times, values = zip(*keys, strict=True)
        assert list(times) == sorted(set(times)), "keys in order, one for each time"
        return float(np.interp(time_s, times, values))

    def world(self, node: str, time_s: float) -> np.ndarray:
        """The world matrix, translation in metres: T JO R, as Maya composes joints of unit scale."""
        matrix = np.eye(4)

        def angles(name: str) -> np.ndarray:
            degrees = [self.at(f"{node}.{name}{axis}", time_s) for axis in "XYZ"]
            order = ROTATE_ORDERS[self.values.get(f"{node}.rotateOrder", 0) if name == "rotate" else 0]
            return Rotation.from_euler(order, [degrees["xyz".index(axis)] for axis in order], degrees=True).as_matrix()

        matrix[:3, :3] = angles("jointOrient") @ angles("rotate")
        matrix[:3, 3] = [self.at(f"{node}.translate{axis}", time_s) for axis in "XYZ"]
        return self.world(self.parents[node], time_s) @ matrix if self.parents[node] else matrix
