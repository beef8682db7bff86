"""A measurement as files: angles over time (.csv), all numbers (.csv), everything (.json)."""

import csv
import io
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.atomic import write_bytes
from maquette.measure.angle_definitions import ANGLES, AngleDefinition, base_name
from maquette.measure.cycles import angle_cycles
from maquette.measure.measurement import Measurement
from maquette.measure.number import Number

FORMAT_VERSION = 1


def write_angles_csv(measurement: Measurement, path: str | Path, *, speeds: bool = False) -> None:
    """Write the table that :func:`angles_to_csv` makes.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, angles_to_csv(measurement, speeds=speeds).encode("utf-8"))


def angles_to_csv(measurement: Measurement, *, speeds: bool = False) -> str:
    """Angles over time; read it with ``pandas.read_csv(path, comment="#")``.

    Comment lines tell what every angle is. Then the header: ``frame`` (from 0), ``time_s``, ``<angle>_deg``, where it
    is known ``<angle>_sigma_deg``, with ``speeds`` also ``<angle>_deg_per_s``. Unknown cells are empty.
    """
    angles = measurement.angles
    blocks: list[tuple[str, Float[np.ndarray, "frames angles"]]] = [("deg", angles.values_deg)]
    if measurement.sigma_deg is not None:
        blocks.append(("sigma_deg", measurement.sigma_deg))
    if speeds:
        blocks.append(("deg_per_s", angles.speeds_deg_s()))
    text = io.StringIO()
    for line in _comments(measurement):
        text.write(f"# {' '.join(line.split())}\n")
    columns = [f"{name}_{unit}" for unit, _ in blocks for name in angles.names]
    text.write(",".join(["frame", "time_s", *columns]) + "\n")
    table = np.concatenate([values for _, values in blocks], axis=1)
    for frame, (time_s, row) in enumerate(zip(angles.times_s.tolist(), table.tolist(), strict=True)):
        cells = [f"{value:.4f}" if math.isfinite(value) else "" for value in row]
        text.write(f"{frame},{time_s:.6f},{','.join(cells)}\n")
    return text.getvalue()


def _comments(measurement: Measurement) -> list[str]:
    motion = measurement.motion
    facts = {
        "frame": motion.frame,
        "unit": "degrees",
        "fps": str(motion.fps),
        "skeleton": motion.skeleton.name,
        "source": motion.source.replace(";", ","),
        "model": motion.model or "",
        "uncertainty": measurement.basis.replace(";", ","),
    }
    lines = [f"maquette angles {FORMAT_VERSION}; " + "; ".join(f"{k}: {v}" for k, v in facts.items() if v)]
    for base in dict.fromkeys(base_name(name) for name in measurement.angles.names):
        angle = ANGLES[base]
        lines.append(
            f"{base}: {angle.definition}. Positive: {angle.positive}. Against the ISB: {angle.difference}. "
            f"{angle.source}"
        )
    lines += [f"left out: {name}: {why}" for name, why in measurement.angles.left_out.items()]
    return lines + [f"warning: {warned.text}" for warned in measurement.warnings]


def write_numbers_csv(measurement: Measurement, path: str | Path) -> None:
    """Write all numbers, one a row: name, value, uncertainty (one standard deviation), unit, count, basis, definition,
    source, warnings. Unknown cells are empty.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("name", "value", "uncertainty", "unit", "count", "basis", "definition", "source", "warnings"))
    for number in measurement.numbers:
        about = number.definition
        table.writerow(
            (
                number.name,
                _cell(number.value),
                _cell(number.uncertainty),
                number.unit,
                number.count,
                number.basis,
                about.definition,
                about.source,
                "; ".join(number.warnings),
            )
        )
    write_bytes(path, text.getvalue().encode("utf-8"))


def write_measurement_json(measurement: Measurement, path: str | Path) -> None:
    """Write numbers, definitions, events, gait cycles, warnings and provenance (:func:`measurement_record`).

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, msgspec.json.format(msgspec.json.encode(measurement_record(measurement))) + b"\n")


def measurement_record(measurement: Measurement) -> dict[str, Any]:
    """What the JSON file holds; unknown values are null. Angles over time are in the .csv."""
    motion, events = measurement.motion, measurement.events
    return {
        "kind": "maquette-measurement",
        "version": FORMAT_VERSION,
        "source": motion.source,
        "frame": motion.frame,
        "frames": motion.n_frames,
        "fps": str(motion.fps),
        "skeleton": motion.skeleton.name,
        "scale_source": motion.scale_source,
        "model": motion.model,
        "notes": list(motion.notes),
        "angle_uncertainty": measurement.basis,
        "warnings": [{"text": warned.text, "concerns": list(warned.kinds)} for warned in measurement.warnings],
        "numbers": [_number(number) for number in measurement.numbers],
        "angles": {base: _definition(ANGLES[base]) for base in dict.fromkeys(map(base_name, measurement.angles.names))},
        "angles_left_out": measurement.angles.left_out,
        "events": {
            "method": events.method,
            "sigma_s": _value(events.quantum_s),
            **{
                f"{side}{kind}_s": [round(float(second), 6) for second in seconds]
                for side, foot in events.feet.items()
                for kind, seconds in (("strikes", foot.strikes_s), ("offs", foot.offs_s))
            },
        },
        "cycles": {
            name: {
                "foot": cycle.foot[0],
                "strides": len(cycle.strides_deg),
                "mean_deg": [_value(v, 4) for v in cycle.mean_deg],
                "sd_deg": [_value(v, 4) for v in cycle.sd_deg],
            }
            for name, cycle in angle_cycles(measurement.angles, events).items()
        },
    }


def _number(number: Number) -> dict[str, Any]:
    return {
        "name": number.name,
        "value": _value(number.value),
        "uncertainty": _value(number.uncertainty),
        "unit": number.unit,
        "count": number.count,
        "basis": number.basis,
        "definition": number.definition.definition,
        "source": number.definition.source,
        "warnings": list(number.warnings),
    }


def _definition(angle: AngleDefinition) -> dict[str, Any]:
    return {
        "unit": "deg",
        "definition": angle.definition,
        "positive": angle.positive,
        "against_isb": angle.difference,
        "source": angle.source,
    }


def _value(value: float, decimals: int = 6) -> float | None:
    """Rounded; None where JSON has no number."""
    return round(float(value), decimals) if math.isfinite(value) else None


def _cell(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
