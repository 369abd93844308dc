"""Laws of every strategy, then the cases that tell them apart."""

import math
import random
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.book import Book, Spec
from routing.contract import Counting, Keeping, Strategy
from routing.engine import Pool, plan
from routing.health import Health
from routing.strategies.rules import lifted
from routing.strategies.table import STRATEGIES
from routing.types import Candidate, Limits, Query

SPECS = {
    "rules": {"rules": [{"text": "x", "use": ["*a*"]}], "then": "ordered"},
    "blend": {"of": {"cheapest": 2.0, "least_busy": 1.0}},
    "experiment": {"arms": {"cheapest": 1.0, "ordered": 1.0}},
    "explore": {"of": "cheapest", "share": 0.2},
    "external": {"url": "http://localhost/scores"},
    "intent": {"intents": {"code": {"phrases": ["fix a bug"], "use": ["*a*"]}}},
    "floor": {"of": "cost_quality"},
    "router_r1": {"thinker": "m"},
    "agentic": {"planner": "m", "then": "ordered"},
}
"""Options of kinds that want some."""
LEARNED = {"gbdt", "ridge", "knn", "logistic", "svm", "mlp", "mf", "ratings", "hybrid"}
"""Kinds that want an artifact: the laws hold of them too, while there is none."""
SPECS |= {name: {"artifact": "nowhere"} for name in LEARNED}


def made(name: str, seed: int = 1, **options: object) -> Strategy:
    """A strategy of that kind, alone in its book."""
    given = options or SPECS.get(name, {})
    book = Book(
        {"own": Spec(kind=name, options=given)}, random.Random(seed), lambda: 0.0
    )
    return book.get("own")


QUERY = Query(alias="m", input_tokens=1000, least_tokens=200, output_tokens=500)

candidates = st.lists(
    st.builds(
        Candidate,
        id=st.uuids().map(str),
        weight=st.floats(0.0, 100.0),
        order=st.integers(1, 3),
        input_price=st.none() | st.integers(0, 10**8),
        output_price=st.none() | st.integers(0, 10**8),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda c: c.id,
)


def _health(count: int, seed: int) -> list[Health]:
    rng = random.Random(seed)
    drawn = []
    for _ in range(count):
        health = Health()
        health.in_flight = rng.randrange(5)
        health.whole_s = rng.choice([0.0, rng.random()])
        drawn.append(health)
    return drawn


@pytest.mark.parametrize("name", STRATEGIES)
@given(candidates, st.integers(0, 1000))
@example([Candidate(id=id, weight=0.0) for id in ("4", "5")], 0)  # both draw nothing
def test_a_plan_holds_every_candidate_once_tier_by_tier(
    name: str, pool: list[Candidate], seed: int
) -> None:
    strategy = made(name, seed)
    planned = plan(strategy, QUERY, Pool(pool, _health(len(pool), seed)), 0.0)
    assert sorted(r.candidate for r in planned.order) == sorted(c.id for c in pool)
    tiers = {c.id: c.order for c in pool}
    walked = [tiers[r.candidate] for r in planned.order]
    assert walked == sorted(walked)
    first = [r.propensity for r in planned.order if tiers[r.candidate] == walked[0]]
    assert sum(first) == pytest.approx(1.0)
    assert all(r.reason for r in planned.order)


@pytest.mark.parametrize(
    "name",
    [
        *("least_busy", "cheapest", "usage", "cost_quality", "affinity", "blend"),
        *("linucb", "elo"),
    ],
)
@given(candidates, st.integers(0, 1000), st.randoms(use_true_random=False))
def test_permuting_the_candidates_permutes_the_scores(
    name: str, pool: list[Candidate], seed: int, order: random.Random
) -> None:
    health = _health(len(pool), seed)
    strategy = made(name, seed)
    plain = {
        c.id: s.value
        for c, s in zip(pool, strategy.score(QUERY, pool, health), strict=True)
    }
    both = list(zip(pool, health, strict=True))
    order.shuffle(both)
    mixed = strategy.score(QUERY, [c for c, _ in both], [h for _, h in both])
    for (candidate, _), score in zip(both, mixed, strict=True):
        assert score.value == pytest.approx(plain[candidate.id], abs=1e-6)


@pytest.mark.parametrize("name", STRATEGIES)
def test_who_keeps_lessons_counts_by_what_it_ranked(name: str) -> None:
    strategy = made(name)
    if not isinstance(strategy, Keeping):
        return
    assert isinstance(strategy, Counting)
    pool = [Candidate(id=id) for id in "ab"]
    strategy.score(QUERY, pool, [Health() for _ in pool])
    assert sum(strategy.scored.values()) == 1


@pytest.mark.parametrize("name", ["weighted", "latency", "softmax", "explore"])
def test_propensities_are_the_shares_that_are_drawn(name: str) -> None:
    pool = [Candidate(id=str(i), weight=w) for i, w in enumerate([1.0, 2.0, 5.0, 2.0])]
    health = [Health() for _ in pool]
    for i, h in enumerate(health):
        h.whole_s = 0.1 * (i + 1)
    strategy = made(name, 7)
    drawn: Counter[str] = Counter()
    said = {}
    for _ in range(4000):
        planned = plan(strategy, QUERY, Pool(pool, health), 0.0)
        drawn[planned.order[0].candidate] += 1
        said = {r.candidate: r.propensity for r in planned.order}
    for id, share in said.items():
        assert drawn[id] / 4000 == pytest.approx(share, abs=0.03)


def test_cheapest_counts_both_sides_and_trusts_no_unknown_price() -> None:
    pool = [
        Candidate(id="unknown", input_price=0),
        Candidate(id="dear", input_price=1, output_price=1000),
        Candidate(id="cheap", input_price=100, output_price=100),
    ]
    planned = plan(
        made("cheapest"),
        QUERY,
        Pool(pool, [Health() for _ in pool]),
        0.0,
    )
    assert [r.candidate for r in planned.order] == ["cheap", "dear", "unknown"]


def test_hard_limits_name_what_they_removed() -> None:
    busy = Health(Limits(max_parallel=1))
    busy.begin(0.0)
    cold = Health()
    cold.cool(0.0, 10.0, "rate_limited")
    pool = [
        Candidate(id="busy"),
        Candidate(id="cold"),
        Candidate(id="small", max_input_tokens=100),
        Candidate(id="text", operations=frozenset({"embed"})),
        Candidate(id="well"),
    ]
    health = [busy, cold, Health(), Health(), Health()]
    planned = plan(made("ordered"), QUERY, Pool(pool, health), 1.0)
    assert [r.candidate for r in planned.order] == ["well"]
    assert {r.candidate: r.by for r in planned.removed} == {
        "busy": "busy",
        "cold": "cooldown",
        "small": "context_window",
        "text": "operation",
    }


_VALUE = st.floats(-1e9, 1e9) | st.just(-math.inf)


@given(st.lists(st.tuples(_VALUE, st.booleans()), min_size=1, max_size=6))
def test_the_chosen_come_first_whatever_their_scores(
    both: list[tuple[float, bool]],
) -> None:
    put = lifted([value for value, _ in both], [chosen for _, chosen in both])
    assert all(map(math.isfinite, put))
    ours = [v for v, (_, chosen) in zip(put, both, strict=True) if chosen]
    others = [v for v, (_, chosen) in zip(put, both, strict=True) if not chosen]
    assert not ours or not others or min(ours) > max(others)
