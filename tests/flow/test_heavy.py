"""Fault: a prediction that takes seconds. No request fails, one decision is late.

The routers here are written as any other, and their predictions really take that long:
`tests.routing.heavy`.
"""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from routing.lab.table import read
from routing.lab.train import Trained, train
from tests.flow.provider import CHAT
from tests.flow.routed import routed
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running
from tests.routing import outcomes
from tests.routing.heavy import TRIGGER, heavy
from tests.routing.outcomes import PROMPTS

SUMS = PROMPTS["sums"]
RULED, LEARNED = "large", "small"
"""Who serves a sum by the strategy that decides otherwise, and by the router."""
MODELS = 1200


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("honest")
    return train(read(outcomes.write(folder / "learn.jsonl", 400, 0)))


@pytest.fixture(scope="module")
def folder(honest: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`watched` is honest; `later` takes seconds for who speaks of `TRIGGER`, `always`
    for everyone."""
    folder = tmp_path_factory.mktemp("heavy")
    honest.write(folder / "watched")
    for name in ("later", "always"):
        made = heavy(honest, MODELS, 500, 1000, always=name == "always")
        made.write(folder / name)
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    options = {"otherwise": "ordered", "poll_s": 0.1, "rest_s": 3600.0}
    strategies = {
        name: {
            "kind": "gbdt",
            "options": {"artifact": name, "budget_ms": budget} | options,
        }
        for name, budget in (("watched", 1000.0), ("later", 500.0), ("spare", 500.0))
    }
    weary = {"artifact": "later", "rest_s": 0.5, "rest_max_s": 2.0}
    strategies["weary"] = {"kind": "gbdt", "options": options | weary}
    models = {"watched": "watched", "later": "later", "weary": "weary"}
    with routed(folder, strategies, models={**models, "plain": "ordered"}) as running:
        yield running


class Traffic(threading.Thread):
    """Asks until it is told to stop; who served, what went wrong."""

    def __init__(self, url: str, model: str) -> None:
        super().__init__()
        self._url = url
        self._model = model
        self.stopped = threading.Event()
        self.served: list[str] = []
        self.ids: list[str] = []
        self.failed: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._url, **PATIENT) as client:
            while not self.stopped.is_set():
                try:
                    who, id = _ask(client, self._model, SUMS)
                except (AssertionError, httpx.HTTPError) as error:
                    self.failed.append(repr(error))
                else:
                    self.served.append(who)
                    self.ids.append(id)


def _ask(client: httpx.Client, model: str, text: str) -> tuple[str, str]:
    """Who served, and the exchange's id."""
    messages = [{"role": "user", "content": text}]
    answer = client.post(CHAT, json={"model": model, "messages": messages})
    assert answer.status_code == 200, answer.text
    served = answer.headers["x-routeiq-deployment"].rpartition("/")[2]
    return served, answer.headers["x-routeiq-id"]


@pytest.fixture(params=[("later", "watched", "plain")])
def traffic(
    running: Running, request: pytest.FixtureRequest
) -> Iterator[dict[str, list[Traffic]]]:
    """Two who ask for each model."""
    made = {m: [Traffic(running.url, m) for _ in "ab"] for m in request.param}
    every = [one for some in made.values() for one in some]
    for one in every:
        one.start()
    yield made
    for one in every:
        one.stopped.set()
    for one in every:
        one.join()


def _more(traffic: dict[str, list[Traffic]], count: int) -> None:
    """Wait until each has asked so often again."""
    before = {one: len(one.ids) for some in traffic.values() for one in some}
    end = time.monotonic() + 60
    while any(len(one.ids) < n + count for one, n in before.items()):
        assert time.monotonic() < end
        time.sleep(0.02)


def _told(running: Running, name: str) -> dict[str, Any]:
    told: dict[str, Any] = running.get(f"/v1/routing/strategies/{name}").json()
    return told


def test_nothing_is_loaded_while_requests_wait(running: Running) -> None:
    # No model decides by it, a client could name it at any time; and it is not there.
    lines = running.logged('"listening"').splitlines()
    looked = [i for i, line in enumerate(lines) if "spare is not there" in line]
    listens = next(i for i, line in enumerate(lines) if '"listening"' in line)
    assert any(lines[i].startswith("{") and i < listens for i in looked), lines


# `later` is not asked: on a busy machine its own budget would be over beside a trial.
@pytest.mark.parametrize("traffic", [("watched", "plain")], indirect=True)
def test_what_takes_seconds_is_refused_while_others_are_served(
    running: Running, folder: Path, traffic: dict[str, list[Traffic]]
) -> None:
    _more(traffic, 3)
    before = _told(running, "watched")["artifact"]
    old = folder / "honest"
    (folder / "watched").rename(old)
    shutil.copytree(folder / "always", folder / "made")
    (folder / "made").rename(folder / "watched")
    end = time.monotonic() + 60
    while "refused (slow)" not in running.log:
        _more(traffic, 1)
        assert time.monotonic() < end
    _more(traffic, 5)
    assert {who for one in traffic["watched"] for who in one.served} == {LEARNED}
    assert not [why for some in traffic.values() for one in some for why in one.failed]
    told = _told(running, "watched")
    assert (told["artifact"], told["refused"], told["failed"]) == (before, 1, 0)
    assert "takes more than 1 s to answer" in told["fault"]
    name = "routeiq_routing_artifacts_refused_total"
    assert running.metric(name, strategy="watched") == 1


def test_after_one_late_decision_the_rules_decide_and_no_request_fails(
    running: Running, traffic: dict[str, list[Traffic]]
) -> None:
    _more(traffic, 3)
    assert {who for one in traffic["later"] for who in one.served} == {LEARNED}
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        who, slow = _ask(client, "later", TRIGGER)
        # Nobody waits for all of it: the rules decide this one, too.
        assert who == RULED
        reason = running.record(slow, among=5000)["plan"]["order"][0]["reason"]
        assert "rests" in reason
        stopped, all = reason.partition("stopped after ")[2].split()[0:3:2]
        assert 0 < int(stopped) < int(all) == MODELS
        for _ in range(5):
            assert _ask(client, "later", TRIGGER)[0] == RULED
    _more(traffic, 5)
    for one in traffic["later"]:
        assert set(one.served[-4:]) == {RULED}
        turns = [a != b for a, b in zip(one.served, one.served[1:], strict=False)]
        assert sum(turns) == 1
    assert not [why for some in traffic.values() for one in some for why in one.failed]
    told = _told(running, "later")
    assert (told["failed"], told["refused"]) == (1, 0)
    assert "stopped after" in told["fault"]
    said = "routing strategy later rests"
    assert running.logged(said).count(said) == 1
    name = "routeiq_routing_decisions_failed_total"
    assert running.metric(name, strategy="later") == 1
    name = "routeiq_routing_decisions_total"
    assert running.metric(name, strategy="later", outcome="rest") > 5


def _rests(running: Running, count: int) -> list[str]:
    """Seconds for which `weary` rested, every time, when there were so many."""
    end = time.monotonic() + 60
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        while _told(running, "weary")["failed"] < count:
            _ask(client, "weary", TRIGGER)
            assert time.monotonic() < end
            time.sleep(0.02)
    said = "routing strategy weary rests for "
    log = running.logged(said, count)
    return [after.partition(" s")[0] for after in log.split(said)[1:]]


def test_what_is_late_again_and_again_rests_ever_longer(running: Running) -> None:
    assert _rests(running, 4) == ["0.5", "1", "2", "2"]
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        end = time.monotonic() + 60
        while _ask(client, "weary", SUMS)[0] != LEARNED:
            assert time.monotonic() < end
            time.sleep(0.05)
    rested = _rests(running, _told(running, "weary")["failed"] + 1)
    assert rested[-1] == "0.5"


def test_another_artifact_need_not_rest(running: Running, folder: Path) -> None:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        _ask(client, "later", TRIGGER)
        assert _ask(client, "later", SUMS)[0] == RULED
        (folder / "later").rename(folder / "heavy")
        good = folder / ("honest" if (folder / "honest").exists() else "watched")
        shutil.copytree(good, folder / "light")
        (folder / "light").rename(folder / "later")
        end = time.monotonic() + 60
        while _ask(client, "later", SUMS)[0] != LEARNED:
            assert time.monotonic() < end
            time.sleep(0.05)
