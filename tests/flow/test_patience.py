"""Whose limit holds where several could."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flow.provider import (
    CHAT,
    ENV,
    call,
    deployment,
    pieces,
    refused,
    said,
    whole,
)
from tests.harness.gateway import Running, gateway
from tests.harness.timing import at_most, timely
from tests.harness.upstream import Upstream, chunk, head, pause, stall, tell

CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "fine"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
}


@pytest.fixture(scope="module")
def deaf() -> Iterator[int]:
    """A port that takes no more connections, and says nothing of it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        first = head(200, [("content-type", "text/event-stream")])
        begun = first + chunk(pieces("one")[0]) + chunk(pieces("one")[1])
        up.on(lambda r: r.path.startswith("/pauses"), begun + stall())
        up.on(lambda r: r.path.startswith("/stalls"), stall())
        up.on(lambda r: r.path.startswith("/tardy"), pause(0.7) + refused(500, "ill"))
        up.on(lambda r: r.path.startswith("/late"), pause(0.7) + whole())
        up.on(lambda r: r.path.startswith("/well"), whole())
        up.on(lambda r: r.path.startswith("/short"), tell(200, CONVERSED))
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, deaf: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    def alias(*places: Any, **more: Any) -> dict[str, Any]:
        found = [p if isinstance(p, dict) else deployment(upstream, p) for p in places]
        return {"strategy": "ordered", "deployments": found, **more}

    def at(place: str, **more: Any) -> dict[str, Any]:
        return deployment(upstream, place, **more)

    nobody = at("nobody", base_url=f"http://127.0.0.1:{deaf}")
    config = {
        "models": {
            "own": alias(
                at("stalls", timeouts={"total_s": 0.3}),
                "well",
                timeouts={"total_s": 60},
            ),
            "deaf": alias(nobody, "well2", timeouts={"connect_s": 0.3}),
            "idle": alias("pauses", timeouts={"idle_s": 0.3}),
            "all": alias("tardy", "late", retries={"attempts": 2}),
            "short": alias(at("short", model="bedrock/m", max_output_tokens=77)),
        },
        "timeouts": {"total_s": 1},
    }
    with gateway(config, tmp_path_factory.mktemp("patience"), env=ENV) as running:
        yield running


def _first(running: Running, answer: Any) -> tuple[str, str]:
    tried = running.record(answer.headers["x-routeiq-id"])["attempts"][0]
    return tried["deployment"], tried["error"]


@timely
def test_a_deployment_s_own_comes_before_its_alias_s(running: Running) -> None:
    answer = running.post(CHAT, call("own"))
    assert answer.headers["x-routeiq-deployment"] == "well"
    assert _first(running, answer) == ("stalls", "timeout")


@timely
def test_who_cannot_be_connected_to_is_not_waited_for(running: Running) -> None:
    before = time.monotonic()
    answer = running.post(CHAT, call("deaf"))
    at_most(3.0, time.monotonic() - before)
    assert answer.headers["x-routeiq-deployment"] == "well2"
    assert _first(running, answer)[0] == "nobody"


@timely
def test_a_wait_for_words_leaves_the_wait_between_them(running: Running) -> None:
    before = time.monotonic()
    patient = {"x-stainless-read-timeout": "20"}
    answer = running.post(CHAT, call("idle", stream=True), headers=patient)
    at_most(5.0, time.monotonic() - before)
    assert said(answer.text) == "one"
    assert running.record(answer.headers["x-routeiq-id"])["error"] == "timeout"


def test_the_total_is_that_of_all_attempts(running: Running) -> None:
    answer = running.post(CHAT, call("all"))
    assert answer.status_code == 504
    assert _first(running, answer)[0] == "tardy"


def test_no_more_is_asked_for_than_a_deployment_gives(
    running: Running, upstream: Upstream
) -> None:
    answer = running.post(CHAT, call("short", max_tokens=100))
    assert answer.status_code == 200
    assert answer.headers["x-routeiq-dropped"] == "max_tokens"
    (sent,) = [r for r in upstream.requests if r.path.startswith("/short")]
    assert sent.json()["inferenceConfig"]["maxTokens"] == 77
