"""The loop closes: traffic and what was said of it make a router, which watches, is
judged, takes over, saves, and is taken out when it no longer holds what it promised.

Models of known quality and price stand behind sockets; between the steps there is
nothing but the commands of routing/README.md.
"""

import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.flow.provider import CHAT, ENV, command, priced, whole
from tests.flow.test_records import BEARER, MASTER
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream
from tests.routing.outcomes import WORDS

PRICES = {"dear": (10.0, 40.0), "cheap": (0.5, 2.0)}
DEAR_CALL = 10 * 10e-6 + 5 * 40e-6
RIGHT = {
    "dear": {"sums": 0.95, "law": 0.95},
    "cheap": {"sums": 0.95, "law": 0.1},
}
ALL = {**ENV, "MASTER": MASTER}


@pytest.fixture(scope="module")
def worse() -> threading.Event:
    """Once it is set, the cheap model is no good at anything."""
    return threading.Event()


@pytest.fixture(scope="module")
def upstream(worse: threading.Event) -> Iterator[Upstream]:
    rng = random.Random(11)

    def answer(request: Request) -> Script:
        model = request.path.split("/")[1]
        text = request.json()["messages"][-1]["content"]
        kind = "sums" if any(w in text.split() for w in WORDS["sums"]) else "law"
        chance = RIGHT[model][kind]
        if model == "cheap" and worse.is_set():
            chance = 0.1
        return whole("right" if rng.random() < chance else "wrong")

    with Upstream() as up:
        up.on(None, answer)
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    router = {
        "artifact": "router",
        "otherwise": "weighted",
        "quality": 0.97,
        "budget_ms": 20_000.0,  # a busy machine is not at fault
        "poll_s": 0.2,
    }
    setup = {
        "keys": {"master": "env:MASTER"},
        "models": {
            "auto": {
                "strategy": "trial",
                "deployments": [
                    priced(upstream, name, price, model=f"openai/{name}")
                    for name, price in PRICES.items()
                ],
            }
        },
        "routing": {
            "collect": "sketch",
            "strategies": {
                "router": {"kind": "gbdt", "options": router},
                "newest": {"kind": "gbdt", "options": router | {"version": "newest"}},
                "trial": {
                    "kind": "experiment",
                    "options": {"arms": {"router": 1}, "shadows": ["newest"]},
                },
            },
        },
    }
    folder = tmp_path_factory.mktemp("loop")
    (folder / "router").mkdir()
    with gateway(setup, folder, env=ALL) as running:
        yield running


class Asked(NamedTuple):
    """One question."""

    kind: str
    served: str
    right: bool
    cost: float
    id: str


class People:
    """Who asks, and says whether the answer was right."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, headers=BEARER, **PATIENT)
        self._rng = random.Random(5)
        self._count = 0

    def ask(self, kind: str = "") -> Asked:
        kind = kind or self._rng.choice(["sums", "law"])
        self._count += 1
        text = f"{self._count} {' '.join(self._rng.choices(WORDS[kind], k=12))}?"
        messages = [{"role": "user", "content": text}]
        answer = self._client.post(CHAT, json={"model": "auto", "messages": messages})
        assert answer.status_code == 200, answer.text
        right = answer.json()["choices"][0]["message"]["content"] == "right"
        id = answer.headers["x-routeiq-id"]
        said = self._client.post("/v1/feedback", json={"id": id, "score": float(right)})
        assert said.status_code == 201, said.text
        return Asked(
            kind,
            answer.headers["x-routeiq-deployment"],
            right,
            float(answer.headers["x-routeiq-cost-usd"]),
            id,
        )

    def live(self, count: int) -> list[Asked]:
        return [self.ask() for _ in range(count)]

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def people(running: Running) -> Iterator[People]:
    people = People(running.url)
    yield people
    people.close()


def _routing(folder: Path, *words: str) -> dict[str, Any]:
    done = command(folder, "routing", *words, "--json", **ALL)
    assert done.returncode == 0, done.stderr + done.stdout
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_the_loop_closes(
    running: Running, people: People, worse: threading.Event
) -> None:
    folder = running.folder

    # Nobody was promoted: both are asked, by chance that is recorded.
    before = people.live(600)
    assert {a.served for a in before} == set(PRICES)
    running.record(before[-1].id)
    held = ("--held", "held.jsonl.gz", "--held-share", "0.4")
    made = _routing(folder, "dataset", "-o", "learn.jsonl.gz", *held)
    assert made["rows"] + made["held"] == 600
    _routing(folder, "train", "--data", "learn.jsonl.gz", "--out", "router/v1")

    # It watches: recorded, it decides nothing.
    end = time.monotonic() + 20
    while _shadow(running, people.ask("sums")) is None:
        assert time.monotonic() < end
        time.sleep(0.1)
    during = people.live(40)
    would = [_shadow(running, a) or {} for a in during if a.kind == "sums"]
    assert _mean([w.get("candidate") == "cheap" for w in would]) > 0.6
    assert {a.served for a in during if a.kind == "law"} == set(PRICES)

    # It is judged on what was held back, and takes over.
    judged = ("--data", "held.jsonl.gz", "--quality", "0.97", "--floor", "0.8")
    verdict = _routing(folder, "promote", "router", "v1", *judged)
    assert verdict["promoted"]
    assert verdict["passed"]
    assert verdict["gap_low"] > 0.0
    while people.ask("law").served != "dear" or _version(running) != "v1":
        assert time.monotonic() < end + 20
    after = people.live(150)
    saved = 1.0 - _mean([a.cost for a in after]) / DEAR_CALL
    assert saved > 0.25
    assert _mean([a.right for a in after]) > 0.95 - 0.1
    assert _mean([a.served == "dear" for a in after if a.kind == "law"]) > 0.7

    # What it relies on gets worse: it goes, and whoever was before decides.
    worse.set()
    needed = 0
    while _version(running) == "v1":
        people.ask()
        needed += 1
        assert needed < 400
    live = json.loads((folder / "router" / "live.json").read_bytes())
    assert live["version"] == ""
    last = (folder / "router" / "history.jsonl").read_text().splitlines()[-1]
    event = json.loads(last)
    assert event["what"] == "rollback"
    assert "quality" in event["why"]
    running.logged("routing version v1 rolled back")
    told = running.metric("routeiq_routing_versions_withdrawn_total", strategy="router")
    assert told == 1
    served = {people.ask("law").served for _ in range(20)}
    assert served == set(PRICES)


def _shadow(running: Running, asked: Asked) -> dict[str, Any] | None:
    """What the newest version would have done, once there is one."""
    shadow: dict[str, Any] = running.record(asked.id)["plan"]["shadows"][0]
    return shadow if shadow.get("quality") is not None else None


def _version(running: Running) -> str | None:
    told = running.get("/v1/routing/strategies/router", headers=BEARER)
    version: str | None = told.json()["version"]
    return version
