"""Fault: one tenant sends a hundred thousand false votes, says them again, says them of
others' answers and of times to come. What counts of them is bounded, what serves goes
on, and what was learned from them does not get in."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from gateway.store.sqlite import SqliteStore
from gateway.telemetry.row import FEEDBACK_LOG, Feedback
from routing.lab.lines import read_lines, write_lines
from routing.lab.table import read
from routing.lab.train import train
from routing.learned.registry import Expected, Registry
from tests.flow.provider import CHAT, ENV, command, deployment, whole
from tests.flow.test_records import BEARER, MASTER
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.upstream import Upstream
from tests.routing import outcomes
from tests.routing.outcomes import QUALITY, WORDS

PRICES: Final = {"small": 0.1, "coder": 0.4, "large": 4.0}
MODELS: Final = tuple(PRICES)
"""In the order of outcomes.py."""
ALL = {**ENV, "MASTER": MASTER, "OPENBLAS_NUM_THREADS": "1"}
FEEDBACK = "/v1/feedback"
FALSE = 100_000
FREE = 200
"""Votes that a key has whatever the others do."""


def _named(path: Path) -> Path:
    """The models' names as deployments have them."""
    lines = read_lines(path)
    write_lines(path, lines.name, [f"openai/{m}" for m in lines.models], lines.lines)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`router` has v1, which serves; `held.jsonl` nobody could write into."""
    folder = tmp_path_factory.mktemp("poison")
    learn = _named(outcomes.write(folder / "learn.jsonl", 300, 0))
    _named(outcomes.write(folder / "held.jsonl", 400, 9))
    train(read(learn)).write(folder / "router" / "v1")
    Registry(folder / "router").promote("v1", Expected(quality=0.95, cost=1.0))
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    options = {"artifact": "router", "poll_s": 0.1, "budget_ms": 20_000.0}
    with Upstream() as up:
        up.on(None, whole())
        models = {
            alias: {
                "strategy": strategy,
                "deployments": [
                    deployment(
                        up,
                        name,
                        id=f"{alias}/{name}",
                        model=f"openai/{name}",
                        price={"input": price, "output": price},
                    )
                    for name, price in PRICES.items()
                ],
            }
            for alias, strategy in (("auto", "router"), ("even", "weighted"))
        }
        config = {
            "keys": {"master": "env:MASTER"},
            "models": models,
            "routing": {
                "collect": "sketch",
                "strategies": {"router": {"kind": "gbdt", "options": options}},
            },
        }
        with gateway(config, folder, env=ALL) as running:
            yield running


class Tenant:
    """Who asks, and says what came of it, or the contrary."""

    def __init__(self, running: Running, name: str, *, honest: bool) -> None:
        self.secret = mint(running, name)
        self.ids: list[str] = []
        self.weight = 0.0
        self._honest = honest
        self._rng = random.Random(name)
        headers = {"authorization": f"Bearer {self.secret}"}
        self._client = httpx.Client(base_url=running.url, headers=headers, **PATIENT)

    def close(self) -> None:
        self._client.close()

    def live(self, model: str, count: int) -> None:
        for _ in range(count):
            kind = self._rng.choice(sorted(WORDS))
            words = " ".join(self._rng.choices(WORDS[kind], k=12))
            text = f"{self._rng.randrange(10**9)} {words}?"
            messages = [{"role": "user", "content": text}]
            answer = self._client.post(
                CHAT, json={"model": model, "messages": messages}
            )
            assert answer.status_code == 200, answer.text
            who = answer.headers["x-routeiq-deployment"].rpartition("/")[2]
            right = self._rng.random() < QUALITY[kind][MODELS.index(who)]
            id = answer.headers["x-routeiq-id"]
            self.ids.append(id)
            said = self.say(id, float(right == self._honest))
            assert said.status_code == 201, said.text
            self.weight += said.json()["weight"]

    def say(self, id: str, score: float) -> httpx.Response:
        return self._client.post(FEEDBACK, json={"id": id, "score": score})


@pytest.fixture(scope="module")
def honest(running: Running) -> Iterator[list[Tenant]]:
    every = [Tenant(running, f"honest-{i}", honest=True) for i in range(3)]
    yield every
    for one in every:
        one.close()


@pytest.fixture(scope="module")
def evil(running: Running) -> Iterator[Tenant]:
    one = Tenant(running, "evil", honest=False)
    yield one
    one.close()


def _version(running: Running) -> str | None:
    told = running.get("/v1/routing/strategies/router", headers=BEARER).json()
    version: str | None = told["version"]
    return version


def test_one_key_takes_out_nothing_that_others_are_content_with(
    running: Running, honest: list[Tenant], evil: Tenant
) -> None:
    for one in honest:
        one.live("auto", 15)
    for _ in range(10):
        evil.live("auto", 12)
        assert _version(running) == "v1"
    time.sleep(0.5)  # several looks later
    evil.live("auto", 1)
    assert _version(running) == "v1"
    # Fifty a day count whole, all together less than twice as much.
    assert 50 < evil.weight < 100


def test_what_is_said_again_or_of_others_or_of_times_to_come_is_not_heard(
    honest: list[Tenant], evil: Tenant
) -> None:
    for id in evil.ids:
        again = evil.say(id, 0.0)
        assert (again.status_code, again.json()["accepted"]) == (200, False)
        assert again.json()["weight"] == 0.0
    for id in honest[0].ids:
        assert evil.say(id, 0.0).status_code == 404
    soon = int((time.time() + 3600) * 1000)
    later = evil.say(f"req_{soon:012x}{7:016x}", 0.0)
    assert later.status_code == 400
    assert "not come yet" in later.json()["error"]["message"]


def _flood(folder: Path, evil: str, ids: list[str], others: list[str]) -> None:
    """Into the log itself, past the doors: as many false votes as there are."""
    hour = 3600 * 10**9
    now = time.time_ns()
    rows = [
        Feedback(id=ids[i % len(ids)], at_ns=now, score=0.0, key=evil)
        for i in range(FALSE - 30_000)
    ]
    for name, shift in (("later", hour), ("sooner", -hour)):
        rows += [
            Feedback(
                id=ids[i % len(ids)], at_ns=now + shift, score=0.0, key=evil, name=name
            )
            for i in range(10_000)
        ]
    rows += [
        Feedback(id=others[i % len(others)], at_ns=now, score=0.0, key=evil)
        for i in range(5_000)
    ]
    rows += [
        Feedback(id=f"req_{i:028x}", at_ns=now, score=0.0, key=evil)
        for i in range(5_000)
    ]

    async def write() -> None:
        store = SqliteStore(str(folder / "routeiq.db"))
        store.open()
        try:
            for at in range(0, len(rows), 5_000):
                some = [msgspec.json.encode(row) for row in rows[at : at + 5_000]]
                await store.append(FEEDBACK_LOG, some)
        finally:
            await store.close()

    asyncio.run(write())


def _routing(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = command(folder, "routing", *words, "--json", **ALL)
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def test_a_hundred_thousand_false_votes_do_not_get_a_router_in(
    running: Running, folder: Path, honest: list[Tenant], evil: Tenant
) -> None:
    for one in honest:
        one.live("even", 20)
    evil.live("even", 180)
    row = running.record(evil.ids[-1])
    others = [id for one in honest for id in one.ids]
    _flood(folder, row["key"], evil.ids, others)

    code, told = _routing(folder, "dataset", "-o", "poisoned.jsonl")
    assert code == 0
    refused = told["refused"]
    assert refused["said before"] == FALSE - 30_000
    assert refused["in the future"] == 10_000
    assert refused["before the answer"] == 10_000
    assert refused["another key's answer"] == 5_000
    assert refused["unknown answer"] == 5_000
    assert told["rows"] == len(others) + FREE
    assert refused["more than the key's share"] == len(evil.ids) - FREE

    # Two votes of three are false all the same, and it shows.
    words = ("train", "--data", "poisoned.jsonl", "--out", "router/v2")
    assert _routing(folder, *words)[0] == 0
    code, told = _routing(folder, "promote", "router", "v2", "--data", "held.jsonl")
    assert (code, told["promoted"]) == (1, False)
    assert any("quality floor" in why for why in told["reasons"])
    assert _version(running) == "v1"
    for one in honest:
        one.live("auto", 1)
