"""Estimates of what was not done: laws on logs whose truth is known."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.lab.ope import Estimate, Log, Terms, effective, estimate, guessed


@st.composite
def worlds(draw: Any) -> tuple[Log, np.ndarray, float]:
    """A log in which everything happened exactly as often as its odds say, another
    strategy, and what that is really worth."""
    actions = draw(st.integers(2, 4))
    odds, done, reward, target, truth = [], [], [], [], Fraction(0)
    contexts = draw(st.integers(1, 4))
    for _ in range(contexts):
        often = draw(st.lists(st.integers(1, 4), min_size=actions, max_size=actions))
        brings = draw(st.lists(st.integers(0, 8), min_size=actions, max_size=actions))
        other = draw(st.lists(st.integers(0, 4), min_size=actions, max_size=actions))
        if not sum(other):
            other[0] = 1
        times = 24 // sum(often) + 1
        for action, count in enumerate(often):
            for _ in range(count * times):
                odds.append([n / sum(often) for n in often])
                target.append([n / sum(other) for n in other])
                done.append(action)
                reward.append(brings[action] / 8)
                truth += sum(
                    Fraction(n, sum(other)) * Fraction(b, 8)
                    for n, b in zip(other, brings, strict=True)
                )
    log = Log(np.array(odds), np.array(done), np.array(reward))
    return log, np.array(target), float(truth / len(done))


@given(worlds(), st.floats(0, 1))
def test_estimates_are_right_where_all_happened_as_often_as_it_should(
    world: tuple[Log, np.ndarray, float], guess: float
) -> None:
    log, target, truth = world
    found = estimate(log, target, np.full(target.shape, guess))
    assert found.ips.mean == pytest.approx(truth)
    assert found.snips.mean == pytest.approx(truth)
    # Whatever is guessed.
    assert found.robust.mean == pytest.approx(truth)
    assert found.gain.mean == pytest.approx(truth - log.reward.mean())
    for bound in (found.ips, found.snips, found.robust):
        assert bound.low <= bound.mean <= bound.high


@given(worlds(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(
    world: tuple[Log, np.ndarray, float], rng: Any
) -> None:
    log, target, _ = world
    rows = list(range(len(log.done)))
    names = list(range(target.shape[1]))
    rng.shuffle(rows)
    rng.shuffle(names)
    place = np.argsort(names)
    mixed = Log(log.odds[rows][:, names], place[log.done[rows]], log.reward[rows])
    assert _flat(estimate(mixed, target[rows][:, names])) == pytest.approx(
        _flat(estimate(log, target))
    )


def _flat(found: Estimate) -> list[float]:
    ranges = [*found.ips, *found.snips, *found.robust, *found.gain]
    return [found.rows, found.effective, found.unseen, *ranges]


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=50), st.floats(0.01, 9))
def test_the_effective_size_is_of_weights_not_of_their_scale(
    weights: list[float], scale: float
) -> None:
    size = effective(np.array(weights))
    assert 1.0 - 1e-9 <= size <= len(weights) + 1e-9
    assert effective(np.array(weights) * scale) == pytest.approx(size)
    assert effective(np.ones(len(weights))) == pytest.approx(len(weights))
    alone = np.zeros(len(weights) + 1)
    alone[0] = weights[0]
    assert effective(alone) == pytest.approx(1.0)
    assert effective(np.zeros(3)) == 0.0


@given(worlds())
def test_what_served_is_worth_what_was_recorded(
    world: tuple[Log, np.ndarray, float],
) -> None:
    log, _, _ = world
    found = estimate(log, log.odds)
    assert found.effective == pytest.approx(len(log.done))
    assert found.ips.mean == pytest.approx(log.reward.mean())
    assert found.unseen == 0.0


@given(worlds(), st.integers(0, 10**6), st.floats(0, 1))
def test_no_guess_looks_at_its_own_reward(
    world: tuple[Log, np.ndarray, float], which: int, other: float
) -> None:
    log, _, _ = world
    at = which % len(log.done)
    changed = log.reward.copy()
    changed[at] = other
    before = guessed(log)[at]
    after = guessed(log._replace(reward=changed))[at]
    assert after == pytest.approx(before)


def _drawn(rows: int, seed: int, floor: float) -> tuple[Log, float]:
    """A log of noisy rewards; the other strategy always does the second."""
    rng = np.random.default_rng(seed)
    odds = np.tile([1.0 - floor, floor], (rows, 1))
    done = (rng.random(rows) < floor).astype(np.int64)
    reward = (rng.random(rows) < np.where(done == 1, 0.8, 0.4)).astype(np.float64)
    return Log(odds, done, reward), 0.8


def test_intervals_hold_about_as_often_as_they_say() -> None:
    target = np.tile([0.0, 1.0], (400, 1))
    held = {"ips": 0, "snips": 0, "robust": 0}
    for seed in range(200):
        log, truth = _drawn(400, seed, 0.25)
        found = estimate(log, target)
        for name in held:
            bound = getattr(found, name)
            held[name] += bound.low <= truth <= bound.high
    assert all(180 <= times <= 199 for times in held.values()), held


def test_nothing_is_concluded_from_too_little() -> None:
    target = np.tile([0.0, 1.0], (400, 1))
    log, _ = _drawn(400, 1, 0.25)
    found = estimate(log, target)
    assert found.verdict == "too_few_rows" or found.effective >= 100
    few = estimate(log, target, terms=Terms(least=found.effective + 1))
    assert few.verdict == "too_few_rows"
    many = estimate(log, target, terms=Terms(least=found.effective - 1))
    assert many.verdict == "enough"
    never, _ = _drawn(400, 1, 0.001)
    assert estimate(never, target, terms=Terms(least=0)).verdict == "no_support"


def test_one_row_says_nothing() -> None:
    log = Log(np.array([[0.5, 0.5]]), np.array([0]), np.array([1.0]))
    found = estimate(log, np.array([[1.0, 0.0]]))
    assert found.verdict == "too_few_rows"
    assert found.robust.low == -np.inf
