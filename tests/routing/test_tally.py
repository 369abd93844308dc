"""Sums that fade and add up: laws first."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.strategies.tally import DAY_S, Notes, Tally

names = st.sampled_from("abcde")
amounts = st.tuples(st.integers(0, 100), st.integers(0, 100))
steps = st.lists(
    st.tuples(st.integers(0, 2), names, amounts, st.sampled_from(["", "kept", "lost"])),
    max_size=40,
)


class Clock:
    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


def tally(clock: Clock, keep: float = 0.9, most: int = 100) -> Tally:
    return Tally(2, keep=keep, most=most, clock=clock)


@given(steps)
def test_several_that_join_know_the_sum_of_what_each_was_told(
    steps: list[tuple[int, str, tuple[int, int], str]],
) -> None:
    clock = Clock()
    workers = [tally(clock, keep=1.0) for _ in range(3)]
    kept: dict[str, list[float]] = {}
    truth: dict[str, list[int]] = {}
    for who, name, (a, b), joins in steps:
        workers[who].add(name, (a, b))
        there = truth.setdefault(name, [0, 0])
        there[0] += a
        there[1] += b
        if joins == "kept":
            kept = workers[who].join(kept, 0.0)
        elif joins == "lost":  # as where the store does not write
            workers[who].join(kept, 0.0)
            workers[who].unwritten()
    for worker in [*workers, *workers]:
        kept = worker.join(kept, 0.0)
    newcomer = tally(clock, keep=1.0)
    newcomer.join(kept, 0.0)
    for name, (a, b) in truth.items():
        for worker in [*workers, newcomer]:
            assert worker.get(name) == pytest.approx((a, b))


@given(st.lists(st.floats(0, 5), min_size=1, max_size=8), st.floats(0.2, 1.0))
def test_a_sum_fades_alike_however_often_it_is_joined(
    days: list[float], keep: float
) -> None:
    clock = Clock()
    often, once, kept = tally(clock, keep), tally(clock, keep), {}
    written = clock.now
    for tell in (often, once):
        tell.add("a", (1.0, 3.0))
    for pause in days:
        clock.now += pause * DAY_S
        kept = often.join(kept, clock.now - written)
        written = clock.now
    left = keep ** sum(days)
    assert often.get("a") == pytest.approx((left, 3 * left))
    assert once.get("a") == pytest.approx((left, 3 * left))


@given(st.floats(0.01, 0.9))
def test_a_long_life_does_not_overflow(keep: float) -> None:
    clock = Clock()
    kept = tally(clock, keep)
    for _ in range(400):
        clock.now += 10 * DAY_S
        kept.add("a", (1.0, 0.0))
    assert 1.0 <= kept.get("a")[0] <= 1.0 / (1.0 - keep**10) + 1e-9


@given(st.lists(st.tuples(names, amounts), max_size=30), st.integers(1, 4))
def test_there_are_never_more_than_it_may_keep_and_the_latest_stay(
    told: list[tuple[str, tuple[int, int]]], most: int
) -> None:
    kept = tally(Clock(), most=most)
    order: list[str] = []
    for name, amount in told:
        kept.add(name, amount)
        order = [n for n in order if n != name] + [name]
    assert [n for n, _ in kept.items()] == order[-most:]
    assert len(kept.join({"x": [1, 1], "y": [1, 1]}, 0.0)) <= most


def test_what_is_forgotten_is_gone_everywhere() -> None:
    clock = Clock()
    here, there = tally(clock), tally(clock)
    here.add("a", (1, 1))
    there.add("b", (1, 1))
    kept = there.join(here.join({}, 0.0), 0.0)
    assert set(kept) == {"a", "b"}
    here.join(kept, 0.0)
    assert here.forget("a")
    here.join(kept, 0.0)
    here.unwritten()
    assert here.fresh
    kept = here.join(kept, 0.0)
    assert set(kept) == {"b"}
    there.join(kept, 0.0)
    assert there.get("a") == (0.0, 0.0)


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"null",
        b"[]",
        b'{"own": {"a": [1]}}',
        b'{"own": {"a": [1, null]}}',
        b'{"own": {"a": [1, NaN]}}',
        b'{"own": {"a": [1, 1e999]}}',
    ],
)
def test_what_are_no_notes_is_refused_and_changes_nothing(kept: bytes) -> None:
    own = tally(Clock())
    own.add("a", (2, 3))
    notes = Notes(own=own)
    with pytest.raises(ValueError):
        notes.join(kept, 0.0)
    assert own.get("a") == (2.0, 3.0)
    assert notes.fresh


def test_notes_are_text_and_come_back() -> None:
    own = tally(Clock())
    rng = random.Random(1)
    for name in "abc":
        own.add(name, (rng.random(), rng.random()))
    notes = Notes(own=own)
    kept = notes.join(None, 0.0)
    assert not notes.fresh
    assert json.loads(kept)["own"].keys() == set("abc")
    other = tally(Clock())
    Notes(own=other).join(kept, 0.0)
    for name in "abc":
        assert other.get(name) == pytest.approx(own.get(name))
