"""Every kind of provider error, through a running gateway: what the client is told,
whether the deployment is tried again, whether another one is, whether it cools down."""

import re
from collections.abc import Iterator

import pytest

from tests.flow.error_rows import ROWS as COMMON
from tests.flow.error_rows import Row
from tests.flow.error_rows_vendors import ROWS as VENDORS
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, tell

ROWS = [*COMMON, *VENDORS]
GOOD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "fine", "refusal": None},
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
CALL = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}
_NUMBER = re.compile(r"/bad(\d+)/")


def _bad(request: Request) -> Script:
    row = ROWS[int(_NUMBER.search(request.path).group(1))]  # type: ignore[union-attr]
    return tell(row.status, row.body, row.headers)


def _deployment(up: Upstream, where: str, provider: str) -> dict[str, object]:
    return {
        "model": f"{provider}/m",
        "base_url": f"{up.url}/{where}",
        "api_key": "env:TEST_UPSTREAM_SECRET",
    }


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(lambda r: "/good/" in r.path, tell(200, GOOD))
        up.on(lambda r: "/bad" in r.path, _bad)
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    models: dict[str, object] = {}
    for i, row in enumerate(ROWS):
        bad = _deployment(upstream, f"bad{i}", row.provider)
        good = _deployment(upstream, "good", "openai")
        models[f"two{i}"] = {"strategy": "ordered", "deployments": [bad, good]}
        models[f"one{i}"] = {"deployments": [bad]}
    config = {
        "models": models,
        "retries": {"backoff_s": 0.01, "backoff_max_s": 0.02, "attempts": 2},
    }
    folder = tmp_path_factory.mktemp("errors")
    env = {"TEST_UPSTREAM_SECRET": "sk-canary-0123456789abcdef"}
    with gateway(config, folder, env=env) as running:
        yield running


def test_there_are_at_least_sixty_rows() -> None:
    assert len(ROWS) >= 60
    assert len({row.name for row in ROWS}) == len(ROWS)


def _asked(upstream: Upstream, number: int) -> int:
    return sum(1 for r in upstream.requests if f"/bad{number}/" in r.path)


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[r.name for r in ROWS])
def test_the_client_is_told(running: Running, upstream: Upstream, number: int) -> None:
    row: Row = ROWS[number]
    before = _asked(upstream, number)
    answer = running.post("/v1/chat/completions", {"model": f"one{number}", **CALL})
    error = answer.json()["error"]
    assert answer.status_code == row.told.status, answer.text
    told = error.get("type"), error.get("code")
    if row.told.code is not None:
        assert told == (row.told.type, row.told.code)
    else:
        assert error.get("type") in {row.told.type, None}
    assert "canary" not in answer.text
    retried = _asked(upstream, number) - before > 1
    assert retried == row.told.retry


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[r.name for r in ROWS])
def test_another_deployment_serves_or_not(
    running: Running, upstream: Upstream, number: int
) -> None:
    row: Row = ROWS[number]
    answer = running.post("/v1/chat/completions", {"model": f"two{number}", **CALL})
    assert (answer.status_code == 200) == row.told.fallback, answer.text
    before = _asked(upstream, number)
    running.post("/v1/chat/completions", {"model": f"two{number}", **CALL})
    left_alone = _asked(upstream, number) == before
    assert left_alone == row.told.cooldown
