"""What the parts know of themselves at this moment, as metrics.

Read when somebody looks, never counted on the way of a request.
"""

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from gateway.deployments import Directory
from gateway.learning.scores import Scores
from gateway.net.client import Client
from gateway.spine.dispatch import Dispatch
from gateway.spine.record import Recorder
from gateway.telemetry.metrics import Metrics
from routing.book import Book
from routing.contract import Counting, Reloading, Serving

Points = Iterable[tuple[Mapping[str, str], float]]

TROUBLES: Final = {
    "artifacts.refused": "Artifacts that must not serve.",
    "decisions.failed": "Decisions that were late, or failed; others decided then.",
    "versions.withdrawn": "Versions of a router taken out for what they did.",
    "versions.rolled_back": "Versions of a router taken out, by hand or for that.",
}
SHARED: Final = frozenset({"versions.rolled_back"})
"""What every worker counts of the same."""
STATES: Final = ("closed", "half_open", "open", "cooldown")


def register(
    metrics: Metrics,
    dispatch: Dispatch,
    recorder: Recorder,
    client: Client,
    book: Book,
    scores: Scores,
    server: Any,
) -> None:
    """Show deployments, the exchanges under way, the ring, both sides' connections,
    and what was learned.

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
    _register_learning(metrics, book, scores)
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
            merge="max" if what in SHARED else "sum",
        )


def _register_learning(metrics: Metrics, book: Book, scores: Scores) -> None:
    metrics.register(
        "routeiq.routing.decisions",
        "Rankings by a strategy that learns, by outcome: learned, otherwise"
        " (another one, for lack of that), rest (another one, after a failure).",
        lambda: _decisions(book),
        kind="counter",
    )
    metrics.register(
        "routeiq.routing.quality",
        "Mean quality of scored answers, as predicted by who decided and as observed;"
        " newer scores weigh more.",
        scores.believed.means,
        merge="mean",
    )
    metrics.register(
        "routeiq.routing.quality.scores",
        "Scored answers of which who decided had predicted something.",
        scores.believed.counts,
        kind="counter",
    )
    metrics.register(
        "routeiq.routing.artifact.serves",
        "1 for the version that decides now.",
        lambda: _serving(book),
        merge="max",
    )
    metrics.register(
        "routeiq.routing.artifact.age",
        "Time since it was trained.",
        lambda: _ages(book),
        unit="s",
        merge="max",
    )
    metrics.register(
        "routeiq.feedback",
        "Scores of answers, by whom and by what became of them.",
        lambda: [
            ({"source": source, "result": result}, count)
            for (source, result), count in list(scores.results.items())
        ],
        kind="counter",
    )


def _decisions(book: Book) -> Iterator[tuple[Mapping[str, str], float]]:
    for strategy in list(book.made()):
        if isinstance(strategy, Counting):
            for outcome, count in list(strategy.scored.items()):
                yield {"strategy": strategy.name, "outcome": outcome}, count


def _serving(book: Book) -> Iterator[tuple[Mapping[str, str], float]]:
    for name, serving in _served(book):
        labels = {"version": serving.version, "artifact": serving.digest[:12]}
        yield {"strategy": name, **labels}, 1.0


def _ages(book: Book) -> Iterator[tuple[Mapping[str, str], float]]:
    now = time.time()
    for name, serving in _served(book):
        if not math.isnan(serving.made_s):
            yield {"strategy": name}, max(0.0, now - serving.made_s)


def _served(book: Book) -> Iterator[tuple[str, Serving]]:
    for strategy in list(book.made()):
        if isinstance(strategy, Reloading):
            serving = strategy.serving()
            if serving is not None:
                yield strategy.name, serving


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
