"""What strategies learn, on the page of metrics."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from routing.lab.table import read
from routing.lab.train import train
from tests.flow.provider import CHAT, ENV, call, command
from tests.flow.routed import PATIENCE, routed
from tests.flow.test_records import BEARER, MASTER
from tests.harness.gateway import Running
from tests.harness.keys import mint
from tests.routing import outcomes

ALL = {**ENV, "MASTER": MASTER}
MODELS = ("large", "coder", "small")
DECISIONS = "routeiq_routing_decisions_total"
ROLLED_BACK = "routeiq_routing_versions_rolled_back_total"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    made = train(read(outcomes.write(folder / "learn.jsonl", 400, 0)))
    made.write(folder / "router" / "v1")
    shutil.copytree(folder / "router" / "v1", folder / "router" / "v2")
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    strategies = {
        "router": {"kind": "gbdt", "options": {"artifact": "router", **PATIENCE}},
        "tries": {"kind": "thompson", "options": {"by": "none"}},
        "taste": {"kind": "personalised"},
    }
    with routed(
        folder,
        strategies,
        routing={"learning": {"full_scores": 2}},
        keys={"master": "env:MASTER"},
        env=ALL,
    ) as running:
        yield running


def _ask(running: Running, model: str, headers: Any = BEARER, **more: Any) -> str:
    answer = running.post(CHAT, call(model, **more), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-routeiq-id"]


def _say(running: Running, id: str, headers: Any = BEARER, **more: Any) -> int:
    said = {"id": id, "score": 0.25, **more}
    return running.post("/v1/feedback", said, headers=headers).status_code


def _until(running: Running, value: float, name: str, **labels: str) -> None:
    end = time.monotonic() + 20
    while running.metric(name, **labels) != value:
        assert time.monotonic() < end, running.get("/metrics").text
        time.sleep(0.05)


def test_what_serves_and_who_decided_is_told(running: Running, folder: Path) -> None:
    def decided(outcome: str, strategy: str = "router") -> float:
        return running.metric(DECISIONS, strategy=strategy, outcome=outcome)

    def serves(version: str) -> float:
        return running.metric("routeiq_routing_artifact_serves", version=version)

    _ask(running, "router")
    assert (decided("otherwise"), decided("learned")) == (1, 0)
    assert running.metric("routeiq_routing_artifact_serves") == 0
    for version in ("v1", "v2"):
        words = ("promote", "router", version, "--data", "learn.jsonl", "--force")
        done = command(folder, "routing", *words, **ALL)
        assert done.returncode == 0, done.stderr
    end = time.monotonic() + 20
    while not serves("v2"):
        assert time.monotonic() < end
        _ask(running, "router")
        time.sleep(0.05)
    page = running.get("/metrics").text
    (line,) = [
        x
        for x in page.splitlines()
        if x.startswith("routeiq_routing_artifact_") and "serves{" in x
    ]
    assert 'strategy="router"' in line
    assert 'version="v2"' in line
    age = running.metric("routeiq_routing_artifact_age_seconds", strategy="router")
    assert 0 <= age < 600
    before = decided("learned")
    _ask(running, "router")
    assert decided("learned") == before + 1
    assert running.metric(ROLLED_BACK, strategy="router") == 0
    done = command(folder, "routing", "rollback", "router", "--why", "bad", **ALL)
    assert done.returncode == 0, done.stderr
    end = time.monotonic() + 20
    while not serves("v1"):
        assert time.monotonic() < end
        _ask(running, "router")
        time.sleep(0.05)
    assert serves("v2") == 0
    assert running.metric(ROLLED_BACK, strategy="router") == 1

    _ask(running, "taste", user="ada")
    id = _ask(running, "taste", user="ada")
    assert decided("otherwise", "taste") == 2
    assert _say(running, id) == 201
    _ask(running, "taste", user="ada")
    assert decided("learned", "taste") == 1


def test_scores_are_counted_by_what_became_of_them(running: Running) -> None:
    def count(result: str, source: str = "client") -> float:
        name = "routeiq_feedback_total"
        return running.metric(name, source=source, result=result)

    before = {r: count(r) for r in ("taken", "duplicate", "capped", "refused")}
    member = {"authorization": f"Bearer {mint(running, 'member')}"}
    ids = [_ask(running, "tries", member) for _ in range(4)]
    assert [_say(running, id, member) for id in ids[:3]] == [201] * 3
    assert _say(running, ids[0], member) == 200
    assert _say(running, _ask(running, "tries"), member) == 404
    assert _say(running, ids[3], member, score=7) == 400
    told = {r: count(r) - n for r, n in before.items()}
    assert told == {"taken": 2, "duplicate": 1, "capped": 1, "refused": 2}
    assert _say(running, ids[3], source="judge") == 201
    assert count("taken", "judge") == 1


def test_what_was_predicted_stands_beside_what_was_observed(running: Running) -> None:
    def mean(of: str) -> float:
        name = "routeiq_routing_quality"
        return running.metric(name, strategy="tries", of=of)

    name = "routeiq_routing_quality_scores_total"
    before = running.metric(name, strategy="tries")
    for _ in range(20):
        id = _ask(running, "tries")
        assert _say(running, id, score=1.0) == 201
    assert running.metric(name, strategy="tries") == before + 20
    # It thought of all as middling, and learned better.
    assert 0.5 < mean("predicted") < mean("observed") <= 1.0


def test_labels_are_names_of_the_configuration(running: Running) -> None:
    for word in ("made-up-1", "made-up-2"):
        headers = {**BEARER, "x-routeiq-strategy": word}
        answer = running.post(CHAT, call("tries"), headers=headers)
        assert answer.status_code == 400
        _say(running, _ask(running, "tries"), source=word)
        _say(running, _ask(running, "tries"), name=word)
    assert "made-up" not in running.get("/metrics").text
