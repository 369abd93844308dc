"""Class 19: a client that leaves cools nobody down, and is waited for by nobody."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.flow.bug_classes.spoken import chunk, completion, sse
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Script, Upstream, events, stall, tell

CHAT: Final = "/v1/chat/completions"
PATHS: Final = {
    "chat": CHAT,
    "messages": "/v1/messages",
    "responses": "/v1/responses",
}
BEGUN: Final = sse(chunk({"role": "assistant", "content": "now"}), done=False)
SILENT: Final = {
    "before a word": stall(),
    "in a stream": events(BEGUN, then=stall()),
}
SERVED: Final = tell(200, completion({"content": "ok"}))


@pytest.fixture(scope="module")
def up() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on("/second/chat/completions", tell(200, completion({"content": "second"})))
        yield up


@pytest.fixture(scope="module")
def running(
    up: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One failure would send every call to the second deployment."""
    places = [
        {"model": "openai/m", "base_url": f"{up.url}/{name}", "api_key": "env:KEY"}
        for name in ("first", "second")
    ]
    config = {
        "models": {"m": {"strategy": "ordered", "deployments": places}},
        "cooldown": {"failures": 1},
        "retries": {"attempts": 1},
    }
    folder = tmp_path_factory.mktemp("leaving")
    with gateway(config, folder, env={"KEY": "sk-0123456789"}) as running:
        yield running


def asked(path: str, stream: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "m", "stream": stream}
    if path == PATHS["responses"]:
        return body | {"input": "hi"}
    said = {"messages": [{"role": "user", "content": "hi"}]}
    return body | said | ({"max_tokens": 9} if path == PATHS["messages"] else {})


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("when", SILENT)
def test_class_19_a_client_that_leaves_cools_no_deployment(
    up: Upstream, running: Running, path: str, when: str
) -> None:
    silent: Script = SILENT[when]
    up.on("/first/chat/completions", silent)
    stream = when == "in a stream"
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        if stream:
            with client.stream("POST", path, json=asked(path, True)) as answer:
                assert any("now" in line for line in answer.iter_lines())
        else:
            with pytest.raises(httpx.ReadTimeout):
                client.post(path, json=asked(path, False), timeout=0.3)
    assert up.quiet(), "nobody reads on for who has left"
    up.on("/first/chat/completions", SERVED)
    answer = running.post(CHAT, asked(CHAT, False))
    assert answer.json()["choices"][0]["message"]["content"] == "ok"


def test_class_19_a_deployment_that_fails_is_cooled(
    up: Upstream, running: Running
) -> None:
    """Else the test above would show nothing."""
    up.on("/first/chat/completions", tell(503, {"error": {"message": "ill"}}))
    assert running.post(CHAT, asked(CHAT, False)).status_code == 503
    up.on("/first/chat/completions", SERVED)
    answer = running.post(CHAT, asked(CHAT, False))
    assert answer.json()["choices"][0]["message"]["content"] == "second"
