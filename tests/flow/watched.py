"""What the tests of telemetry watch: the same traffic, known to the last token."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.flow.collector import Collector
from tests.flow.provider import (
    CHAT,
    ENV,
    SECRET,
    body,
    call,
    deployment,
    refused,
    streamed,
    usage,
)
from tests.harness.gateway import Running
from tests.harness.upstream import Upstream, tell

MASTER = "sk-master-canary-0123456789"
BEARER = {"authorization": f"Bearer {MASTER}"}
OTLP_SECRET = "otlp-canary-0123456789"
PRICE = {"input": 3.0, "output": 15.0}
DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 7},
}


def models(up: Upstream) -> dict[str, Any]:
    def alias(*places: str, **more: Any) -> dict[str, Any]:
        found = [deployment(up, place, price=PRICE) for place in places]
        return {"strategy": "ordered", "deployments": found, **more}

    return {
        "priced": alias("priced"),
        "twice": alias("ill", "priced2", retries={"per_deployment": 0}),
        "stream": alias("stream"),
        "ill": alias("ill2", retries={"attempts": 1}),
        "free/*": {"deployments": [{"model": "echo/demo"}]},
    }


def config(up: Upstream, collector: Collector | None, **telemetry: Any) -> Any:
    more: dict[str, Any] = {"traces": {"sample": 1.0}, **telemetry}
    if collector is not None:
        more |= {
            "otlp_endpoint": collector.url,
            "otlp_interval_s": 0.3,
            "otlp_headers": {"x-otlp-key": "${OTLP_SECRET}"},
        }
    return {
        "keys": {"master": "env:MASTER"},
        "models": models(up),
        "telemetry": more,
        "cooldown": {"failures": 1000},
    }


SECRETS = {**ENV, "MASTER": MASTER, "OTLP_SECRET": OTLP_SECRET}


@contextmanager
def provider() -> Iterator[Upstream]:
    def at(place: str) -> Any:
        return lambda request: request.path.startswith(f"/{place}")

    with Upstream() as up:
        counted = tell(200, body(model="m-2026", usage=usage(100, 20, **DETAILS)))
        up.on(at("priced"), counted)
        up.on(at("stream"), streamed("one ", "two ", "three"))
        up.on(at("ill"), refused(500, f"ill; you sent {SECRET}"))
        yield up


def ask(running: Running, model: str, **more: Any) -> tuple[httpx.Response, Any]:
    """The answer, and the record of it."""
    headers = {**BEARER, **more.pop("headers", {})}
    answer = running.post(CHAT, call(model, **more), headers=headers)
    return answer, running.record(answer.headers["x-routeiq-id"])
