"""Laws of the choice between one model alone and a cascade."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.book import BadStrategy, Book, Spec
from routing.contract import Strategy
from routing.engine import Pool, plan
from routing.health import Health
from routing.lab.table import Table
from routing.lab.train import Trained
from routing.learned.artifact import Artifact, ArtifactError, load
from routing.learned.model import NAMES, Model
from routing.learned.prices import Rates
from routing.learned.registry import Expected, Registry
from routing.strategies.estimates import estimates, several
from routing.strategies.gated import opened
from routing.text import Reader
from routing.types import Candidate, Prompt, Query, Wishes
from tests.routing import outcomes

ARM = "coder+small>large"
MEMBERS = ["coder", "small", "large"]
KINDS = ("gbdt", "ridge", "hybrid")
PROMPTS = [" ".join(words) for words in outcomes.WORDS.values()]


@pytest.fixture(scope="module")
def book(learned: Trained, tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder = tmp_path_factory.mktemp("gated") / "router"
    learned.write(folder)
    assert load(folder).manifest.arms == {ARM: tuple(MEMBERS)}
    options = {"artifact": str(folder), "budget_ms": 1e6}
    specs = {f"by-{kind}": Spec(kind=kind, options=options) for kind in KINDS}
    specs["explored"] = Spec(kind="explore", options={"of": "by-gbdt", "share": 1.0})
    specs["slow"] = Spec(kind="latency")
    for name in (*specs, "nobody"):
        specs[f"gated-{name}"] = Spec(kind="cascade", options={"router": name})
    for name, more in (("both", {"rungs": 2}), ("one-by-one", {"doubt": "verify"})):
        specs[name] = Spec(kind="cascade", options={"router": "by-gbdt", **more})
    return Book(specs, random.Random(0), lambda: 0.0)


def _query(text: str, *, cascades: bool = True, **wishes: float) -> Query:
    asked = Wishes(**wishes) if wishes else Wishes(quality=1.0)
    prompt = Prompt(text=text)
    return Query(
        alias="m",
        prompt=prompt,
        cascades=cascades,
        wishes=asked,
        input_tokens=100,
        output_tokens=100,
    )


candidates = st.lists(
    st.builds(
        Candidate,
        id=st.uuids().map(str),
        model=st.sampled_from(["openai/small", "coder", "a/large", "stranger", ""]),
        order=st.integers(1, 2),
        input_price=st.none() | st.integers(0, 10**7),
        output_price=st.none() | st.integers(0, 10**7),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda c: c.id,
)
prompts = st.sampled_from(PROMPTS) | st.text(max_size=40)
quick = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("kind", KINDS)
@given(candidates, prompts, st.sampled_from([0.9, 0.99, 1.0]))
@quick
def test_rungs_are_a_cascade_that_was_learned_or_none(
    book: Book, kind: str, pool: list[Candidate], text: str, share: float
) -> None:
    planned = plan(
        book.get(f"gated-by-{kind}"),
        _query(text, quality=share),
        Pool(pool, [Health() for _ in pool]),
        0.0,
    )
    assert sorted(s.candidate for s in planned.order) == sorted(c.id for c in pool)
    models = {c.id: c.model.rpartition("/")[2] for c in pool}
    rungs = [step.rung for step in planned.order]
    if planned.rungs:
        assert rungs[:3] == [1, 2, 3]
        assert [models[id] for id in planned.rungs] == MEMBERS
        first = min(c.order for c in pool)
        assert all(c.order == first for c in pool if c.id in planned.rungs)
    assert sum(s.propensity for s in planned.order) == pytest.approx(1.0)
    assert not any(rungs[3 if planned.rungs else 0 :])


@given(candidates, prompts, st.randoms(use_true_random=False))
@quick
def test_no_order_of_the_candidates_changes_the_choice(
    book: Book, pool: list[Candidate], text: str, order: random.Random
) -> None:
    strategy, query = book.get("by-gbdt"), _query(text)
    health = [Health() for _ in pool]

    def told(pool: list[Candidate]) -> dict[str, tuple[float, int]]:
        scores = strategy.score(query, pool, health)
        return {c.id: (s.value, s.rung) for c, s in zip(pool, scores, strict=True)}

    mixed = list(pool)
    order.shuffle(mixed)
    assert told(mixed) == told(pool)


def _pool(*ids: str, **more: object) -> Pool:
    found = [
        msgspec.convert({"id": i, "model": i.rstrip("2"), **more}, Candidate)
        for i in ids
    ]
    return Pool(found, [Health() for _ in found])


def _rungs(strategy: Strategy, pool: Pool, **more: object) -> list[list[str]]:
    """Of each kind of prompts."""
    return [
        plan(strategy, _query(text, **more), pool, 0.0).rungs  # type: ignore[arg-type]
        for text in PROMPTS
    ]


@pytest.fixture
def eager(book: Book, monkeypatch: pytest.MonkeyPatch) -> Strategy:
    """One that takes every cascade for the best."""
    strategy = book.get("by-gbdt")
    predict = Model.predict

    def predicted(model: Model, *given: object) -> object:
        said = predict(model, *given)  # type: ignore[arg-type]
        said.quality[model.alone :] = 2.0
        return said

    monkeypatch.setattr(Model, "predict", predicted)
    return strategy


def test_only_where_it_may_and_every_member_is_there(
    book: Book, eager: Strategy
) -> None:
    whole = [MEMBERS] * len(PROMPTS)
    none: list[list[str]] = [[]] * len(PROMPTS)
    assert _rungs(eager, _pool(*MEMBERS)) == whole
    assert _rungs(eager, _pool("stranger", *MEMBERS)) == whole
    assert _rungs(eager, _pool(*MEMBERS), cascades=False) == none
    for missing in MEMBERS:
        left = [m for m in MEMBERS if m != missing]
        assert _rungs(eager, _pool("stranger", *left)) == none
        pool = _pool(*MEMBERS)
        pool.health[MEMBERS.index(missing)].cool(0.0, 9.0, "x")
        assert _rungs(eager, pool) == none
    # All three must not cost more than is allowed: 200 tokens at a dollar a million.
    price = {"input_price": 10**6, "output_price": 10**6}
    assert _rungs(eager, _pool(*MEMBERS, **price), max_cost=0.0006) == whole
    assert _rungs(eager, _pool(*MEMBERS, **price), max_cost=0.0005) == none
    # Who is explored is asked alone.
    assert _rungs(book.get("gated-explored"), _pool(*MEMBERS)) == none


@pytest.mark.parametrize("judged", [None, "gbdt", "ridge"])
def test_a_promoted_version_chooses_cascades_only_where_they_were_judged(
    learned: Trained, eager: Strategy, tmp_path: Path, judged: str | None
) -> None:
    assert eager.told()["cascades"]  # type: ignore[attr-defined]
    learned.write(tmp_path / "v1")
    promised = Expected(quality=0.9, cost=0.001)
    Registry(tmp_path).promote(
        "v1",
        promised,
        by={"gbdt": promised},
        cascades={judged: promised} if judged else {},
    )
    options = {"artifact": str(tmp_path), "budget_ms": 1e6}
    specs = {"live": Spec(kind="gbdt", options=options)}
    strategy = Book(specs, random.Random(0), lambda: 0.0).get("live")
    may = judged == "gbdt"
    assert strategy.told()["cascades"] is may  # type: ignore[attr-defined]
    chosen = MEMBERS if may else []
    assert _rungs(strategy, _pool(*MEMBERS)) == [chosen] * len(PROMPTS)


def test_of_two_deployments_the_one_with_less_to_do(eager: Strategy) -> None:
    pool = _pool("small2", *MEMBERS)
    assert _rungs(eager, pool)[0] == MEMBERS
    pool.health[MEMBERS.index("small") + 1].in_flight = 1
    assert _rungs(eager, pool)[0] == ["coder", "small2", "large"]


def test_what_a_cascade_costs_follows_the_prices_of_its_members(
    wide: Table, learned: Trained, tmp_path: Path
) -> None:
    rates = {name: {"input": 1.0, "output": 1.0} for name in outcomes.MODELS}
    manifest = msgspec.structs.replace(
        learned.artifact.manifest,
        prices=msgspec.convert(rates, dict[str, Rates]),
    )
    learned._replace(
        artifact=msgspec.structs.replace(learned.artifact, manifest=manifest)
    ).write(tmp_path / "router")
    model = Model(load(tmp_path / "router"))
    said = model.predict(Reader().sketch(PROMPTS[0]))
    query = _query(PROMPTS[0])

    def cost(*dollars: float) -> float:
        pool = [
            Candidate(id=m, input_price=round(d * 1e6), output_price=round(d * 1e6))
            for m, d in zip(MEMBERS, dollars, strict=True)
        ]
        found = estimates(model, query, pool, said.quality, said.cost)
        (arm,) = opened(
            model, query, pool, [Health() for _ in pool], [e.cost for e in found]
        )
        return several(model, arm, said.quality, said.cost, found).cost

    learned_cost = float(said.cost[3])
    assert cost(1.0, 1.0, 1.0) == pytest.approx(learned_cost)
    assert cost(3.0, 3.0, 3.0) == pytest.approx(3 * learned_cost, rel=1e-3)
    assert cost(0.0, 0.0, 0.0) == 0.0
    assert learned_cost < cost(1.0, 1.0, 2.0) < 2 * learned_cost
    assert cost(0.0, 1.0, 1.0) < learned_cost


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gated-slow", "'slow' is not"),
        ("both", "leaves nothing to `then` and `rungs`"),
        ("one-by-one", "what two say at once"),
        ("gated-nobody", "nobody"),
    ],
)
def test_what_cannot_choose_is_told(book: Book, name: str, says: str) -> None:
    with pytest.raises((BadStrategy, LookupError), match=says):
        book.get(name)


def test_cascades_are_learned_beside_the_models_alone(
    wide: Table, learned: Trained, trained: Trained
) -> None:
    manifest = learned.artifact.manifest
    assert wide.alone == 3
    assert manifest.models == (*outcomes.MODELS, ARM)
    assert manifest.arm_terms.keys() == {*NAMES, "strange"}
    assert manifest.terms.keys() == trained.artifact.manifest.terms.keys()
    model = Model(learned.artifact)
    assert model.alone == 3
    assert model.place.keys() == set(outcomes.MODELS)
    assert [(a.name, a.place, a.members) for a in model.arms] == [(ARM, 3, (1, 0, 2))]
    assert Model(trained.artifact).arms == ()


FAULTS: dict[str, Callable[[Artifact], dict[str, object]]] = {
    "not the last": lambda a: {"models": (ARM, *outcomes.MODELS)},
    "not there": lambda a: {"models": outcomes.MODELS},
    "of strangers": lambda a: {"arms": {ARM: ("coder", "small", "nobody")}},
    "of itself": lambda a: {"arms": {ARM: ("coder", "coder", "large")}},
    "of a cascade": lambda a: {"arms": {ARM: ("coder", "small", ARM)}},
    "without terms": lambda a: {"arm_terms": {}},
    "without a kind's": lambda a: {"arm_terms": {"gbdt": a.manifest.arm_terms["gbdt"]}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_artifact_with_broken_cascades_is_refused(
    learned: Trained, fault: str, tmp_path: Path
) -> None:
    whole = learned.artifact
    spoiled = msgspec.structs.replace(whole.manifest, **FAULTS[fault](whole))
    learned._replace(artifact=msgspec.structs.replace(whole, manifest=spoiled)).write(
        tmp_path / "router"
    )
    with pytest.raises(ArtifactError) as caught:
        Model(load(tmp_path / "router"))
    assert caught.value.kind == "damaged"
