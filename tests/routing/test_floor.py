"""A floor under expected quality: laws, then cases."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routing.book import Book, Spec
from routing.engine import Pool, plan
from routing.health import Health
from routing.types import Candidate, Plan, Query, Wishes

qualities = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6)
shares = st.floats(0.0, 1.0)


def _planned(
    known: list[float], wish: float | None = None, tiers: int = 1, **options: Any
) -> Plan:
    """Of candidates 0, 1, ... of these qualities, dealt to so many tiers."""
    ids = [str(i) for i in range(len(known))]
    table = {"qualities": dict(zip(ids, known, strict=True))}
    book = Book(
        {
            "told": Spec(kind="cost_quality", options=table),
            "own": Spec(kind="floor", options={"of": "told", **options}),
        },
        random.Random(1),
        lambda: 0.0,
    )
    candidates = [Candidate(id=id, order=i % tiers) for i, id in enumerate(ids)]
    pool = Pool(candidates, [Health() for _ in ids])
    query = Query(alias="m", wishes=Wishes(quality=wish))
    return plan(book.get("own"), query, pool, 0.0)


def _inside(planned: Plan) -> set[int]:
    return {int(step.candidate) for step in planned.order}


@given(qualities, shares, shares, st.none() | shares)
def test_whoever_is_under_the_floor_is_out_and_nobody_else(
    known: list[float], share: float, least: float, wish: float | None
) -> None:
    planned = _planned(known, wish, share=share, least=least)
    enough = max(max(share, wish or 0.0) * max(known), least)
    able = {i for i, quality in enumerate(known) if quality >= enough - 1e-9}
    assert _inside(planned) == able
    assert len(planned.removed) == len(known) - len(able)
    assert all(out.by.startswith("strategy: quality ") for out in planned.removed)
    assert {step.quality for step in planned.order} <= set(known)


@given(qualities, shares, shares)
def test_a_higher_floor_lets_in_nobody_new_and_the_best_stays(
    known: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    inside = _inside(_planned(known, share=high))
    assert inside <= _inside(_planned(known, share=low))
    assert known.index(max(known)) in inside


@given(qualities, shares, shares)
def test_every_tier_has_a_best_of_its_own_and_the_least_holds_in_all(
    known: list[float], share: float, least: float
) -> None:
    able = set[int]()
    for tier in (range(0, len(known), 2), range(1, len(known), 2)):
        enough = max(share * max((known[i] for i in tier), default=0.0), least)
        able |= {i for i in tier if known[i] >= enough - 1e-9}
    assert _inside(_planned(known, tiers=2, share=share, least=least)) == able


@given(qualities, st.integers(0, 1000))
def test_who_may_serve_stands_as_the_other_strategy_says(
    known: list[float], seed: int
) -> None:
    random.Random(seed).shuffle(known)
    order = [int(s.candidate) for s in _planned(known, then="ordered").order]
    assert order == sorted(order)


def test_of_whom_nothing_is_told_is_out_only_where_that_is_said() -> None:
    def planned(**options: Any) -> Plan:
        spec = Spec(kind="floor", options={"of": "ordered", "share": 1.0, **options})
        book = Book({"own": spec}, random.Random(1), lambda: 0.0)
        pool = Pool([Candidate(id="0")], [Health()])
        return plan(book.get("own"), Query(alias="m"), pool, 0.0)

    assert _inside(planned(least=0.9)) == {0}
    strict = planned(strict=True)
    assert not strict.order
    assert [out.by for out in strict.removed] == ["strategy: quality unknown"]
