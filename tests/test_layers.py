"""Imports go one way: a module imports only from its own or a lower layer (docs/concepts/architecture.md)."""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "maquette"

LAYERS: dict[str, int] = {
    "errors": 0,
    "frozen_arrays": 0,
    "skeleton": 0,
    "skeletons": 0,
    "keypoints": 0,
    "motion": 0,
    "geometry": 0,
    "formats": 0,
    "atomic": 0,
    "plugins": 0,
    "runtime": 1,
    "weights": 1,
    "readers": 2,
    "track": 2,
    "detect": 2,
    "mapping": 3,
    "lifting": 4,
    "refine": 5,
    "rig": 5,
    "exporters": 6,
    "stream": 6,
    "render": 6,
    "viewer": 6,
    "evaluate": 6,
    "measure": 6,
    "pipeline": 7,
    "live": 7,
    "demo": 7,
    "report": 7,
    "bench": 7,
    "cli": 7,
    "__main__": 7,
    "datasets": 8,
    "models": 8,
    "training": 8,
    "importers": 8,
    "lifter_benchmark": 8,
}
TORCH_SIDE = {"datasets", "models", "training", "importers"}


def _imports(path: Path) -> list[tuple[str, bool]]:
    """``(part of the package, at module level)`` for each import of the package in one file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top_level = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "maquette" else [f"maquette.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            part = name.split(".")[1] if name.startswith("maquette.") else ""
            if part and part != "__version__":
                found.append((part, id(node) in top_level))
    return found


def test_every_part_has_a_layer() -> None:
    parts = {p.stem if p.suffix == ".py" else p.name for p in SOURCE.iterdir() if p.suffix == ".py" or p.is_dir()}
    parts -= {"__init__", "__pycache__"}
    parts = {p for p in parts if not p.endswith(".typed") and p != "py"}
    assert parts <= LAYERS.keys(), f"give these a layer: {sorted(parts - LAYERS.keys())}"


def test_imports_go_downwards() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        for target, at_module_level in _imports(path):
            allowed = LAYERS[target] <= LAYERS[part] or (part == "cli" and not at_module_level)
            if part == "demo" and not at_module_level and target not in TORCH_SIDE:
                allowed = True
            if not allowed:
                wrong.append(f"{path.relative_to(SOURCE)} ({LAYERS[part]}) imports {target} ({LAYERS[target]})")
    assert not wrong, "\n".join(wrong)


def test_torch_stays_on_the_research_side() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        part = path.relative_to(SOURCE).parts[0]
        if part in TORCH_SIDE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            if any(name.split(".")[0] in {"torch", "lightning"} for name in names):
                wrong.append(str(path.relative_to(SOURCE)))
    assert not wrong, wrong
