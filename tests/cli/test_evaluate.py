"""``maquette evaluate`` on a small store: what it prints, writes, compares and refuses."""

import csv
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_store import write_store
from PIL import Image
from zeros_model import zeros_model

from maquette.datasets.pose_statistics import published_statistics
from maquette.datasets.store import Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.evaluate import read_report
from maquette.evaluate.tables import as_csv, as_latex, table
from maquette.geometry.camera import Camera
from maquette.lifting.lifter import Lifter
from maquette.skeletons import COCO_17, H36M_17, HUMANEVA_15, MPI_INF_3DHP_17, MPII_16

MODEL = "maquette-residual"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("data") / "store")


@pytest.fixture(scope="module")
def report(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from maquette.cli import main

    path = tmp_path_factory.mktemp("report") / "a.json"
    assert main(["evaluate", MODEL, "--data", str(store), "--protocol", "videopose3d", "--json", str(path)]) == 0
    return path


def test_everything_that_is_written(run, store: Path, tmp_path: Path) -> None:
    names = ("r.json", "r.csv", "r.tex", "r.png")
    paths = dict(zip(("--json", "--csv", "--latex", "--figure"), (tmp_path / n for n in names), strict=True))
    line = [part for pair in paths.items() for part in pair]
    status, out, err = run("evaluate", MODEL, "--data", store, *line, "--by-subject", "--by-joint")
    assert status == 0, err
    assert "protocol videopose3d (17 joints, 390 frames)" in out
    assert "2D from 'gt'" in out
    assert "3 of the 15 actions that published averages are made of" in out
    assert "S9 Walking" in out
    assert "l_wrist" in out
    assert all(f"wrote {path}" in out for path in paths.values())
    report = read_report(paths["--json"])
    assert report.headline is not None
    assert f"{report.headline:.1f}" in out
    with Image.open(paths["--figure"]) as image:
        assert min(image.size) > 500
    with paths["--csv"].open() as file:
        rows = list(csv.DictReader(file))
    assert {row["protocol"] for row in rows} == {"videopose3d"}
    (average,) = (row for row in rows if row["group"] == "average")
    assert float(average["mpjpe_mm"]) == report.headline
    assert sum(row["group"] == "joint" for row in rows) == 17
    *comments, latex, end = paths["--latex"].read_text().split("\n")
    assert end == ""
    assert all(comment.startswith("%") for comment in comments)
    cells = [row.metrics["mpjpe"] for row in report.of("action")]
    assert latex == " & ".join([MODEL, *(f"{cell:.1f}" for cell in [*cells, report.headline])]) + r" \\"
    document = json.loads(paths["--json"].read_text())
    assert document["schema"] == "maquette evaluation 1"
    assert all({"frames", "left_out", "dropped"} <= row.keys() for row in document["rows"])


def test_a_report_can_be_shown_again(run, report: Path, tmp_path: Path) -> None:
    status, out, _ = run("evaluate", report, "--json", tmp_path / "copy.json", "--csv", tmp_path / "copy.csv")
    assert status == 0
    assert f"{read_report(report).headline:.1f}" in out
    assert (tmp_path / "copy.json").read_bytes() == report.read_bytes()


def test_a_report_cannot_be_evaluated_otherwise(run, store: Path, report: Path) -> None:
    status, _, err = run("evaluate", report, "--data", store, "--protocol", "rie", "--no-flip")
    assert status == 2
    assert "is a report: --data, --protocol, --no-flip cannot be used with it" in err


def test_against_itself_and_against_another(run, store: Path, report: Path, tmp_path: Path) -> None:
    status, out, _ = run("evaluate", report, "--against", report)
    assert status == 0
    assert out.count("+0.00") == 4
    options = ("--protocol", "videopose3d", "--source", "cpn_ft_h36m_dbb", "--no-flip", "--json", tmp_path / "b.json")
    status, out, _ = run("evaluate", MODEL, "--data", store, *options, "--against", report)
    assert status == 0
    assert "the 2D differs: 'cpn_ft_h36m_dbb' against 'gt'" in out
    assert "not averaged against averaged with the mirrored input" in out
    change = read_report(tmp_path / "b.json").headline - read_report(report).headline  # pyright: ignore
    assert f"{change:+.2f}" in out


def test_unlike_reports_are_not_compared(run, store: Path, report: Path) -> None:
    options = ("--protocol", "plain", "--actions", "Walking", "Photo")
    status, _, err = run("evaluate", MODEL, "--data", store, *options, "--against", report)
    assert status == 2
    for part in (
        "protocol: 'plain' and 'videopose3d'",
        "frames of S11 Directions: none and 90",
        "average: 300 and 390",
    ):
        assert part in err
    status, _, err = run("evaluate", MODEL, "--data", store, "--joints", 14, "--against", report)
    assert "protocol's joints" in err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("--protocol", "p1"), "no protocol 'p1'; there are: martinez, martinez-procrustes"),
        (("--subjects", "S9", "S10"), "no subject S10; there are: S9, S11"),
        (("--actions", "Walk", "Swim"), "no action begins with Swim; there are: Walking, Photo, Directions"),
        (("--source", "sh"), "no 2D source 'sh'; there are: gt, cpn_ft_h36m_dbb"),
        (("--flip", "--no-flip"), "exclude each other"),
        (("--joints", "16"), "compares 17 or 14 joints, not 16"),
        (("--protocol", "humaneva"), "about joints of humaneva-15 or humaneva-20, "),
        (("--against", "nothing.json"), "nothing.json: cannot be read"),
        (("--threads", "-1"), "--threads -1: expected 0"),
        (("--figure", "f.xyz"), "--figure f.xyz: expected a name that ends in .png or .pdf or .svg"),
        (("--json", "."), ".: is a folder, expected the name of a file"),
        (("--json", "a.txt", "--csv", "./a.txt"), "have the same name"),
    ],
)
def test_wrong_use_is_said(run, store: Path, line: tuple[str, ...], message: str) -> None:
    status, _, err = run("evaluate", MODEL, "--data", store, *line)
    assert status == 2
    assert message in err
    assert "Traceback" not in err


def test_missing_data_model_and_store(run, tmp_path: Path, store: Path) -> None:
    assert "give a store with --data" in run("evaluate", MODEL)[2]
    assert "no store.json" in run("evaluate", MODEL, "--data", tmp_path)[2]
    assert "no model 'nobody'" in run("evaluate", "nobody", "--data", store)[2]
    assert "cannot be read" in run("evaluate", tmp_path / "none.json")[2]


def test_a_damaged_report_is_an_input_error(report: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    text = report.read_bytes()
    for damaged, message in (
        (text[: len(text) // 2], "is no report"),
        (b"[]", "is no report"),
        (b"\xff\xfe", "is no report"),
        (text.replace(b"maquette evaluation 1", b"maquette evaluation 9"), "this version reads"),
        (text.replace(b'"group": "average"', b'"group": "mean"'), "has no line 'average'"),
        (text.replace(b'"pck150"', b'"pck151"'), "metrics pck151; known are mpjpe"),
        (text.replace(b'"headline": "mpjpe"', b'"headline": "mpjp"'), "'mpjp' is none of its metrics"),
        (text.replace(b'"n_mpjpe"', b'"pcp2"', 1), "line 'Directions' has other metrics|line 'Walking' has other"),
        (text.replace(b'"name": "l_wrist"', b'"name": "wrist"'), "not those of its protocol"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=message):
            read_report(path)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.none() | st.integers(0, 10_000))
def test_any_damage_is_an_input_error_or_harmless(report: Path, place: int, byte: int, cut: int | None) -> None:
    text = bytearray(report.read_bytes()[:cut])
    if text:
        text[place % len(text)] = byte
    damaged = report.with_name("damaged.json")
    damaged.write_bytes(text)
    try:
        found = read_report(damaged)
    except InputError:
        return
    table(found, by_subject=True)
    as_csv(found)
    as_latex(found)


def test_joints_that_do_not_fit_are_listed(run, store: Path, tmp_path: Path) -> None:
    model = zeros_model(tmp_path / "m.onnx", input_skeleton=COCO_17.name)
    status, _, err = run("evaluate", model, "--data", store, "--source", "gt")
    assert status == 2
    assert "the model takes 17 joints of coco-17 (nose, l_eye" in err
    assert "'gt' has h36m-32 (32 joints) (hip, r_hip" in err
    model = zeros_model(tmp_path / "n.onnx", output_skeleton=COCO_17.name)
    assert "nothing to compare" in run("evaluate", model, "--data", store)[2]


def test_defaults_come_from_the_model_and_the_store(run, store: Path, tmp_path: Path) -> None:
    model = zeros_model(tmp_path / "m.onnx", training_data="S1; 2D source cpn_ft_h36m_dbb", kind="relative", window=9)
    status, out, err = run("evaluate", model, "--data", store)
    assert status == 0, err
    assert "2D from 'cpn_ft_h36m_dbb'" in out
    assert "protocol rie" in out
    assert "places, averaged with the mirrored input" in out


def hourglass_store(path: Path, **frames: int) -> Path:
    """Four frames of 3D, and as many of Stacked Hourglass' points as said for each camera."""
    rng = np.random.default_rng(0)
    cameras = {name: Camera((1000.0, 1000.0), (500.0, 500.0), (1000, 1000)) for name in frames}
    with StoreWriter(path, name="hourglass", skeleton=H36M_17, sources=[Source("sh", MPII_16)]) as writer:
        number = writer.add_recording("A", "Walk", rng.normal(size=(4, 17, 3)), fps=50, cameras=cameras)
        for name, n in frames.items():
            writer.add_keypoints(number, name, "sh", rng.uniform(0, 999, (n, 16, 2)).astype(np.float32))
    return path


@pytest.mark.parametrize("source", ["sh", "sh_ft"])
def test_the_points_that_a_network_of_the_residual_baseline_was_trained_on(
    run, goldens_dir: Path, tmp_path: Path, source: str
) -> None:
    points = {"gt": H36M_17, "sh": MPII_16, "sh_ft": MPII_16}
    camera = Camera((1000.0, 1000.0), (500.0, 500.0), (1000, 1000))
    rng = np.random.default_rng(0)
    with StoreWriter(
        tmp_path / "s", name="three", skeleton=H36M_17, sources=[Source(n, s) for n, s in points.items()]
    ) as w:
        number = w.add_recording("A", "Walk", rng.normal(size=(4, 17, 3)), fps=50, cameras={"0": camera})
        for name, skeleton in points.items():
            w.add_keypoints(number, "0", name, rng.uniform(0, 999, (4, len(skeleton), 2)).astype(np.float32))
    (tmp_path / "s.json").write_bytes(published_statistics("sh").to_json())
    flags = ("--max-norm", "yes", "--residual", "yes", "--source", source, "--statistics", tmp_path / "s.json")
    checkpoint = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    status, _, err = run("import-weights", "martinez-tf", checkpoint, "-o", tmp_path / "m.onnx", *flags)
    assert status == 0, err
    status, out, err = run("evaluate", tmp_path / "m.onnx", "--data", tmp_path / "s")
    assert status == 0, err
    assert f"2D from '{source}'" in out


@pytest.mark.parametrize("trained_on", ["gt", "sh"])
def test_pictures_show_what_is_evaluated(run, goldens_dir: Path, tmp_path: Path, trained_on: str) -> None:
    from maquette.cli.evaluated_store import fit_model, predictions
    from maquette.datasets.lifted_views import lift_view

    checkpoint = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    flags = ("--max-norm", "yes", "--residual", "yes", "--source", trained_on)
    status, _, err = run("import-weights", "martinez-tf", checkpoint, "-o", tmp_path / "m.onnx", *flags)
    assert status == 0, err
    store, lifter = open_store(hourglass_store(tmp_path / "s", a=4)), Lifter(tmp_path / "m.onnx", flip=False)
    pair = (store.recordings[0], store.recordings[0].views[0])
    (evaluated,) = predictions(lifter, store, "sh", fit_model(lifter, store, "sh"), [pair])
    drawn = lift_view(lifter, store, *pair, "sh").positions_m
    compared = drawn[:, list(fit_model(lifter, store, "sh").outputs)]
    np.testing.assert_allclose(compared, evaluated.predicted_m - evaluated.predicted_m[:, :1], atol=1e-9)


def test_points_of_stacked_hourglass_and_too_few_of_them(run, tmp_path: Path) -> None:
    store = hourglass_store(tmp_path / "store", a=4, b=2)
    joints = [name for name in H36M_17.joints if name != "nose"]
    options = {"joints": 16, "input_joints": joints, "output_joints": joints}
    model = zeros_model(tmp_path / "m.onnx", mapping="h36m-17/stacked-hourglass", **options)
    status, _, err = run("evaluate", model, "--data", store)
    assert status == 2
    assert "A Walk, camera b: 2 frames of 'sh' for 4 of motion capture" in err
    assert "the model was not trained on Stacked Hourglass" not in err
    model = zeros_model(tmp_path / "n.onnx", **options)
    status, out, err = run("evaluate", model, "--data", hourglass_store(tmp_path / "a", a=4))
    assert status == 0, err
    assert "note: the model was not trained on Stacked Hourglass" in out
    assert "protocol plain (16 joints, 4 frames)" in out


@pytest.mark.parametrize("model", [MODEL, "maquette-tcn27"])
def test_mpi_inf_3dhp(run, tmp_path: Path, model: str) -> None:
    rng = np.random.default_rng(0)
    camera = Camera((1500.0, 1500.0), (1024.0, 1024.0), (2048, 2048))
    base = rng.normal(scale=0.4, size=(17, 3)) + [0, 0, 4]
    body = base + np.cumsum(rng.normal(scale=0.01, size=(30, 17, 3)), axis=0)
    source = Source("gt", MPI_INF_3DHP_17)
    with StoreWriter(tmp_path / "s", name="MPI-INF-3DHP", skeleton=MPI_INF_3DHP_17, sources=[source]) as writer:
        for subject in (f"TS{n}" for n in range(1, 7)):
            number = writer.add_recording(subject, "Sports 1", body, fps=Fraction(25), cameras={"0": camera})
            writer.add_keypoints(number, "0", "gt", camera.project(body).astype(np.float32))
    status, out, err = run("evaluate", model, "--data", tmp_path / "s", "--json", tmp_path / "r.json")
    assert status == 0, err
    assert "protocol mpi-inf-3dhp (14 joints, 180 frames)" in out
    report = read_report(tmp_path / "r.json")
    assert [row.action for row in report.of("action")] == ["Sports"]
    assert "neck" in report.protocol.joints
    status, out, err = run("evaluate", model, "--data", tmp_path / "s", "--joints", 17)
    assert "(17 joints, 180 frames)" in out, err


def test_humaneva(run, tmp_path: Path) -> None:
    camera = Camera((800.0, 800.0), (320.0, 240.0), (640, 480))
    source = Source("detectron_pt_coco", HUMANEVA_15)
    rng = np.random.default_rng(0)
    frames = {
        "Walking 1 chunk0": 9,
        "Walking 1 chunk2": 30,
        "Box 1 chunk1": 20,
        "Jog 1 chunk0": 5,
        "Gestures 1 chunk0": 4,
    }
    with StoreWriter(tmp_path / "s", name="HumanEva-I", skeleton=HUMANEVA_15, sources=[source]) as writer:
        for subject in ("Train/S1", "Validate/S1", "Validate/S2", "Validate/S3"):
            for action, n in frames.items():
                body = rng.normal(scale=0.4, size=(n, 15, 3)) + [0, 0, 4]
                number = writer.add_recording(subject, action, body, fps=60, cameras={"C1": camera, "C2": camera})
                writer.add_keypoints(number, "C1", source.name, camera.project(body).astype(np.float32))
    skeletons = {"input_skeleton": HUMANEVA_15.name, "output_skeleton": HUMANEVA_15.name}
    model = zeros_model(tmp_path / "m.onnx", joints=15, window=27, window_step_s=1 / 60, **skeletons)
    status, out, err = run("evaluate", model, "--data", tmp_path / "s", "--json", tmp_path / "r.json")
    assert status == 0, err
    assert "protocol humaneva (15 joints, 192 frames)" in out
    assert "no points of 'detectron_pt_coco', left out: Validate/S1 Walking 1 chunk0, camera C2" in out
    assert "9 more" in out
    report = read_report(tmp_path / "r.json")
    cells = report.of("subject and action")
    assert {(row.subject, row.action): row.frames for row in cells} == {
        (f"Validate/S{n}", action): count
        for n in (1, 2, 3)
        for action, count in (("Walking", 39), ("Box", 20), ("Jog", 5))
    }
    assert report.headline == pytest.approx(np.mean([row.metrics["pa_mpjpe"] or 0 for row in cells]))


def test_a_gap_in_the_2d_says_where(run, tmp_path: Path) -> None:
    camera = Camera((1000.0, 1000.0), (500.0, 500.0), (1000, 1000))
    points = np.random.default_rng(0).uniform(0, 999, (5, 17, 2)).astype(np.float32)
    points[3, 4] = np.nan
    with StoreWriter(tmp_path / "s", name="gap", skeleton=H36M_17, sources=[Source("gt", H36M_17)]) as writer:
        number = writer.add_recording("A", "Walk", np.zeros((5, 17, 3)), fps=50, cameras={"0": camera})
        writer.add_keypoints(number, "0", "gt", points)
    status, _, err = run("evaluate", zeros_model(tmp_path / "m.onnx"), "--data", tmp_path / "s")
    assert status == 2
    assert "A Walk, camera 0, 'gt': the model 'places' takes" in err
    assert "every joint present" in err
    # Ours take partial bodies.
    assert run("evaluate", MODEL, "--data", tmp_path / "s")[0] == 0


def test_another_frame_rate_is_interpolated_and_said(run, tmp_path: Path) -> None:
    camera = Camera((1000.0, 1000.0), (500.0, 500.0), (1000, 1000))
    body = np.random.default_rng(0).normal(scale=0.3, size=(12, 17, 3)) + [0, 0, 4]
    with StoreWriter(tmp_path / "s", name="slow", skeleton=H36M_17, sources=[Source("gt", H36M_17)]) as writer:
        number = writer.add_recording("A", "Walk", body, fps=30, cameras={"0": camera})
        writer.add_keypoints(number, "0", "gt", camera.project(body).astype(np.float32))
    model = zeros_model(tmp_path / "m.onnx", window=5)
    status, out, err = run("evaluate", model, "--data", tmp_path / "s")
    assert status == 0, err
    assert "2D of 30 frames a second, of which the model wants 50: interpolated linearly" in out
    assert "12 frames" in out


def test_rates_are_those_of_what_is_evaluated(run, tmp_path: Path) -> None:
    camera = Camera((1000.0, 1000.0), (500.0, 500.0), (1000, 1000))
    body = np.random.default_rng(0).normal(scale=0.3, size=(12, 17, 3)) + [0, 0, 4]
    with StoreWriter(tmp_path / "s", name="mixed", skeleton=H36M_17, sources=[Source("gt", H36M_17)]) as writer:
        for subject, fps in (("A", 50), ("B", 120)):
            number = writer.add_recording(subject, "Walk", body, fps=fps, cameras={"0": camera})
            writer.add_keypoints(number, "0", "gt", camera.project(body).astype(np.float32))
    model = zeros_model(tmp_path / "m.onnx", window=5)
    _, both, _ = run("evaluate", model, "--data", tmp_path / "s")
    assert "2D of 120 frames a second" in both
    assert "recordings of 50, 120 frames a second: MPJVE and acceleration are per frame of each" in both
    _, one, _ = run("evaluate", model, "--data", tmp_path / "s", "--subjects", "A")
    assert "frames a second" not in one


def test_needs_no_torch(store: Path) -> None:
    code = (
        "import sys\n"
        "from maquette.cli import main\n"
        f"assert main(['evaluate', '{MODEL}', '--data', r'{store}', '--actions', 'Photo']) == 0\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
