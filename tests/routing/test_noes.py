"""Whoever asks another strategy keeps to its no, whatever kind it is."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from routing.book import BadStrategy, Book, Spec, converted
from routing.contract import Learner, Outcome, Setting, Strategy, vetoes
from routing.engine import Pool, plan
from routing.health import Health
from routing.strategies.table import STRATEGIES, kind
from routing.types import Candidate, Plan, Prompt, Query, Wishes
from tests.routing.test_strategies import SPECS

FIRM = Spec(kind="rules", options={"rules": [{"use": ["b", "c"], "only": True}]})
BOOK = {
    "firm": FIRM,
    "spared": Spec(
        kind="rules",
        options={"rules": [{"tags": ["secret"], "use": ["b"], "only": True}]},
    ),
}
DECIDES_NOTHING = {("experiment", "shadows")}
QUERY = Query(
    alias="m",
    key="k",
    user="u",
    input_tokens=2000,
    output_tokens=500,
    prompt=Prompt(text="hi", first="hi"),
)


def _made(name: str, options: dict[str, Any], asked: list[str], *, all: bool) -> Any:
    """Of that kind. `all`: whoever it asks for, it is given the firm one."""
    book = Book(BOOK, random.Random(3), lambda: 0.0)

    def named(other: str) -> Strategy:
        asked.append(other)
        return book.get("firm" if all else other)

    cls = kind(name)
    setting = Setting(rng=random.Random(4), clock=lambda: 0.0, named=named)
    spec = Spec(kind=name, options=options)
    return cls("outer", converted("outer", spec, cls.options), setting)


def _places() -> Iterator[tuple[str, str, Any]]:
    """Kind, option, its value: everywhere that another strategy can be named."""
    for name in STRATEGIES:
        asked: list[str] = []
        _made(name, SPECS.get(name, {}), asked, all=True)
        if asked:
            yield name, "", None
        for field in msgspec.structs.fields(kind(name).options):
            for value in ("firm", ["firm"], {"firm": 1.0}):
                option, asked = field.encode_name, []
                options = SPECS.get(name, {}) | {option: value}
                try:
                    _made(name, options, asked, all=False)
                except (BadStrategy, ValueError, OSError, LookupError):
                    continue
                if "firm" in asked and (name, option) not in DECIDES_NOTHING:
                    yield name, option, value


PLACES = list(_places())


def _planned(outer: Strategy, left: str, query: Query = QUERY) -> Plan:
    pool = [Candidate(id=id, input_price=1, output_price=1) for id in left]
    return plan(outer, query, Pool(pool, [Health() for _ in pool]), 0.0)


def test_the_places_are_found() -> None:
    found = {(name, option) for name, option, _ in PLACES}
    known = {("affinity", "first"), ("blend", "of"), ("hybrid", "otherwise")}
    assert found >= known | {("experiment", "arms"), ("agentic", "then")}


@pytest.mark.parametrize(("name", "option", "value"), PLACES)
@pytest.mark.parametrize("left", ["a", "ab", "cab", "bc"])
def test_whoever_asks_another_keeps_to_its_no(
    name: str, option: str, value: Any, left: str
) -> None:
    options = SPECS.get(name, {}) | ({option: value} if option else {})
    outer = _made(name, options, [], all=not option)
    assert vetoes(outer)
    planned = _planned(outer, left)
    assert {r.candidate for r in planned.order} == set(left) - {"a"}
    told = {r.candidate: r.by for r in planned.removed}
    assert told == {id: "strategy: rule 1 is for others" for id in left if id == "a"}
    if planned.order:
        assert sum(r.propensity for r in planned.order) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "option"),
    [("affinity", "first"), ("personalised", "then"), ("prompt_cache", "then")],
)
def test_what_is_remembered_is_no_way_around_a_no(name: str, option: str) -> None:
    outer = _made(name, {option: "spared"}, [], all=False)
    assert isinstance(outer, Learner)
    query = msgspec.structs.replace(QUERY, wishes=Wishes(conversation="talk"))
    score = {"personalised": 1.0}.get(name)
    for _ in range(9):
        outer.learn(
            Outcome(
                query=query, candidate="a", ok=True, latency_s=1, cost=1, quality=score
            )
        )
    assert _planned(outer, "cab", query).order[0].candidate == "a"
    wishes = Wishes(conversation="talk", tags=("secret",))
    asked = msgspec.structs.replace(query, wishes=wishes)
    for left in ("a", "ab", "cab"):
        planned = _planned(outer, left, asked)
        assert [r.candidate for r in planned.order] == list("b" if "b" in left else "")
        assert sum(r.propensity for r in planned.order) == float("b" in left)
