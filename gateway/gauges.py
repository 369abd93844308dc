"""What the parts know of themselves at this moment, as metrics.

Read when somebody looks, never counted on the way of a request.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from gateway.deployments import Directory
from gateway.net.client import Client
from gateway.spine.dispatch import Dispatch
from gateway.spine.record import Recorder
from gateway.telemetry.metrics import Metrics
from routing.book import Book
from routing.contract import Reloading

Points = Iterable[tuple[Mapping[str, str], float]]

TROUBLES: Final = {
    "artifacts.refused": "Artifacts that must not serve.",
    "decisions.failed": "Decisions that were late, or failed; others decided then.",
    "versions.withdrawn": "Versions of a router taken out for what they did.",
}
STATES: Final = ("closed", "half_open", "open", "cooldown")


def register(
    metrics: Metrics,
    dispatch: Dispatch,
    recorder: Recorder,
    client: Client,
    book: Book,
    server: Any,
) -> None:
    """Show deployments, the exchanges under way, the ring, both sides' connections.

    `server` is the server's own count, `None` under another ASGI server.
    """
    directory = dispatch.directory
    metrics.register(
        "routeiq.in_flight",
        "Exchanges under way.",
        lambda: [({}, dispatch.in_flight)],
    )
    metrics.register(
        "routeiq.deployment.in_flight",
        "Attempts under way, by deployment.",
        lambda: _in_flight(directory),
    )
    metrics.register(
        "routeiq.deployment.state",
        "1 for the state a deployment is in: closed, half_open, open, cooldown.",
        lambda: _states(directory),
        merge="max",
    )
    metrics.register(
        "routeiq.deployment.latency",
        "Average time to the first token, newer answers weighing more.",
        lambda: _latency(directory),
        unit="s",
        merge="max",
    )
    _register_troubles(metrics, book)
    for name, kind, text, read in recorder.gauges():
        counts = kind == "counter"
        metrics.register(name, text, read, kind="counter" if counts else "gauge")
    metrics.register(
        "routeiq.upstream.connections",
        "Connections to providers, by origin and state.",
        lambda: _upstream(client),
    )
    if server is not None:
        metrics.register(
            "routeiq.server.connections",
            "Connections of clients.",
            lambda: [({}, server.connections)],
        )
        metrics.register(
            "routeiq.server.refused",
            "Requests and connections the server itself said no to, by reason.",
            lambda: [({"reason": r}, n) for r, n in list(server.refused.items())],
            kind="counter",
        )


def _register_troubles(metrics: Metrics, book: Book) -> None:
    for what, help in TROUBLES.items():
        metrics.register(
            f"routeiq.routing.{what}",
            help,
            partial(_troubles, book, what.rpartition(".")[2]),
            kind="counter",
        )


def _troubles(book: Book, what: str) -> Iterator[tuple[Mapping[str, str], float]]:
    for strategy in list(book.made()):
        if isinstance(strategy, Reloading):
            yield {"strategy": strategy.name}, strategy.counts()[what]


def _in_flight(directory: Directory) -> Iterator[tuple[Mapping[str, str], float]]:
    for alias in list(directory.aliases()):
        for deployment in alias.deployments:
            yield {"deployment": deployment.id}, deployment.health.in_flight


def _states(directory: Directory) -> Iterator[tuple[Mapping[str, str], float]]:
    now = time.monotonic()
    for alias in list(directory.aliases()):
        for deployment in alias.deployments:
            health = deployment.health
            state = "cooldown" if now < health.cooldown_until else health.state
            for name in STATES:
                labels = {"deployment": deployment.id, "state": name}
                yield labels, float(name == state)


def _latency(directory: Directory) -> Iterator[tuple[Mapping[str, str], float]]:
    for alias in list(directory.aliases()):
        for deployment in alias.deployments:
            if deployment.health.latency_s:
                yield {"deployment": deployment.id}, deployment.health.latency_s


def _upstream(client: Client) -> Iterator[tuple[Mapping[str, str], float]]:
    for pool in client.counters():
        for state in ("in_use", "idle", "waiting"):
            labels = {"origin": pool.origin.authority, "state": state}
            yield labels, getattr(pool, state)
