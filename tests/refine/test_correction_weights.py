"""The file of correction weights: what goes in comes out, and anything else is refused in words."""

import io
from pathlib import Path

import numpy as np
import pytest
from correction_recipes import BODY_SPEC, recipe_weights
from hypothesis import given
from hypothesis import strategies as st

from maquette.errors import MaquetteError, ModelError
from maquette.lifting.min_max import PUBLISHED_16
from maquette.refine.correction_weights import (
    LAYERS,
    CorrectionSpec,
    CorrectionWeights,
    decode_correction,
    load_correction,
    save_correction,
)


@pytest.fixture(scope="module")
def weights(goldens_dir: Path) -> CorrectionWeights:
    return recipe_weights(goldens_dir, 64, BODY_SPEC)


def _archive(weights: CorrectionWeights, **changes: np.ndarray | None) -> bytes:
    stream = io.BytesIO()
    save_to = {
        f"{layer}.{part}": getattr(getattr(weights, layer), part) for layer in LAYERS for part in ("weight", "bias")
    }
    arrays = {**save_to, "spec": np.array('{"name": "x", "view": "body-rays/v1", "licence": "", "training_data": ""}')}
    arrays |= {name.replace("__", "."): array for name, array in changes.items() if array is not None}
    for name, array in changes.items():
        if array is None:
            del arrays[name.replace("__", ".")]
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_round_trip(weights: CorrectionWeights, tmp_path: Path) -> None:
    save_correction(weights, tmp_path / "w.npz")
    loaded = load_correction(tmp_path / "w.npz")
    assert loaded.spec == weights.spec
    assert loaded.sha256 is not None
    assert len(loaded.sha256) == 64
    assert loaded.parameters == sum(array.size for array in weights.arrays)
    for one, other in zip(loaded.arrays, weights.arrays, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.float32
        assert not one.flags.writeable
    np.testing.assert_array_equal(loaded.spec.limits.max_mm, PUBLISHED_16.max_mm)


def test_half_precision(weights: CorrectionWeights, tmp_path: Path) -> None:
    save_correction(weights, tmp_path / "whole.npz")
    save_correction(weights, tmp_path / "half.npz", half=True)
    sizes = [(tmp_path / name).stat().st_size for name in ("whole.npz", "half.npz")]
    assert sizes[1] < 0.6 * sizes[0]
    loaded = load_correction(tmp_path / "half.npz")
    for one, other in zip(loaded.arrays, weights.arrays, strict=True):
        np.testing.assert_allclose(one, other, rtol=2**-11, atol=2**-24)
    arrays = [array.copy() for array in weights.arrays]
    arrays[3][0] = 1e6
    with pytest.raises(ModelError, match="beyond 65504"):
        save_correction(CorrectionWeights.from_arrays(arrays, BODY_SPEC), tmp_path / "w.npz", half=True)


def test_weights_that_do_not_fit_are_named_at_once(weights: CorrectionWeights) -> None:
    arrays = [array.copy() for array in weights.arrays]
    arrays[0], arrays[11] = arrays[0].T, arrays[11][:5]
    arrays[4][0, 0] = np.nan
    with pytest.raises(ModelError) as caught:
        CorrectionWeights.from_arrays(arrays, BODY_SPEC)
    for text in ("3 problems", "change_tmp.weight has shape (64, 48)", "project_2d.bias", "project_1.weight holds"):
        assert text in str(caught.value)
    with pytest.raises(ModelError, match="11 arrays, expected 12"):
        CorrectionWeights.from_arrays(arrays[:11], BODY_SPEC)
    narrow = CorrectionSpec(
        name="x", view="body-rays/v1", licence="", training_data="", max_mm=[[1.0] * 3] * 17, min_mm=[[0.0] * 3] * 17
    )
    with pytest.raises(ModelError, match="17 joints, expected 16"):
        CorrectionWeights.from_arrays(weights.arrays, narrow)


def test_files_that_are_something_else(weights: CorrectionWeights, tmp_path: Path) -> None:
    def refused(text: str, **changes: np.ndarray | None) -> None:
        with pytest.raises(ModelError, match=text):
            decode_correction(_archive(weights, **changes), "some.npz")

    decode_correction(_archive(weights), "some.npz")
    refused("lacks project_3.bias, spec", spec=None, project_3__bias=None)
    refused("spec is not of the type", spec=np.array(3))
    refused("change.bias is not of the type", change__bias=np.zeros(48))
    refused("cannot be read", spec=np.array('{"name": 3}'))
    newer = '{"schema": 9, "name": "x", "view": "body-rays/v1", "licence": "", "training_data": ""}'
    refused("schema 9", spec=np.array(newer))
    refused("pickled", spec=np.array({"a": 1}, dtype=object))
    with pytest.raises(ModelError, match=r"no correction weights 'nowhere'.*maquette-correction"):
        load_correction("nowhere")
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(ModelError, match="damaged"):
        load_correction(tmp_path / "a.npz")


@given(st.data())
def test_any_damage_is_refused_or_read(goldens_dir: Path, data: st.DataObject) -> None:
    content = bytearray(_archive(recipe_weights(goldens_dir, 64, BODY_SPEC)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_correction(bytes(content[: data.draw(st.integers(0, len(content)))]), "some.npz")
    except MaquetteError:
        pass
