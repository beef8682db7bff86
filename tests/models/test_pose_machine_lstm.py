"""The LSTM stack of the 3D pose machine against Caffe's equations, written down frame by frame in NumPy."""

import copy

import numpy as np
import pytest
import torch

from maquette.models.pose_machine_lstm import LstmStack, ResettableLstm, reversed_clip, swap_gates

WIDTH, INPUTS = 5, 3
MIXED = [0, 1, 1, 1, 1, 0, 0, 0]
"""Five frames of Human3.6M and three pictures of MPII, as in the published batches of the later steps."""


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def caffe_lstm(x, flags, blobs, h, c):
    """Outputs of all frames; blocks of rows are input, forget, output, candidate; a flag multiplies what is carried."""
    w_x, b, w_h = blobs
    outputs = []
    for row, flag in zip(x, flags, strict=True):
        i, f, o, g = np.split(w_x @ row + b + w_h @ (flag * h), 4)
        c = flag * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs), h, c


def caffe_blobs(seed, inputs):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in ((4 * WIDTH, inputs), (4 * WIDTH,), (4 * WIDTH, WIDTH))]


def filled(lstm: ResettableLstm, blobs) -> None:
    names = ("weight_ih_l0", "bias_ih_l0", "weight_hh_l0")
    with torch.no_grad():
        for name, blob in zip(names, blobs, strict=True):
            lstm.get_parameter(name).copy_(torch.from_numpy(swap_gates(blob)))


def made_stack(published_flags):
    stack = LstmStack(INPUTS, WIDTH, published_flags=published_flags).double()
    blobs = caffe_blobs(1, INPUTS), caffe_blobs(2, WIDTH)
    filled(stack.lstm1, blobs[0])
    filled(stack.lstm2, blobs[1])
    return stack, blobs


def run(stack, x, flags, state=None):
    with torch.no_grad():
        y, after = stack(torch.from_numpy(x), torch.tensor(flags), state)
    return y.numpy(), after


def rows(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, INPUTS))


def test_the_published_stack_is_caffes_with_flags_that_are_not_reversed():
    stack, (first, second) = made_stack(published_flags=True)
    x, zero = rows(8), np.zeros(WIDTH)
    forward, *_ = caffe_lstm(x, MIXED, first, zero, zero)
    backward, *_ = caffe_lstm(forward[::-1], MIXED, second, zero, zero)
    np.testing.assert_allclose(run(stack, x, MIXED)[0], backward[::-1], atol=1e-12)


@pytest.mark.parametrize("flags", [MIXED, [0, 1, 1, 0, 1], [0, 0, 0], [0], [1, 1, 0, 1], [0, 1, 1, 1, 1, 1, 1]])
def test_by_default_each_sequence_is_on_its_own(flags):
    stack, (first, second) = made_stack(published_flags=False)
    x, zero = rows(len(flags)), np.zeros(WIDTH)
    starts = [0] + [i for i, flag in enumerate(flags) if flag == 0 and i > 0]
    expected = []
    for start, stop in zip(starts, starts[1:] + [len(flags)], strict=True):
        ones = np.ones(stop - start)
        forward, *_ = caffe_lstm(x[start:stop], ones, first, zero, zero)
        backward, *_ = caffe_lstm(forward[::-1], ones, second, zero, zero)
        expected.append(backward[::-1])
    np.testing.assert_allclose(run(stack, x, flags)[0], np.concatenate(expected), atol=1e-12)


def test_one_sequence_is_the_same_with_either_flags():
    x, flags = rows(5), [0, 1, 1, 1, 1]
    (right, _), (published, _) = (run(made_stack(choice)[0], x, flags) for choice in (False, True))
    np.testing.assert_allclose(right, published, atol=1e-12)


def influences(stack):
    """Which row of the output (first axis) hears of which row of the input."""
    x = torch.from_numpy(rows(8)).requires_grad_()
    y, _ = stack(x, torch.tensor(MIXED))
    heard = []
    for row in y:
        (gradient,) = torch.autograd.grad(row.sum(), x, retain_graph=True)
        heard.append((gradient != 0).any(dim=1).numpy())
    return np.array(heard).astype(int).tolist()


def test_what_leaks_and_what_is_lost_with_the_published_flags():
    assert influences(made_stack(published_flags=False)[0]) == [[1] * 5 + [0] * 3] * 5 + [
        [0, 0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 0, 1],
    ]
    assert influences(made_stack(published_flags=True)[0]) == [
        [1, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0, 0, 1, 1],
        [0, 0, 0, 0, 0, 0, 0, 1],
    ]


def test_a_sequence_in_chunks_goes_on_forward_in_time():
    stack, (first, second) = made_stack(published_flags=False)
    x, zero = rows(9), np.zeros(WIDTH)
    state, found, chunks = None, [], ((0, 4), (4, 5), (5, 9))
    for start, stop in chunks:
        y, state = run(stack, x[start:stop], [int(start > 0)] + [1] * (stop - start - 1), state)
        found.append(y)
    forward, *_ = caffe_lstm(x, [0] + [1] * 8, first, zero, zero)
    # Backward, a chunk is all that there is.
    expected = [caffe_lstm(forward[a:b][::-1], np.ones(b - a), second, zero, zero)[0][::-1] for a, b in chunks]
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), atol=1e-12)


def test_published_chunks_carry_the_second_lstm_from_the_first_frame_of_the_chunk_before():
    stack, (first, second) = made_stack(published_flags=True)
    x, state, expected = rows(10), None, []
    carried = [np.zeros(WIDTH)] * 4
    for start in (0, 5):
        flags = [int(start > 0), 1, 1, 1, 1]
        forward, *carried[:2] = caffe_lstm(x[start : start + 5], flags, first, *carried[:2])
        backward, *carried[2:] = caffe_lstm(forward[::-1], flags, second, *carried[2:])
        expected.append(backward[::-1])
    found = []
    for start in (0, 5):
        y, state = run(stack, x[start : start + 5], [int(start > 0), 1, 1, 1, 1], state)
        found.append(y)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_state_is_forgotten_where_a_sequence_starts():
    stack, _ = made_stack(published_flags=False)
    _, state = run(stack, rows(4), [0, 1, 1, 1])
    fresh, _ = run(stack, rows(3, seed=1), [0, 1, 1])
    np.testing.assert_array_equal(run(stack, rows(3, seed=1), [0, 1, 1], state)[0], fresh)
    assert not np.allclose(run(stack, rows(3, seed=1), [1, 1, 1], state)[0], fresh)


def test_training_goes_on_with_the_state_of_the_chunk_before():
    stack, _ = made_stack(published_flags=False)
    x, state = torch.from_numpy(rows(6)), None
    for start in (0, 3):
        y, state = stack(x[start : start + 3], torch.tensor([int(start > 0), 1, 1]), state)
        # The graph of the chunk before is gone, as in Caffe.
        y.sum().backward()


def test_reversed_flags_are_those_of_the_reversed_sequences():
    assert reversed_clip(torch.tensor([0, 1, 1, 0, 1, 0])).tolist() == [0, 0, 1, 0, 1, 1]


def test_gates_swapped_twice_are_as_before():
    blob = np.arange(16.0).reshape(8, 2)
    np.testing.assert_array_equal(swap_gates(blob)[4:6], blob[6:8])
    np.testing.assert_array_equal(swap_gates(swap_gates(blob)), blob)


def test_a_copy_has_weights_of_its_own():
    stack, _ = made_stack(published_flags=False)
    x, flags = rows(4), [0, 1, 1, 1]
    before, _ = run(stack, x, flags)
    other = copy.deepcopy(stack)
    loaded = LstmStack(INPUTS, WIDTH).double()
    loaded.load_state_dict(stack.state_dict())
    for twin in (other, loaded):
        np.testing.assert_array_equal(run(twin, x, flags)[0], before)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.mul_(2)
        assert not np.allclose(run(twin, x, flags)[0], before)
    np.testing.assert_array_equal(run(stack, x, flags)[0], before)
    assert sum(p.numel() for p in stack.parameters()) == sum(t.numel() for t in stack.state_dict().values())


@pytest.mark.parametrize(("initialisation", "bound"), [("published", 0.01), ("scaled", 1 / 8)])
def test_starts_uniform(initialisation, bound):
    for name, parameter in LstmStack(64, 64, initialisation=initialisation).named_parameters():
        if ".bias" in name:
            assert not parameter.any()
        else:
            assert parameter.abs().max() <= bound
            # The standard deviation of a uniform distribution is its width by the root of 12.
            assert parameter.std().item() == pytest.approx(2 * bound / 12**0.5, rel=0.03)
