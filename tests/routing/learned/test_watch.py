"""A version is taken out for what it did, not for what chance did."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.contract import Outcome
from routing.learned.registry import Expected
from routing.learned.watch import FADE, KEYS, Band, Watch
from routing.types import Query

EXPECTED = Expected(quality=0.9, cost=0.01)


def _watch(**band: float) -> Watch:
    watch = Watch(Band(**band))  # type: ignore[arg-type]
    watch.begin("v1", EXPECTED)
    return watch


def _decide(watch: Watch, id: str, **said: object) -> None:
    watch.chose(id, {"a": 1.0})
    outcome = {
        "query": Query(alias="auto", id=id),
        "candidate": "a",
        "ok": True,
        "latency_s": 0.1,
        "cost": 0.01,
        **said,
    }
    watch.learn(Outcome(**outcome))  # type: ignore[arg-type]


@given(st.integers(0, 2**32), st.integers(1, 400))
def test_as_good_as_expected_stays(seed: int, count: int) -> None:
    rng = random.Random(seed)
    watch = _watch()
    for i in range(count):
        _decide(watch, str(i), quality=float(rng.random() < 0.9))
        _decide(watch, str(i), ok=rng.random() < 0.95, cost=0.01 * rng.random() * 2)
        assert not watch.fault()


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"quality": 0.5}, "quality 0.5"),
        ({"ok": False}, "failed"),
        ({"cost": 1.0}, "$1"),
    ],
)
def test_out_of_the_band_it_goes_and_says_why(
    said: dict[str, object], word: str
) -> None:
    watch = _watch()
    for i in range(29):
        _decide(watch, str(i), **said)
        assert not watch.fault()
    for i in range(29, 60):
        _decide(watch, str(i), **said)
    assert word in watch.fault()


def test_another_price_is_no_fault() -> None:
    watch = _watch()
    for i in range(60):
        watch.chose(str(i), {"a": 3.0})
        _decide(watch, str(i), cost=0.03)
    assert not watch.fault()
    assert watch.seen().cost.mean == pytest.approx(0.01)


@given(st.integers(30, 300), st.integers(30, 300), st.integers(1, 4))
def test_one_key_alone_takes_nothing_out(false: int, honest: int, keys: int) -> None:
    watch = _watch()
    for i in range(max(false, honest)):
        if i < honest:
            _score(watch, f"honest{i}", f"key_{i % keys}", 1.0)
        if i < false:
            _score(watch, f"false{i}", "key_evil", 0.0)
    assert not watch.fault()
    # What workers keep tells them apart too.
    other = _watch()
    other.join(watch.join(None, 0.0), 0.0)
    assert not other.fault()


def test_what_two_keys_say_takes_it_out() -> None:
    watch = _watch()
    for i in range(40):
        _score(watch, f"one{i}", "key_a", 0.0)
        _score(watch, f"other{i}", "key_b", 0.0)
        _score(watch, f"third{i}", "key_c", 1.0)
    assert "quality 0.33" in watch.fault()


def test_where_others_say_too_little_one_key_counts() -> None:
    watch = _watch()
    for i in range(40):
        _score(watch, f"one{i}", "key_a", 0.0)
    for i in range(20):
        _score(watch, f"other{i}", "key_b", 1.0)
    assert watch.fault()


@given(st.integers(1, 3 * KEYS))
def test_of_many_keys_the_loudest_are_kept(count: int) -> None:
    watch = _watch()
    for i in range(count):
        for n in range(1 + (i == 0)):
            _score(watch, f"{i}-{n}", f"key_{i}", 1.0)
    watch.join(None, 0.0)
    kept = watch.seen().by_key
    assert len(kept) == min(count, KEYS)
    assert "key_0" in kept


def _score(watch: Watch, id: str, key: str, quality: float) -> None:
    watch.chose(id, {"a": 1.0})
    query = Query(alias="auto", id=id, key=key)
    told = Outcome(
        query=query, candidate="a", ok=True, latency_s=0.1, cost=None, quality=quality
    )
    watch.learn(told)


def test_it_goes_soon_after_long_being_good() -> None:
    watch = _watch()
    for i in range(3000):
        _decide(watch, str(i), quality=1.0)
        if watch.fresh and i % 10 == 0:
            watch.join(None if i == 0 else watch.join(None, 0.0), 0.0)
    needed = 0
    while not watch.fault():
        needed += 1
        _decide(watch, f"bad{needed}", quality=0.0)
        assert needed < FADE


def test_only_its_own_decisions_count() -> None:
    watch = _watch()
    for i in range(100):
        query = Query(alias="auto", id=str(i))
        watch.chose(str(i), {"a": 1.0})
        told = Outcome(
            query=query, candidate="b", ok=False, latency_s=0.1, cost=9.0, quality=0.0
        )
        watch.learn(told)
    strange = Query(alias="auto", id="strange")
    watch.learn(
        Outcome(query=strange, candidate="a", ok=False, latency_s=0.1, cost=None)
    )
    assert not watch.fault()
    assert not watch.fresh


def test_a_score_without_weight_says_nothing() -> None:
    watch = _watch()
    for i in range(100):
        _decide(watch, str(i), quality=0.0, weight=0.0)
    assert not watch.fault()


def test_what_workers_see_adds_up_and_outlives_them() -> None:
    one, two = _watch(), _watch()
    for i in range(20):
        _decide(one, str(i), quality=0.25)
        _decide(two, str(i), quality=0.25)
    kept = two.join(one.join(None, 0.0), 1.0)
    assert two.fault()
    assert not one.fault()
    one.join(kept, 0.0)
    assert one.fault() == two.fault()
    after = _watch()
    after.join(kept, 3600.0)
    assert after.fault() == two.fault()
    assert not after.fresh


def test_another_version_begins_anew() -> None:
    watch = _watch()
    for i in range(60):
        _decide(watch, str(i), quality=0.0)
    kept = watch.join(None, 0.0)
    watch.begin("v2", EXPECTED)
    assert not watch.fault()
    watch.join(kept, 0.0)
    assert not watch.fault()
    with pytest.raises(ValueError, match="watch keeps"):
        watch.join(b"{", 0.0)


def test_a_version_that_was_not_judged_is_not_watched() -> None:
    watch = Watch(Band())
    watch.begin("v1", None)
    for i in range(60):
        _decide(watch, str(i), quality=0.0, ok=False)
    assert not watch.fault()
