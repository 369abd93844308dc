"""What is judged is what serves: with cascades, whatever the prices are now."""

import math
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.book import Book, Spec
from routing.engine import Pool, plan
from routing.health import Health
from routing.lab.cascade import Arms
from routing.lab.choices import Rule, choices
from routing.lab.ground import Ground
from routing.lab.lines import Line, Lines
from routing.lab.table import TableError
from routing.lab.train import Trained
from routing.learned.artifact import load
from routing.learned.model import Model
from routing.learned.prices import PICO_PER_MILLIONTH, Rates
from routing.types import Candidate, Prompt, Query
from tests.routing import outcomes

MODELS = list(outcomes.MODELS)
MEMBERS = ("coder", "small", "large")
RULES = (
    Rule("gbdt", 0.95),
    Rule("gbdt", 1.0, cascades=True),
    Rule("ridge", 0.9, cascades=True),
    Rule("hybrid", 1.0, cascades=True),
    Rule("hybrid", threshold=0.8, cascades=True),
)
answers = st.sampled_from(["right", "wrong", "other", " right ", "", None])


@pytest.fixture(scope="module")
def priced(learned: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everybody cost a dollar a million tokens."""
    folder = tmp_path_factory.mktemp("choices") / "router"
    prices = {name: Rates(1.0, 1.0) for name in MODELS}
    manifest = msgspec.structs.replace(learned.artifact.manifest, prices=prices)
    whole = msgspec.structs.replace(learned.artifact, manifest=manifest)
    learned._replace(artifact=whole).write(folder)
    return folder


@pytest.fixture(scope="module")
def router(priced: Path) -> Model:
    return Model(load(priced))


def _lines(rows: list[Line], prices: dict[str, Rates] | None = None) -> Lines:
    return Lines("held", MODELS, rows, [""] * len(rows), prices=prices or {})


def _line(text: str, **more: object) -> Line:
    fields = {"scores": [0.0, 1.0, 1.0], "cost_usd": [1e-4, 4e-4, 4e-3], "prompt": text}
    return msgspec.convert({**fields, **more}, Line)


words = st.lists(
    st.sampled_from([w for own in outcomes.WORDS.values() for w in own]), min_size=1
)
rates = st.builds(Rates, st.floats(0.0, 100.0), st.floats(0.0, 100.0))


@pytest.mark.parametrize("rule", RULES, ids=str)
@given(
    st.lists(words.map(" ".join), min_size=1, max_size=6, unique=True),
    st.dictionaries(st.sampled_from(MODELS), rates),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_judged_is_what_serves(
    priced: Path, router: Model, rule: Rule, texts: list[str], prices: dict[str, Rates]
) -> None:
    ground = Ground.of(_lines([_line(t) for t in texts], prices))
    ground = ground.widened(router, Arms())
    made = choices(router, ground, rule)
    options = {"artifact": str(priced), "quality": rule.share, "budget_ms": 1e6}
    if rule.threshold is not None:
        options["threshold"] = rule.threshold
    specs = {
        "alone": Spec(kind=rule.head, options=options),
        "gated": Spec(kind="cascade", options={"router": "alone"}),
    }
    book = Book(specs, random.Random(0), lambda: 0.0)
    strategy = book.get("gated" if rule.cascades else "alone")
    pool = Pool([_candidate(m, prices.get(m)) for m in MODELS], [Health()] * 3)
    for text, sketch, at in zip(
        texts, ground.rows.sketches, made.chosen.tolist(), strict=True
    ):
        query = Query(
            alias="m",
            prompt=Prompt(text=text),
            cascades=rule.cascades,
            input_tokens=int(math.expm1(sketch.marks[0])) // 4,
        )
        planned = plan(strategy, query, pool, 0.0)
        served = tuple(planned.rungs) or (planned.order[0].candidate,)
        assert served == ((MODELS[at],) if at < 3 else MEMBERS)


def _candidate(name: str, price: Rates | None) -> Candidate:
    if price is None:
        return Candidate(id=name)
    pico = [round(rate * PICO_PER_MILLIONTH) for rate in (price.input, price.output)]
    return Candidate(id=name, input_price=pico[0], output_price=pico[1])


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3),
            st.lists(st.floats(1e-6, 1.0), min_size=3, max_size=3),
            st.lists(answers, min_size=3, max_size=3),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=60)
def test_a_cascade_answers_and_costs_as_it_would_have(
    router: Model, rows: list[tuple[list[float], list[float], list[str | None]]]
) -> None:
    lines = [
        _line(f"prompt {i}", scores=scores, cost_usd=costs, answers=said)
        for i, (scores, costs, said) in enumerate(rows)
    ]
    ground = Ground.of(_lines(lines)).widened(router, Arms())
    assert ground.answers
    assert (ground.alone, ground.arms) == (3, {MEMBERS: 3})
    first, second, last = (MODELS.index(member) for member in MEMBERS)
    for i, (scores, costs, said) in enumerate(rows):
        one, other = ((said[j] or "").strip() for j in (first, second))
        agreed = bool(one) and one == other
        spent = costs[first] + costs[second] + (0.0 if agreed else costs[last])
        assert ground.rows.quality[i, 3] == scores[first if agreed else last]
        assert ground.rows.cost[i, 3] == pytest.approx(spent)
    assert ground.widened(router, Arms()) is ground


def test_without_answers_agreement_is_simulated(router: Model) -> None:
    lines = [_line(f"prompt {i}", scores=[0.0, 0.0, 1.0]) for i in range(400)]
    ground = Ground.of(_lines(lines)).widened(router, Arms(wrong_agreement=0.25))
    assert not ground.answers
    assert ground.rows.quality[:, 3].mean() == pytest.approx(0.75, abs=0.1)


CANNOT: dict[str, tuple[Callable[[int], Line], str]] = {
    "half right": (
        lambda i: _line(f"p{i}", scores=[0.5, 0.4, 1.0]),
        "scores of 0 and 1",
    ),
    "holes": (
        lambda i: _line(f"p{i}", scores=[0.0, None if i else 1.0, 1.0]),
        "answered every prompt",
    ),
    "drawn": (
        lambda i: _line(f"p{i}", propensity=[0.3] * 3, served=[1, 1, 1]),
        "answered every prompt",
    ),
}


@pytest.mark.parametrize("case", CANNOT)
def test_where_nobody_knows_who_agreed_nothing_is_judged(
    router: Model, case: str
) -> None:
    line, says = CANNOT[case]
    ground = Ground.of(_lines([line(i) for i in range(30)]))
    with pytest.raises(TableError, match=says):
        ground.widened(router, Arms())
    # Of models alone the same rows can tell.
    assert len(choices(router, ground, Rule()).chosen) == 30


def test_a_member_that_the_rows_do_not_know_is_named(router: Model) -> None:
    lines = [_line(f"p{i}", scores=[0.0, 1.0], cost_usd=[1e-4, 4e-4]) for i in range(9)]
    ground = Ground.of(Lines("held", MODELS[:2], lines, [""] * 9))
    with pytest.raises(TableError, match="knows nothing of large"):
        ground.widened(router, Arms())


def test_a_router_that_has_none_changes_nothing(trained: Trained) -> None:
    plain = Model(trained.artifact)
    ground = Ground.of(_lines([_line(f"p{i}", scores=[0.5] * 3) for i in range(9)]))
    assert ground.widened(plain, Arms()) is ground
    made = choices(plain, ground, Rule(cascades=True))
    assert (made.chosen == choices(plain, ground, Rule()).chosen).all()
    assert np.isfinite(made.scale)
