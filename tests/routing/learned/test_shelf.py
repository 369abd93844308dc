"""The strategies over an artifact when it misbehaves: late, ill, at fault."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routing.book import Book, Spec
from routing.contract import Outcome
from routing.health import Health
from routing.lab.train import Trained
from routing.learned.model import Model, Prediction
from routing.learned.registry import Expected, Registry
from routing.strategies.learned import Gbdt
from routing.types import Candidate, Prompt, Query, Score
from tests.routing import outcomes

NAMES = ("large", "coder", "small")
CANDIDATES = [
    Candidate(id=name, model=f"openai/{name}", input_price=1, output_price=1)
    for name in NAMES
]
TEXT = outcomes.PROMPTS["sums"]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(trained: Trained, tmp_path: Path) -> Registry:
    trained.write(tmp_path / "router" / "v1")
    registry = Registry(tmp_path / "router")
    registry.promote("v1", Expected(quality=0.9, cost=0.001))
    return registry


def _strategy(registry: Registry, clock: Clock, **more: Any) -> Gbdt:
    options = {"artifact": str(registry.folder), "otherwise": "ordered", **more}
    book = Book({"ours": Spec(kind="gbdt", options=options)}, random.Random(1), clock)
    made = book.get("ours")
    assert isinstance(made, Gbdt)
    return made


def _scores(strategy: Gbdt, id: str = "") -> list[Score]:
    query = Query(alias="a", id=id, prompt=Prompt(text=TEXT))
    return strategy.score(query, CANDIDATES, [Health() for _ in CANDIDATES])


def _first(scores: list[Score]) -> str:
    return NAMES[max(range(len(scores)), key=lambda i: scores[i].value)]


def _eventually(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def _late(clock: Clock) -> Callable[..., Prediction]:
    usual = Model.predict

    def predict(*args: Any, **more: Any) -> Prediction:
        clock.now += 5.0
        return usual(*args, **more)

    return predict


def _no_number(*args: Any, **more: Any) -> Prediction:
    nothing = np.full(3, np.nan, np.float32)
    return Prediction(nothing, nothing, 1.0)


def _raises(*args: Any, **more: Any) -> Prediction:
    raise RuntimeError("the library is ill")


def test_after_one_late_decision_the_rules_decide_for_a_while(
    registry: Registry, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = _strategy(registry, clock, rest_s=10.0, poll_s=1e6)
    assert _first(_scores(strategy)) == "small"
    monkeypatch.setattr(Model, "predict", _late(clock))
    assert _first(_scores(strategy)) == "small"
    before = clock.now
    for _ in range(20):
        ruled = _scores(strategy)
        assert _first(ruled) == "large"
        assert "took 5.000 s" in ruled[0].reason
    assert clock.now == before
    monkeypatch.undo()
    clock.now += 10.0
    assert _first(_scores(strategy)) == "small"
    assert strategy.told()["failed"] == 1


@pytest.mark.parametrize("ill", [_no_number, _raises])
def test_not_one_request_meets_a_model_that_fails(
    registry: Registry, clock: Clock, monkeypatch: pytest.MonkeyPatch, ill: Any
) -> None:
    strategy = _strategy(registry, clock)
    monkeypatch.setattr(Model, "predict", ill)
    for _ in range(5):
        assert _first(_scores(strategy)) == "large"
    assert strategy.told()["failed"] == 1
    assert strategy.told()["fault"]


def test_what_is_late_from_the_beginning_never_decides(
    registry: Registry, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "predict", _late(clock))
    strategy = _strategy(registry, clock)
    assert _first(_scores(strategy)) == "large"
    assert "slow" in strategy.told()["fault"]
    assert strategy.told()["refused"] == 1


def _fails(strategy: Gbdt, count: int) -> None:
    """Its choices fail, one after the other."""
    for i in range(count):
        first = _first(_scores(strategy, f"x{i}"))
        told = Outcome(
            query=Query(alias="a", id=f"x{i}"),
            candidate=first,
            ok=False,
            latency_s=1.0,
            cost=None,
        )
        strategy.learn(told)


def test_a_version_at_fault_is_taken_out_for_everyone(
    registry: Registry, clock: Clock
) -> None:
    strategy = _strategy(registry, clock)
    _fails(strategy, 60)
    clock.now += 5.0
    _scores(strategy)
    _eventually(lambda: strategy.told()["version"] is None)
    assert _first(_scores(strategy)) == "large"
    live = registry.live()
    assert live is not None
    assert live.version == ""
    assert "failed" in registry.history()[-1].why
    assert strategy.told()["withdrawn"] == 1


@pytest.mark.parametrize("file", [".lock", ".live.json.{}"])
def test_it_is_taken_out_here_where_the_folder_cannot_be_written(
    registry: Registry, clock: Clock, file: str
) -> None:
    strategy = _strategy(registry, clock)
    path = registry.folder / file.format(os.getpid())
    path.unlink(missing_ok=True)
    path.mkdir()  # not to be opened, by root neither
    _fails(strategy, 60)
    clock.now += 5.0
    _scores(strategy)
    _eventually(lambda: strategy.told()["version"] is None)
    assert _first(_scores(strategy)) == "large"
    assert "at fault" in strategy.told()["fault"]


def test_a_damaged_pointer_leaves_who_serves(registry: Registry, clock: Clock) -> None:
    strategy = _strategy(registry, clock)
    (registry.folder / "live.json").write_text("{")
    strategy.reload()
    assert _first(_scores(strategy)) == "small"
    assert "registry" in strategy.told()["fault"]


def test_who_comes_back_is_not_blamed_for_who_went(
    registry: Registry, clock: Clock, trained: Trained
) -> None:
    trained.write(registry.folder / "v2")
    registry.promote("v2", Expected(quality=0.9, cost=0.001))
    strategy = _strategy(registry, clock)
    _fails(strategy, 60)
    clock.now += 5.0
    _scores(strategy)
    # Nobody asks, nor looks at it, until the next time that it looks for another.
    _eventually(lambda: _serving(strategy) == "v1")
    clock.now += 5.0
    _scores(strategy)
    _rests(strategy)
    live = registry.live()
    assert live is not None
    assert live.version == "v1"
    assert strategy.told()["withdrawn"] == 1


def test_who_is_put_in_again_begins_anew(registry: Registry, clock: Clock) -> None:
    strategy = _strategy(registry, clock)
    _fails(strategy, 60)
    kept = strategy.notes.join(None, 0.0)
    assert strategy.notes.fault()
    registry.rollback("an upstream was down")
    registry.promote("v1", Expected(quality=0.9, cost=0.001), forced=True)
    strategy.reload()
    _scores(strategy)
    strategy.notes.join(kept, 0.0)
    assert strategy.told()["watched"]
    assert not strategy.notes.fault()


def _serving(strategy: Gbdt) -> str:
    found = strategy.serving()
    return found.version if found is not None else ""


def _rests(strategy: Gbdt) -> None:
    """Until what it does beside the loop is done."""
    beside = strategy._shelf._loading
    if beside is not None:
        beside.join(20)
