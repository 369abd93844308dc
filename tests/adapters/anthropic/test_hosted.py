"""The Messages API with the model in the path, as Vertex AI has it."""

import json
from typing import Any

import pytest

from adapters.anthropic.hosted import ON_VERTEX
from adapters.contract import Headers, Hint, Operation, Target
from adapters.errors import BadCall, Unsupported
from adapters.providers import PROVIDERS
from adapters.registry import DIALECTS

BASE = "https://aiplatform.googleapis.com/v1/projects/p/locations/global"
HI = [{"role": "user", "content": "hi"}]


def target(model: str = "claude-sonnet-4-5@20250929", **more: Any) -> Target:
    row = PROVIDERS["vertex_ai_anthropic"]
    return Target(model=model, base_url=BASE, provider=row, heads={}, **more)


def ask(
    body: dict[str, Any], headers: Headers = (), operation: str = "chat", **more: Any
) -> Any:
    hint = Hint(operation=Operation(operation), headers=headers)
    asked = {"model": "alias", "max_tokens": 9, "messages": HI, **body}
    call = DIALECTS["anthropic.messages"].read_call(json.dumps(asked).encode(), hint)
    return ON_VERTEX.build_request(call, target(**more))


def test_the_body_goes_as_it_came_but_for_model_and_version() -> None:
    wire = ask({"unknown": {"deep": 1.0}, "stream": True})
    assert json.loads(wire.body) == {
        "max_tokens": 9,
        "messages": HI,
        "unknown": {"deep": 1.0},
        "stream": True,
        "anthropic_version": "vertex-2023-10-16",
    }
    path = "/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict"
    assert wire.head.url == BASE + path


def test_its_own_version_header_is_not_sent() -> None:
    sent = ((b"anthropic-version", b"2023-01-01"), (b"idempotency-key", b"k"))
    wire = ask({}, sent)
    assert wire.headers == ((b"idempotency-key", b"k"),)
    assert b"anthropic-version" not in dict(wire.head.headers)


def test_flags_are_those_that_the_host_knows() -> None:
    sent = ((b"anthropic-beta", b"interleaved-thinking-2025-05-14, oauth-2025-04-20"),)
    own = ((b"Anthropic-Beta", b"advanced-tool-use-2025-11-20"),)
    asked = json.dumps({"model": "a", "max_tokens": 9, "messages": HI}).encode()
    call = DIALECTS["anthropic.messages"].read_call(asked, Hint(headers=sent))
    wire = ON_VERTEX.build_request(call, target(headers=own))
    assert dict(wire.headers)[b"anthropic-beta"] == (
        b"tool-search-tool-2025-10-19,interleaved-thinking-2025-05-14"
    )
    assert wire.dropped == ("anthropic-beta: oauth-2025-04-20",)
    assert b"anthropic-beta" not in dict(wire.head.headers)


def test_a_strict_deployment_refuses_what_it_would_drop() -> None:
    with pytest.raises(Unsupported, match="knows no container"):
        ask({"container": "c"}, strict=True)
    assert ask({"container": "c"}).dropped == ("container",)


def test_tokens_are_counted_of_a_model_in_the_body() -> None:
    wire = ask({}, operation="count_tokens")
    assert wire.head.url.endswith("/models/count-tokens:rawPredict")
    assert json.loads(wire.body)["model"] == "claude-sonnet-4-5@20250929"


@pytest.mark.parametrize("nested", [False, True])
def test_addresses_are_refused_wherever_they_stand(nested: bool) -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
    block: dict[str, Any] = picture
    if nested:
        block = {"type": "tool_result", "tool_use_id": "t", "content": [picture]}
    with pytest.raises(Unsupported, match="base64"):
        ask({"messages": [{"role": "user", "content": [block]}]})
    text = [{"type": "text", "text": 'a "url" in words'}]
    ask({"messages": [{"role": "user", "content": text}]})


@pytest.mark.parametrize("model", ["", "a/b", "../x/y"])
def test_a_model_s_name_cannot_leave_its_place(model: str) -> None:
    with pytest.raises(BadCall):
        ask({}, model=model)


def test_another_dialect_s_call_is_written_for_the_host() -> None:
    body = json.dumps({"model": "a", "messages": HI}).encode()
    call = DIALECTS["openai.chat"].read_call(body, Hint())
    wire = ON_VERTEX.build_request(call, target())
    said = json.loads(wire.body)
    assert said["anthropic_version"] == "vertex-2023-10-16"
    assert "model" not in said
    assert said["max_tokens"] > 0
