"""One gateway, one scripted provider and the names that tests call models by.

Every test asks for a model of its own, made by a wildcard: `scene.alias("two")` is
`two/17`, with a health, a circuit breaker and records that no other test touches.
"""

import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.faults.speech import Client
from tests.faults.wire import MASTER, Wire
from tests.harness.clients import Clients
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import PATIENCE_S, Answer, Request, Rule, Upstream

SECRETS = {
    "MASTER": MASTER,
    "KEY_A": "sk-canary-aaaaaaaaaaaaaaaaaaaa",
    "KEY_B": "sk-canary-bbbbbbbbbbbbbbbbbbbb",
    "KEY_C": "sk-canary-cccccccccccccccccccc",
}
PRICE = {"input": 1.0, "output": 2.0}
"""Dollars a million: 1000 and 2000 nano-dollars a token."""
FDS_MORE = 5
RSS_MORE = 48 * 2**20
"""The interpreter keeps arenas and code it has once used; a leak goes on growing."""


class Scene:
    """What a test has before it."""

    def __init__(self, running: Running, upstream: Upstream) -> None:
        self.running = running
        self.upstream = upstream
        self._names = count(1)
        self.server = ""
        """Which HTTP server it runs on, where a test must know."""
        self._clients = Clients(running.url)

    @property
    def http(self) -> httpx.Client:
        """This thread's client."""
        return self._clients.mine()

    def close(self) -> None:
        self._clients.close()

    @property
    def pid(self) -> int:
        return self.running.process.pid

    def alias(self, kind: str = "one") -> str:
        """A model that nobody has asked for yet."""
        return f"{kind}/n{next(self._names)}n"

    def on(self, alias: str, place: str, *answers: Answer) -> Rule:
        """Script what a place (`a`, `b`, ...: the path of a deployment) answers to
        requests for a model."""
        name = alias.partition("/")[2] or alias

        def match(request: Request) -> bool:
            return request.path.startswith(f"/{place}/") and (
                name in request.path or name.encode() in request.body
            )

        return self.upstream.on(match, *answers)

    def reached(self, alias: str, place: str = "") -> list[Request]:
        """The requests for a model that came through to the provider."""
        name = alias.partition("/")[2] or alias
        return [
            request
            for request in self.upstream.requests
            if request.path.startswith(f"/{place}")
            and (name in request.path or name.encode() in request.body)
        ]

    def ask(
        self,
        alias: str,
        client: Client,
        *,
        stream: bool = False,
        headers: Mapping[str, str] = {},
        **fields: Any,
    ) -> httpx.Response:
        """A whole call; the answer was read to its end."""
        path, body = client.call(alias, stream=stream)
        return self.http.post(
            path, json={**body, **fields}, headers={**client.key(MASTER), **headers}
        )

    def dial(self, *, receive_buffer: int = 0) -> Wire:
        """A bare connection to the gateway."""
        return Wire(self.running.port, receive_buffer)

    def healthy_s(self) -> float:
        """How long the gateway takes now to answer by itself; best of three."""
        return min(self.health_s() for _ in range(3))

    def health_s(self) -> float:
        began = time.monotonic()
        assert self.http.get("/health/live").status_code == 200
        return time.monotonic() - began

    def rows(
        self, alias: str, number: int = 1, within_s: float = PATIENCE_S
    ) -> list[dict[str, Any]]:
        """The records of a model's exchanges, once there are so many; oldest first."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            nonlocal found
            with closing(sqlite3.connect(self.running.folder / "routeiq.db")) as db:
                found = [
                    row
                    for (data,) in db.execute(
                        "select data from log where log = 'exchanges' order by id"
                    )
                    if (row := json.loads(data))["alias"] == alias
                ]
            return len(found) >= number

        assert until(enough, within_s), f"{len(found)} of {number} records of {alias}"
        return found

    def state(self, alias: str) -> dict[str, str]:
        """Deployment -> the state its health is in."""
        page = self.metrics()
        pattern = re.compile(
            r'routeiq_deployment_state\{deployment="([^"]*)",state="(\w+)"\} 1(?:\.0)?$',
            re.MULTILINE,
        )
        return {
            deployment: state
            for deployment, state in pattern.findall(page)
            if deployment.startswith(f"{alias}/")
        }

    def metrics(self) -> str:
        return self.http.get("/metrics").text

    def metric(self, name: str) -> float:
        """The sum of all samples of a metric."""
        found = re.findall(
            rf"^{name}(?:\{{.*\}})? (\S+)$", self.metrics(), re.MULTILINE
        )
        assert found, name
        return sum(map(float, found))

    def in_flight(self) -> float:
        return self.metric("routeiq_in_flight")

    def logged(self, word: str) -> list[dict[str, Any]]:
        """The lines of the log that hold a word."""
        return [
            json.loads(line)
            for line in [*self.running.lines]
            if word in line and line.startswith("{")
        ]

    def said(self) -> str:
        """All that it wrote."""
        return "".join((*self.running.lines, *self.running.out))

    def fds(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss(self) -> int:
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu_s(self) -> float:
        """Processor seconds it has used, whatever else is going on here."""
        text = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2]
        user, system = text.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def peak_rss(self) -> int:
        """The most it ever had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def rest(self) -> None:
        """Wait until nothing is under way and no connection is kept."""
        assert until(lambda: self.in_flight() == 0), "exchanges are still under way"
        self.alone()

    def alone(self) -> None:
        """Let no connection be kept from before: a request on one that breaks is sent
        once more on a new one, unseen."""
        assert until(self._dropped), "connections to the provider stay open"

    def _dropped(self) -> bool:
        self.upstream.drop_all()
        return self.upstream.quiet(0.2)

    def warm(self, clients: Mapping[str, Client], answers: Answer) -> None:
        """Everything that is loaded, opened or cached by a first use."""
        for _ in range(5):
            for client in clients.values():
                alias = self.alias()
                self.on(alias, "a", answers)
                for stream in (False, True):
                    answer = self.ask(alias, client, stream=stream)
                    assert answer.status_code == 200, answer.text + self.said()
        self.state("")


def until(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
    limit = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


def deployment(upstream: Upstream, place: str, **fields: Any) -> dict[str, Any]:
    """A deployment under a wildcard, whose requests come to `/place/...`."""
    family = fields.pop("family", "openai")
    version = {"openai": "/v1", "gemini": "/v1beta"}.get(family, "")
    return {
        "model": f"{family}/*",
        "base_url": f"{upstream.url}/{place}{version}",
        "api_key": "env:KEY_A",
        "price": PRICE,
        **fields,
    }


@contextmanager
def scene(
    upstream: Upstream,
    models: Mapping[str, Any],
    folder: Path,
    *,
    http: str = "fast",
    warm: tuple[Mapping[str, Client], Answer] | None = None,
    **sections: Any,
) -> Iterator[Scene]:
    """A gateway on `models`; at the end it must be as small as it began."""
    config = {
        "keys": {"master": "env:MASTER"},
        "models": models,
        "retries": {"backoff_s": 0.02, "backoff_max_s": 0.1, "budget_min": 1000},
        **sections,
    }
    with gateway(config, folder, env=SECRETS, http=http) as running:
        made = Scene(running, upstream)
        if warm is not None:
            made.warm(*warm)
        made.rest()
        fds, rss = made.fds(), made.rss()
        yield made
        assert running.process.poll() is None, "".join(running.lines)
        made.rest()
        assert until(lambda: made.fds() <= fds + FDS_MORE), f"{fds} -> {made.fds()}"
        small = until(lambda: made.rss() < rss + RSS_MORE)  # it tidies now and then
        assert small, f"{rss >> 20} -> {made.rss() >> 20} MiB"
        assert made.metric("routeiq_deployment_in_flight") == 0
        assert made.metric("routeiq_records_lost(?:_total)?") == 0
        said = made.said()
        assert "canary" not in said, "a provider's key was written"
        assert MASTER not in said, "the master key was written"
        assert "Traceback" not in said, said
        made.close()
