"""The order of two sources: shares, coverage, and that a batch depends on its number alone."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette.datasets.hourglass_mix import FusionOrder, Pick
from maquette.errors import InputError


def epoch(order: FusionOrder, number: int = 0) -> list[Pick]:
    return [pick for step in range(order.batches) for pick in order.batch(number * order.batches + step)]


def seen(picks: list[Pick], with_depth: bool) -> Counter[int]:
    return Counter(pick.index for pick in picks if pick.with_depth == with_depth)


def test_independent_draws_have_their_share() -> None:
    """24,000 samples an epoch, each with 3D by a chance of a half, as published; and of 0.3."""
    for share in (0.5, 0.3):
        order = FusionOrder(30_000, 22_246, "independent", share=share, epoch_batches=4000)
        picks = epoch(order)
        assert len(picks) == 24_000
        assert np.mean([pick.with_depth for pick in picks]) == pytest.approx(share, abs=0.015)
        of_batches = [sum(pick.with_depth for pick in order.batch(step)) for step in range(order.batches)]
        assert np.var(of_batches) == pytest.approx(6 * share * (1 - share), rel=0.1)  # binomial
        # Each list is walked through: nobody twice before everybody once.
        assert max(seen(picks, True).values()) == 1
        assert max(seen(picks, False).values()) == 1


@pytest.mark.parametrize(("ratio", "of_3d"), [(0.0, 0), (1.0, 40), (2.0, 80), (5.0, 100)])
def test_joined_epochs_have_all_2d_and_some_3d(ratio: float, of_3d: int) -> None:
    order = FusionOrder(100, 40, "joined", ratio=ratio)
    first, second = epoch(order), epoch(order, 1)
    assert len(first) == 40 + of_3d
    assert order.batches == -(-(40 + of_3d) // 6)
    assert seen(first, False) == Counter(range(40))
    assert len(seen(first, True)) == of_3d == sum(seen(first, True).values())
    if 0 < of_3d < 100:
        assert seen(first, True) != seen(second, True)
        assert [pick.with_depth for pick in first] != [pick.with_depth for pick in second]


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 9))
def test_halves_are_halves_in_every_batch(n_with: int, n_without: int, batch_size: int) -> None:
    order = FusionOrder(n_with, n_without, "halves", batch_size)
    picks = epoch(order)
    of_batches = [sum(pick.with_depth for pick in order.batch(step)) for step in range(order.batches)]
    assert {abs(2 * n - batch_size) for n in of_batches} <= {batch_size % 2}
    assert abs(2 * sum(pick.with_depth for pick in picks) - len(picks)) <= 1
    larger = n_with >= n_without
    assert len(seen(picks, larger)) >= max(n_with, n_without) - 1
    for which in (True, False):
        counts = seen(picks, which)
        assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("law", ["independent", "joined", "halves"])
def test_a_batch_depends_on_its_number_alone(law: str) -> None:
    orders = [FusionOrder(20, 9, law, seed=seed) for seed in (1, 1, 2)]  # type: ignore[arg-type]
    forwards = [orders[0].batch(step) for step in range(12)]
    backwards = [orders[1].batch(step) for step in reversed(range(12))][::-1]
    assert forwards == backwards
    assert [orders[2].batch(step) for step in range(12)] != forwards


@pytest.mark.parametrize("law", ["independent", "joined", "halves"])
def test_nobody_has_the_same_turn_twice(law: str) -> None:
    """So chance does something new to a picture each time that it comes."""
    order = FusionOrder(20, 3, law, epoch_batches=15)  # type: ignore[arg-type]
    picks = [pick for number in range(4) for pick in epoch(order, number)]
    assert len(set(picks)) == len(picks)


def test_one_source_alone() -> None:
    for law in ("independent", "joined", "halves"):
        assert not any(pick.with_depth for pick in epoch(FusionOrder(0, 10, law)))
        assert all(pick.with_depth for pick in epoch(FusionOrder(10, 0, law)))


@pytest.mark.parametrize(
    ("sizes", "wrong"),
    [((0, 0), {}), ((5, 5), {"batch_size": 0}), ((5, 5), {"share": 1.5}), ((5, 5), {"ratio": -1.0}), ((-1, 5), {})],
)
def test_what_is_no_order(sizes: tuple[int, int], wrong: dict) -> None:
    with pytest.raises(InputError, match="order of pictures"):
        FusionOrder(*sizes, **wrong)
