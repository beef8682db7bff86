"""Whether a model file's spec describes the network of whole clips that goes into it."""

from maquette.errors import ModelError
from maquette.runtime.spec import ModelSpec


def check_clip_spec(spec: ModelSpec, *, receptive_field: int, causal: bool) -> None:
    """Refuse a spec of another network.

    Args:
        receptive_field: frames that the network sees.
        causal: whether it gives the pose of the last one of them.

    Raises:
        ModelError: the spec describes another form or window; the text says all that differs.
    """
    problems = []
    if spec.form != "clip":
        problems.append(f"form '{spec.form}', expected 'clip'")
    if spec.window_frames != receptive_field:
        problems.append(f"a window of {spec.window_frames} frames, the network sees {receptive_field}")
    if spec.causal != causal:
        problems.append(f"causal is {spec.causal}, of the network it is {causal}")
    if problems:
        raise ModelError("the spec does not fit the network: " + "; ".join(problems))
