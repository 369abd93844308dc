"""A version is taken out for what it did, not for what chance did."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.contract import Outcome
from routing.learned.registry import Expected
from routing.learned.watch import ALONE, CASCADES, FADE, KEYS, Band, Choice, Watch
from routing.types import Query

EXPECTED = Expected(quality=0.9, cost=0.01)


def _watch(**band: float) -> Watch:
    watch = Watch(Band(**band))  # type: ignore[arg-type]
    watch.begin("v1", EXPECTED)
    return watch


def _decide(watch: Watch, id: str, **said: object) -> None:
    watch.chose(id, Choice({"a": 1.0}))
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
        watch.chose(str(i), Choice({"a": 3.0}))
        _decide(watch, str(i), cost=0.03)
    assert not watch.fault()
    assert watch.seen().whole().cost.mean == pytest.approx(0.01)


RUNGS = ("a", "b", "c")


def _cascade(watch: Watch, id: str, *costs: float | None, ok: bool = True) -> None:
    """One exchange by a cascade of three, of which so many were asked."""
    watch.chose(id, Choice(dict.fromkeys(RUNGS, 1.0), CASCADES))
    query = Query(alias="auto", id=id)
    for i, (who, cost) in enumerate(zip(RUNGS, costs, strict=False), 1):
        last = i == len(costs)
        watch.learn(
            Outcome(
                query=query,
                candidate=who,
                ok=ok or not last,
                latency_s=0.1,
                cost=cost,
                last=last,
            )
        )


def _gated(**band: float) -> Watch:
    watch = Watch(Band(**band))  # type: ignore[arg-type]
    watch.begin("v1", EXPECTED, Expected(quality=0.9, cost=0.03))
    return watch


@given(st.lists(st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=3), min_size=1))
def test_an_answer_costs_what_all_its_calls_cost(exchanges: list[list[float]]) -> None:
    watch = _gated()
    for i, costs in enumerate(exchanges):
        _cascade(watch, str(i), *costs)
    seen = watch.seen().of(CASCADES)
    assert seen.cost.weight == seen.failed.weight == len(exchanges)
    assert seen.cost.total == pytest.approx(sum(map(sum, exchanges)))
    assert not seen.failed.total
    assert not watch.seen().of(ALONE).cost.weight


def test_a_cascade_that_asks_the_third_too_often_goes() -> None:
    watch = _gated()
    for i in range(60):  # none of its calls costs more than an answer should
        _cascade(watch, str(i), 0.02, 0.02, 0.02)
    assert "with cascades: $0.060000 an answer over 60 answers" in watch.fault()
    calm = _gated()
    for i in range(60):
        _cascade(calm, str(i), 0.015, 0.02)
    assert not calm.fault()


def test_a_cascade_fails_where_one_of_its_calls_does() -> None:
    watch = _gated()
    for i in range(60):
        _cascade(watch, str(i), 0.01, 0.01, 0.01, ok=False)
    assert "with cascades: 100% of 60 choices failed" in watch.fault()


def test_who_was_asked_alone_says_nothing_of_a_cascade() -> None:
    watch = _gated()
    for i in range(60):
        _cascade(watch, str(i), 9.0)
        query = Query(alias="auto", id=str(i))
        told = Outcome(
            query=query, candidate="a", ok=True, latency_s=0.1, cost=None, quality=0.0
        )
        watch.learn(told)
    assert not watch.fault()
    assert not watch.fresh


def test_the_score_is_that_of_the_answer_whoever_gave_it() -> None:
    watch = _gated()
    for i in range(60):
        _cascade(watch, str(i), 0.01, 0.01, 0.01)
        _score(watch, str(i), "key_a", float(i % 2), by=RUNGS[i % 3])
    seen = watch.seen().of(CASCADES)
    assert (seen.quality.weight, seen.quality.mean) == (60.0, 0.5)
    assert "with cascades: quality 0.500 of 60 scores" in watch.fault()


def test_what_a_call_cost_that_nobody_knows_no_answer_cost() -> None:
    watch = _gated()
    _cascade(watch, "1", 0.01, None)
    assert not watch.seen().of(CASCADES).cost.weight
    assert watch.seen().of(CASCADES).failed.weight == 1.0


def test_the_price_of_each_member_is_taken_back() -> None:
    watch = _gated()
    watch.chose("1", Choice({"a": 2.0, "b": 0.5, "c": 1.0}, CASCADES))
    _cascade(watch, "1", 0.02, 0.01)
    assert watch.seen().of(CASCADES).cost.mean == pytest.approx(0.03)


def test_each_way_is_held_to_its_own_promise() -> None:
    watch = _gated()
    for i in range(60):
        _cascade(watch, str(i), 0.015, 0.015)
        _decide(watch, f"alone{i}", cost=0.01)
    assert not watch.fault()
    for i in range(60):
        _decide(watch, f"dear{i}", cost=0.03)
    assert watch.fault().startswith("$0.02")
    # What nobody judged is not watched.
    blind = _watch()
    for i in range(60):
        _cascade(blind, str(i), 9.0, 9.0)
    assert not blind.fault()


@given(st.lists(st.sampled_from(["said", "join", "fails"]), max_size=30))
def test_nothing_is_lost_or_told_twice_where_the_store_fails(steps: list[str]) -> None:
    watch, kept, said = _gated(), None, 0
    for step in [*steps, "join"]:
        if step == "said":
            _cascade(watch, str(said), 0.01, 0.01)
            said += 1
        elif step == "join":
            kept = watch.join(kept, 0.0)
        else:
            watch.join(kept, 0.0)
            watch.unwritten()
        assert watch.seen().of(CASCADES).cost.weight == pytest.approx(said)
    other = _gated()
    other.join(kept, 0.0)
    assert other.seen().of(CASCADES).cost.weight == pytest.approx(said)


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
    kept = watch.seen().whole().by_key
    assert len(kept) == min(count, KEYS)
    assert "key_0" in kept


def _score(watch: Watch, id: str, key: str, quality: float, by: str = "a") -> None:
    watch.chose(id, Choice({"a": 1.0}))
    query = Query(alias="auto", id=id, key=key)
    told = Outcome(
        query=query, candidate=by, ok=True, latency_s=0.1, cost=None, quality=quality
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
        watch.chose(str(i), Choice({"a": 1.0}))
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


def test_who_serves_another_version_makes_nobody_forget() -> None:
    watch, other = _watch(), Watch(Band())
    other.begin("v0", EXPECTED)
    kept = None
    for i in range(60):
        _decide(watch, str(i), ok=False)
        _decide(other, str(i), ok=True)
        kept = other.join(watch.join(kept, 0.0), 0.0)
    assert watch.seen().of(ALONE).failed.weight == pytest.approx(60)
    assert watch.fault()
    assert not other.fault()


def test_a_version_that_was_not_judged_is_not_watched() -> None:
    watch = Watch(Band())
    watch.begin("v1", None)
    for i in range(60):
        _decide(watch, str(i), quality=0.0, ok=False)
    assert not watch.fault()
