"""Where a motion comes from and what was done to it."""

import hashlib
import platform
from html import escape
from pathlib import Path

from maquette.motion import Motion
from maquette.report.page import notes, table


def provenance(motion: Motion, source: str | Path | None) -> str:
    """File, model, scale, versions, then one sentence for each assumption made and each edit done."""
    import numpy as np
    import scipy

    from maquette import __version__

    rows = []
    if source is not None and Path(source).is_file():
        rows += [("file", Path(source).name), ("its SHA-256", _sha256(Path(source)))]
    rows += [("made from", motion.source)] if motion.source else []
    rows += [("model", motion.model or "none: measured or edited, not lifted")]
    rows += [("model's SHA-256", motion.model_sha256)] if motion.model_sha256 else []
    rows += [
        ("metric scale", motion.scale_source),
        ("frame", {"world": "world: right-handed, Y up, ground at y = 0", "camera": "camera: x right, y down, z away"}[
            motion.frame]),
        ("skeleton", f"{motion.skeleton.name}, {motion.n_joints} joints"),
        ("report by", f"Maquette {__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
                      f"Python {platform.python_version()}"),
    ]  # fmt: skip
    if not motion.notes:
        return table((), rows) + '<p class="small">The file tells of no assumptions and no edits.</p>'
    about = "The notes that go with the motion into every file that can hold them:"
    return f"{table((), rows)}<p>{escape(about)}</p>{notes(motion.notes)}"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
