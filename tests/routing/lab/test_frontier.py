"""Laws of frontiers and measures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from routing.lab.frontier import Frontier, best_single, cost_at, hull, singles
from routing.lab.measures import apgr, auc, calls_for, ece, ranks, recovered

worth = st.floats(0.0, 1.0).map(lambda q: round(q, 9))
"""A slope between qualities that no score can tell apart may be infinite."""
point = st.tuples(st.floats(0.001, 10.0), worth)
points = st.lists(point, min_size=1, max_size=12)
share = arrays.arrays(np.float64, (40, 3), elements=st.floats(0.0, 1.0))


@given(points)
def test_nothing_lies_above_the_hull(found: list[tuple[float, float]]) -> None:
    line = hull(np.array(found))
    assert (np.diff(line[:, 0]) >= 0).all()
    assert (np.diff(line[:, 1]) >= 0).all()
    for cost, quality in found:
        assert cost_at(line, quality) <= cost + 1e-9
    assert np.isnan(cost_at(line, 1.1))


@given(points, points)
def test_more_points_never_cost_more(
    some: list[tuple[float, float]], more: list[tuple[float, float]]
) -> None:
    line, better = hull(np.array(some)), hull(np.array(some + more))
    for quality in line[:, 1]:
        assert cost_at(better, quality) <= cost_at(line, quality) + 1e-9


@settings(max_examples=10, deadline=None)
@given(share, share)
def test_who_knows_the_truth_is_not_beaten(
    quality: np.ndarray, cost: np.ndarray
) -> None:
    cost = cost + 0.01
    known = Frontier(quality, cost, quality, cost)
    mixed = hull(singles(quality, cost))
    best = best_single(quality, cost)
    price = cost[:, best].mean()
    for level in (0.9, 1.0):
        wanted = 1.0 - cost_at(mixed, level * quality[:, best].mean()) / price
        assert known.saved(level) >= wanted - 0.02


@settings(max_examples=10, deadline=None)
@given(share, share, st.integers(0, 10))
def test_the_same_seed_says_the_same(
    quality: np.ndarray, cost: np.ndarray, seed: int
) -> None:
    line = Frontier(quality, cost + 0.01, quality, cost + 0.01)
    assert line.nested(0.9, seed) == line.nested(0.9, seed)
    assert line.interval(0.9, seed) == line.interval(0.9, seed)


def test_a_saving_is_of_the_rows_it_was_not_chosen_on() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((600, 2)) < [0.6, 0.9]).astype(float)
    cost = np.tile([0.1, 1.0], (600, 1))
    blind = Frontier(rng.random(truth.shape), cost, truth, cost)
    known = Frontier(truth, cost, truth, cost)
    assert blind.nested(0.9).saved < 0.35 < known.nested(0.9).saved
    low, high = known.interval(0.9)
    assert low <= known.nested(0.9).saved <= high
    assert known.nested(0.9).quality > 0.87


@given(arrays.arrays(np.float64, 30, elements=st.floats(0.0, 1.0)))
def test_ranks_are_those_of_sorting(values: np.ndarray) -> None:
    found = ranks(values)
    assert found.sum() == pytest.approx(30 * 31 / 2)
    for i, j in zip(np.argsort(values)[:-1], np.argsort(values)[1:], strict=True):
        assert found[i] <= found[j]


def test_calibration_and_order_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    p = rng.random((4000, 1))
    y = (rng.random((4000, 1)) < p).astype(float)
    assert ece(p, y) < 0.03
    assert ece(p / 2, y) == pytest.approx(0.25, abs=0.03)
    assert auc(p / 2, y) == auc(p, y) > 0.8
    assert auc(-p, y) == pytest.approx(1 - auc(p, y))


def test_the_gap_recovered_is_half_by_chance_and_more_by_knowing() -> None:
    rng = np.random.default_rng(2)
    weak, strong = (rng.random((2, 4000)) < [[0.5], [0.8]]).astype(float)
    ends = weak.mean(), strong.mean()
    chance = recovered(rng.random(4000), weak, strong)
    knows = recovered(strong - weak + 1e-6 * rng.random(4000), weak, strong)
    assert apgr(chance, *ends) == pytest.approx(0.5, abs=0.03)
    assert apgr(knows, *ends) > 1.0
    assert calls_for(chance, *ends, 0.5) == pytest.approx(0.5, abs=0.06)
    assert calls_for(knows, *ends, 0.8) < 0.3
