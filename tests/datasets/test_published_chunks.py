"""Windows in their published order, against batches of the original generators, bit for bit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from published_sequences import published_sequences

from maquette.datasets.chunks import ChunkFeed, chunk_table
from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.sequences import Sequences, sequences_from_store
from maquette.datasets.whole_sequences import whole_sequences
from maquette.errors import InputError
from maquette.skeletons import COCO_17, HUMANEVA_15

TAGS = {
    "aug": {},
    "noaug": {"mirror": False},
    "noshuffle_aug": {"shuffle": False},
    "chunk5_aug": {"stride": 5},
    "causal_noaug": {"mirror": False, "causal": True},
}


@pytest.fixture(scope="module")
def train(goldens_dir: Path) -> Sequences:
    return published_sequences(goldens_dir, "S1")


@pytest.fixture(scope="module")
def golden(goldens_dir: Path) -> dict[str, np.ndarray]:
    return dict(np.load(goldens_dir / "generators" / "batches_videopose3d.npz"))


def feed_of(sequences: Sequences, **options) -> ChunkFeed:
    return ChunkFeed(sequences, receptive_field=27, batch_size=16, **options)


@pytest.mark.parametrize("tag", TAGS)
def test_published_batches(train, golden, goldens_dir, tag):
    feed = feed_of(train, **TAGS[tag])
    info = json.loads((goldens_dir / "generators" / "info_videopose3d.json").read_text())[tag]
    assert len(feed) == info["samples_in_epoch"]
    # The published count of the frames of an epoch is that of whole batches.
    assert feed.batches_per_epoch == info["num_batches"]
    for name, index in (("b0", 0), ("b1", 1), ("blast", feed.batches_per_epoch - 1)):
        if f"{tag}_{name}_2d" not in golden:
            continue
        batch = feed.batch(0, index)
        np.testing.assert_array_equal(batch.inputs, golden[f"{tag}_{name}_2d"])
        np.testing.assert_array_equal(batch.targets, golden[f"{tag}_{name}_3d"])
        np.testing.assert_allclose(batch.intrinsics, golden[f"{tag}_{name}_cam"], rtol=2e-7)


@pytest.mark.parametrize(("epoch", "name"), [(0, "first"), (1, "second")])
def test_published_order_of_two_epochs(train, golden, epoch, name):
    feed = feed_of(train)
    chosen = np.concatenate([feed.chunks_of(epoch, 0), feed.chunks_of(epoch, 1)])
    first = feed.chunks.first_frame[chosen]
    pairs = np.stack([feed.chunks.sequence[chosen], first, first + 1, feed.chunks.mirrored[chosen]], axis=1)
    np.testing.assert_array_equal(pairs, golden[f"aug_{name}_epoch_first32_pairs"])


def test_any_epoch_in_any_order(train):
    forwards, backwards = feed_of(train), feed_of(train)
    wanted = [(0, 3), (2, 0), (5, 58)]
    there = {at: forwards.batch(*at).inputs.copy() for at in wanted}
    for at in reversed(wanted):
        np.testing.assert_array_equal(backwards.batch(*at).inputs, there[at])


def test_evaluation_batches_of_the_relative_encoding(goldens_dir):
    golden = dict(np.load(goldens_dir / "generators" / "evaluate_rie.npz"))
    test = published_sequences(goldens_dir, "S9")
    plain = feed_of(test, mirror=False, shuffle=False)
    for index in (0, 3):
        batch = plain.batch(0, index)
        for tag in ("aug", "noaug"):
            np.testing.assert_array_equal(batch.inputs, golden[f"evaluate_{tag}_b{index}_2d"])
            np.testing.assert_array_equal(batch.targets, golden[f"evaluate_{tag}_b{index}_3d"])
        mirrored = batch.inputs[:, :, test.input_skeleton.mirror_permutation] * np.array([-1, 1], np.float32)
        np.testing.assert_array_equal(mirrored, golden[f"evaluate_aug_b{index}_2d_flip"])


@pytest.mark.parametrize("mirror", [True, False])
def test_whole_sequences(goldens_dir, golden, mirror):
    test = published_sequences(goldens_dir, "S9")
    found = list(whole_sequences(test, receptive_field=27, mirror=mirror))
    assert len(found) == len(test) == 8
    for index in (0, 5):
        key = f"unchunked_{'aug' if mirror else 'noaug'}_seq{index}"
        np.testing.assert_array_equal(found[index].inputs, golden[f"{key}_2d"])
        np.testing.assert_array_equal(found[index].targets, golden[f"{key}_3d"])
        np.testing.assert_allclose(found[index].intrinsics, golden[f"{key}_cam"], rtol=2e-7)
    causal = next(whole_sequences(test, receptive_field=27, causal=True))
    np.testing.assert_array_equal(causal.inputs, golden["unchunked_causal_2d"])


def plain_windows(sequences: Sequences, feed: ChunkFeed, before: int) -> tuple[np.ndarray, np.ndarray]:
    """The first batch by definition: frame by frame, the nearest one where the sequence has ended."""
    inputs, targets = [], []
    for chunk in feed.chunks_of(0, 0):
        rows = sequences.rows(int(feed.chunks.sequence[chunk]))
        first = int(feed.chunks.first_frame[chunk])
        for of, values, start, count in (
            (inputs, sequences.inputs, first - before, feed.receptive_field + feed.stride - 1),
            (targets, sequences.targets, first, feed.stride),
        ):
            frames = [min(max(rows.start + frame, rows.start), rows.stop - 1) for frame in range(start, start + count)]
            window = values[frames]
            if feed.chunks.mirrored[chunk]:
                skeleton = sequences.input_skeleton if of is inputs else sequences.target_skeleton
                window = window[:, skeleton.mirror_permutation].copy()
                window[..., 0] *= -1
            of.append(window)
    return np.stack(inputs), np.stack(targets)


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    stride=st.integers(1, 7),
    field=st.sampled_from([1, 3, 9]),
    causal=st.booleans(),
    mirror=st.booleans(),
)
def test_windows_by_definition(train, lengths, stride, field, causal, mirror):
    starts, rng = np.cumsum([0, *lengths]), np.random.default_rng(0)
    few = Sequences(
        inputs=rng.random((starts[-1], 17, 3), dtype=np.float32),
        targets=rng.random((starts[-1], 15, 3), dtype=np.float32),
        starts=starts,
        labels=train.labels[: len(lengths)],
        intrinsics=train.intrinsics[: len(lengths)].copy(),
        input_skeleton=COCO_17,
        target_skeleton=HUMANEVA_15,
        image_sizes=train.image_sizes[: len(lengths)].copy(),
    )
    feed = ChunkFeed(few, receptive_field=field, stride=stride, causal=causal, batch_size=200, mirror=mirror)
    inputs, targets = plain_windows(few, feed, field - 1 if causal else field // 2)
    batch = feed.batch(0, 0)
    np.testing.assert_array_equal(batch.inputs, inputs)
    np.testing.assert_array_equal(batch.targets, targets)
    table = chunk_table(starts, stride, mirror=mirror)
    covered = np.zeros((len(lengths), max(lengths)), dtype=int)
    for sequence, first in zip(table.sequence, table.first_frame, strict=True):
        for frame in range(max(first, 0), min(first + stride, lengths[sequence])):
            covered[sequence, frame] += 1
    for sequence, length in enumerate(lengths):
        assert (covered[sequence, :length] == (2 if mirror else 1)).all()


def test_endless_feeding_goes_through_one_epoch_after_the_other(train, golden):
    feed = ChunkFeed(train, receptive_field=1, batch_size=64, mirror=False)
    wanted = golden["endless_first_sample_of_each_batch"]
    assert feed.batches_per_epoch == 8
    for step in range(len(wanted)):
        np.testing.assert_array_equal(feed.endless_batch(step).inputs[0], wanted[step])


def test_memory_of_a_batch_is_used_again_only_when_nobody_holds_it(train):
    feed = feed_of(train)
    held = [feed.batch(0, i) for i in range(12)]
    tensors = [torch.from_numpy(feed.batch(1, i).inputs) for i in range(12)]
    views = [feed.batch(2, i).inputs[3:, ::2] for i in range(12)]
    for i in range(12):
        np.testing.assert_array_equal(held[i].inputs, feed.batch(0, i).inputs)
        np.testing.assert_array_equal(tensors[i].numpy(), feed.batch(1, i).inputs)
        np.testing.assert_array_equal(views[i], feed.batch(2, i).inputs[3:, ::2])
    del held, tensors, views
    places = {feed.batch(0, i).inputs.ctypes.data for i in range(20)}
    assert len(places) <= 8


def test_what_cannot_be_fed_is_said(train):
    with pytest.raises(InputError, match=r"3 problems(.|\n)*stride 0(.|\n)*batch size 0(.|\n)*26 frames"):
        ChunkFeed(train, receptive_field=26, stride=0, batch_size=0)
    with pytest.raises(InputError, match="batch 59 of epoch 0, but an epoch has 59 batches"):
        feed_of(train).batch(0, 59)


def test_from_the_published_files_through_a_store(goldens_dir, golden, tmp_path):
    for name in ("data_3d_h36m.npz", "data_2d_h36m_cpn_ft_h36m_dbb.npz"):
        shutil.copy(goldens_dir / "rie_data" / name, tmp_path)
    store = prepare_h36m(tmp_path, tmp_path / "store", subjects=["S1", "S9"])
    feed = feed_of(sequences_from_store(store, source="cpn_ft_h36m_dbb", subjects=["S1"]))
    for name, index in (("b0", 0), ("b1", 1), ("blast", 58)):
        batch = feed.batch(0, index)
        np.testing.assert_array_equal(batch.inputs, golden[f"aug_{name}_2d"])
        # The original goes to the camera's frame, and normalises the camera, in single precision.
        np.testing.assert_allclose(batch.targets, golden[f"aug_{name}_3d"], atol=2e-6)
        np.testing.assert_allclose(batch.intrinsics, golden[f"aug_{name}_cam"], atol=1e-7)
