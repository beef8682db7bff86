"""A whole measurement: bad input gives fewer numbers and says why; files hold what was measured."""

import csv
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion
from made_walker import Gait, walker
from PIL import Image

from maquette.errors import InputError
from maquette.measure import ANGLES, NUMBERS, measure_motion
from maquette.measure.plots import write_plots
from maquette.measure.tables import angles_to_csv, write_measurement_json, write_numbers_csv
from maquette.motion import Motion
from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17, H36M_17, LIFTED_21


def _texts(motion: Motion) -> str:
    return " ".join(warned.text for warned in measure_motion(motion).warnings)


def test_every_number_has_a_definition_and_a_basis() -> None:
    for number in measure_motion(walker(Gait()), sigma_m=0.01).numbers:
        assert number.kind in NUMBERS, number.name
        assert number.basis, number.name
        assert np.isfinite(number.value) or number.warnings, number.name


def test_one_frame_gaps_and_no_legs() -> None:
    single = measure_motion(made_motion(1, 0))
    assert np.isfinite(single.angles.angle("l_elbow_flexion")).all()
    assert np.isnan(single.number("cadence").value)
    assert "0.00 s long" in _texts(made_motion(1, 0))
    motion = made_motion(90, 0)
    positions = motion.positions.copy()
    positions[20:30, LIFTED_21.index("l_wrist")] = np.nan
    holed = measure_motion(replace(motion, positions=positions))
    assert np.isnan(holed.angles.angle("l_elbow_flexion")[20:30]).all()
    assert np.isfinite(holed.angles.angle("r_elbow_flexion")).all()
    assert "known in 80 of 90 frames" in holed.number("range:l_elbow_flexion").warnings
    legs = [i for i, name in enumerate(LIFTED_21.joints) if name.split("_")[-1] in ("knee", "ankle", "heel", "toe")]
    positions[:, legs] = np.nan
    seated = measure_motion(replace(motion, positions=positions))
    assert "l_knee_flexion" in seated.angles.left_out
    assert "trunk_flexion" in seated.angles.names
    assert np.isnan(seated.number("step_time:l").value)
    nothing = measure_motion(replace(motion, positions=np.full_like(positions, np.nan)))
    assert not nothing.angles.names
    assert all(np.isnan(n.value) for n in nothing.numbers if n.kind != "flight")


def test_the_camera_frame_gives_angles_of_the_body_only() -> None:
    world = made_motion(60, 0)
    camera = replace(world, frame="camera", positions=world.positions * [1.0, -1.0, -1.0] + [0.0, 0.0, 4.0])
    a, b = measure_motion(world), measure_motion(camera)
    for name in b.angles.names:
        assert np.allclose(a.angles.angle(name), b.angles.angle(name), equal_nan=True), name
    assert {name for name in ANGLES if ANGLES[name].world} <= {
        n.removeprefix("l_") for n in b.angles.left_out if n[:2] != "r_"
    }
    assert np.isnan(b.number("walking_speed").value)
    assert "camera frame" in _texts(camera)


def test_skeletons_without_feet_or_with_other_joints() -> None:
    motion = walker(Gait())
    bare = replace(motion, positions=motion.positions[:, :17], skeleton=H36M_17)
    measured = measure_motion(bare)
    assert "l_ankle_dorsiflexion" in measured.angles.left_out
    assert measured.number("cadence").value == pytest.approx(120 / Gait().stride_s, rel=0.01)
    skeleton = Skeleton("boxes", ("lid", "box"), (1, -1))
    boxes = Motion(positions=np.zeros((20, 2, 3)), skeleton=skeleton, fps=Fraction(30), frame="world")
    with pytest.raises(InputError, match="not recognised as a human figure"):
        measure_motion(boxes)
    coco = [LIFTED_21.index(name) if name in LIFTED_21 else LIFTED_21.index("head") for name in COCO_17.joints]
    mapped = measure_motion(replace(motion, positions=motion.positions[:, coco], skeleton=COCO_17))
    assert mapped.number("range:l_knee_flexion").value == pytest.approx(
        measured.number("range:l_knee_flexion").value, abs=0.01
    )


def test_what_the_data_do_not_support_is_said() -> None:
    motion = replace(
        walker(Gait()), model="maquette-tcn27", scale_source="assumed: bone lengths as the network gave them"
    )
    speed = measure_motion(motion).number("walking_speed")
    assert any("no true scale" in w for w in speed.warnings)
    assert any("single view" in w for w in speed.warnings)
    assert any("stays at the origin" in w for w in speed.warnings)
    assert not measure_motion(walker(Gait(), seconds=12)).number("cadence").warnings
    assert "running" in _texts(walker(Gait(stride_s=0.7, speed_mps=2.4, stance_share=0.3), fps=100))
    backwards = walker(Gait())
    assert "does not go where it faces" in _texts(replace(backwards, positions=backwards.positions[::-1].copy()))


def test_files_hold_what_was_measured(tmp_path: Path) -> None:
    measured = measure_motion(walker(Gait()), sigma_m=0.01)
    text = angles_to_csv(measured, speeds=True)
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert len(rows) == measured.motion.n_frames
    assert float(rows[40]["l_knee_flexion_deg"]) == pytest.approx(measured.angles.angle("l_knee_flexion")[40], abs=1e-4)
    assert float(rows[5]["r_knee_flexion_sigma_deg"]) > 0
    assert rows[5]["r_knee_flexion_deg_per_s"]
    for base in {name.removeprefix("l_").removeprefix("r_") for name in measured.angles.names}:
        assert f"# {base}: " in text
    write_measurement_json(measured, tmp_path / "n.json")
    record = json.loads((tmp_path / "n.json").read_text())
    numbers = {number["name"]: number for number in record["numbers"]}
    assert numbers["cadence"]["value"] == pytest.approx(measured.number("cadence").value, abs=1e-5)
    assert len(record["cycles"]["l_knee_flexion"]["mean_deg"]) == 101
    assert record["events"]["l_strikes_s"]
    write_numbers_csv(measured, tmp_path / "n.csv")
    with (tmp_path / "n.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == list(numbers)
    pictures = write_plots(measured, tmp_path / "plots")
    assert [path.name for path in pictures] == ["angles.png", "cycles.png"]
    for path in pictures:
        with Image.open(path) as picture:
            colours = picture.convert("RGB").getcolors(1 << 24) or []
            assert {(31, 105, 180), (214, 98, 16)} <= {colour for _, colour in colours}
