"""The family's two halves: heads, headers, hostile bodies, answers to clients."""

import json
from typing import Any

import pytest

from adapters.anthropic.family import MESSAGES, UPSTREAM
from adapters.contract import (
    Dialect,
    Hint,
    Operation,
    Target,
    Upstream,
    WireHead,
    WireRequest,
)
from adapters.errors import BadCall, BadRequest, Garbled, Overloaded, Unsupported
from adapters.normal.chat import ChatCall, ChatResult, Conversation
from adapters.normal.content import (
    Message,
    Text,
)
from adapters.normal.embed import EmbedCall
from tests.adapters.anthropic.recordings import (
    PROVIDER,
    call,
    quirky,
    response,
    target,
)

BODY = b'{"model":"fast","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}'


def build(
    *headers: tuple[bytes, bytes], to: Target | None = None, query: str = ""
) -> WireRequest:
    asked = MESSAGES.read_call(BODY, Hint(headers=headers, query=query))
    return UPSTREAM.build_request(asked, to or target())


def sent(wire: WireRequest) -> dict[bytes, bytes]:
    pairs = wire.head.headers + wire.headers
    assert len({name for name, _ in pairs}) == len(pairs), "a header stands twice"
    return dict(pairs)


def test_the_halves_fit_their_contracts() -> None:
    upstream: Upstream = UPSTREAM
    dialect: Dialect = MESSAGES
    assert upstream.operations == {Operation.chat, Operation.count_tokens}
    assert upstream.speaks(dialect.name)
    assert not upstream.speaks("openai.chat")


def test_a_head_is_made_once_for_each_kind_of_request() -> None:
    to = target()
    first, again = build(to=to), build(to=to)
    assert first.head is again.head
    assert first.headers == ()
    assert sent(first) == {
        b"content-type": b"application/json",
        b"x-api-key": b"key",
        b"anthropic-version": b"2023-06-01",
    }
    counted = MESSAGES.read_call(BODY, Hint(operation=Operation.count_tokens))
    assert counted.operation == "count_tokens"
    assert UPSTREAM.build_request(counted, to).head is not first.head


def test_client_headers_of_this_dialect_are_forwarded() -> None:
    wire = build(
        (b"anthropic-version", b"2023-01-01"),
        (b"anthropic-beta", b"a,b"),
        (b"idempotency-key", b"i"),
        (b"authorization", b"Bearer virtual"),
        (b"x-api-key", b"virtual"),
        (b"cookie", b"c"),
        query="beta=true",
    )
    assert wire.head.url == "https://api.anthropic.com/v1/messages?beta=true"
    headers = sent(wire)
    assert headers[b"anthropic-version"] == b"2023-01-01"
    assert headers[b"anthropic-beta"] == b"a,b"
    assert headers[b"idempotency-key"] == b"i"
    assert headers[b"x-api-key"] == b"key"
    assert b"authorization" not in headers
    assert b"cookie" not in headers


def test_the_current_version_needs_no_header_of_its_own() -> None:
    assert build((b"anthropic-version", b"2023-06-01")).headers == ()


def test_beta_flags_of_the_configuration_and_the_client_are_joined() -> None:
    extra = ((b"Anthropic-Beta", b"mine, both"), (b"x-team", b"t"))
    to = Target(
        model="m",
        base_url="https://a.test",
        provider=PROVIDER,
        credential="sk-ant-oat01-x",
        headers=extra,
    )
    alone = sent(build(to=to))
    assert alone[b"anthropic-beta"] == b"mine,both,oauth-2025-04-20"
    assert alone[b"authorization"] == b"Bearer sk-ant-oat01-x"
    assert b"x-api-key" not in alone
    joined = sent(build((b"anthropic-beta", b"both,theirs"), to=to))
    assert joined[b"anthropic-beta"] == b"mine,both,theirs,oauth-2025-04-20"
    assert joined[b"x-team"] == b"t"


def test_headers_of_another_dialect_are_not_forwarded() -> None:
    asked = ChatCall(
        model="m",
        dialect="openai.chat",
        headers=((b"openai-beta", b"x"),),
        conversation=Conversation(messages=(Message("user", (Text("hi"),)),)),
    )
    assert UPSTREAM.build_request(asked, target()).headers == ()


def test_a_providers_quirks_bend_a_relayed_body() -> None:
    provider = quirky(drop=frozenset({"max_tokens"}), rename={"messages": "turns"})
    wire = build(to=target(provider=provider))
    assert json.loads(wire.body) == {
        "model": "claude-x",
        "turns": [{"role": "user", "content": "hi"}],
    }


def test_vectors_are_not_this_familys_business() -> None:
    with pytest.raises(Unsupported):
        UPSTREAM.build_request(
            EmbedCall(model="m", dialect="openai.embeddings"), target()
        )


def test_the_head_of_a_call_is_read_without_the_rest() -> None:
    raw = (
        b'{"model":"a","stream":true,"max_tokens":7,"metadata":{"user_id":"u"},'
        b'"messages":[{"role":"robot"}]}'
    )
    asked = MESSAGES.read_call(raw, Hint())
    assert (asked.model, asked.stream, asked.max_tokens, asked.user) == (
        "a",
        True,
        7,
        "u",
    )
    assert asked.include_usage
    assert asked.raw == raw
    with pytest.raises(BadCall) as error:
        asked.conversation()
    assert error.value.param == "messages[0]"


HOSTILE = [
    (b"", None),
    (b"[]", None),
    (b"{", None),
    (b'{"model":"a"}', "messages"),
    (b'{"model":"a","messages":{}}', "messages"),
    (b'{"model":"a","messages":null}', "messages"),
    (b'{"messages":[]}', "model"),
    (b'{"model":5,"messages":[]}', "model"),
    (b'{"model":"a","messages":[],"stream":"yes"}', "stream"),
    (b'{"model":"a","messages":[],"max_tokens":1.5}', "max_tokens"),
    (b'{"model":"a","messages":[],"metadata":{"user_id":1}}', "metadata.user_id"),
    (b'{"model":"a\xff","messages":[]}', None),
    (b'{"model":"a","messages":' + b"[" * 100_000, None),
    (b'{"model":"a","x":' + b'{"a":' * 100_000, None),
]


@pytest.mark.parametrize(("body", "param"), HOSTILE)
def test_a_body_that_is_no_call_is_refused_with_its_place(
    body: bytes, param: str | None
) -> None:
    with pytest.raises(BadCall) as error:
        MESSAGES.read_call(body, Hint())
    assert error.value.param == param


INNER: list[tuple[Any, str]] = [
    ([{"role": "user", "content": 5}], "messages[0].content"),
    ([{"role": "user", "content": [{"text": "x"}]}], "messages[0].content[0]"),
    ([{"role": "user", "content": [{"type": "text", "text": 5}]}], "messages[0].content[0].text"),
    ([{"role": "robot", "content": "x"}], "messages[0].role"),
    ([{"role": "user", "content": [{"type": "tool_result"}]}], "messages[0].content[0].tool_use_id"),
    ([{"role": "assistant", "content": [{"type": "tool_use", "id": "a"}]}], "messages[0].content[0].name"),
    ([{"role": "user", "content": [{"type": "image"}]}], "messages[0].content[0].source"),
    (["x"], "messages[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "param"), INNER)
def test_a_mistake_inside_a_call_is_told_with_its_place(
    messages: Any, param: str
) -> None:
    asked = call({"model": "a", "max_tokens": 1, "messages": messages})
    with pytest.raises(BadCall) as error:
        asked.conversation()
    assert error.value.param == param


def test_broken_text_deep_inside_a_call_is_refused() -> None:
    with pytest.raises(BadCall):
        call(b'{"model":"a","messages":[],"tools":[{"x":"\xff"}]}').conversation()


def test_an_error_inside_a_200_is_raised() -> None:
    body = (
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    )
    with pytest.raises(Overloaded) as error:
        UPSTREAM.parse_response(response(body), call())
    assert (error.value.message, error.value.status) == ("Overloaded", 529)
    for bad in (b"", b"<html>", b"[]", b"{}", b'{"content":5}', b'{"content":null}'):
        with pytest.raises(Garbled):
            result = UPSTREAM.parse_response(response(bad), call())
            assert isinstance(result, ChatResult)
            result.choices()


def test_a_context_window_is_told_with_the_words_clients_know() -> None:
    error = UPSTREAM.parse_error(
        response(
            b'{"type":"error","error":{"type":"invalid_request_error",'
            b'"message":"prompt is too long: 212345 tokens > 200000 maximum"}}',
            400,
        )
    )
    assert error.kind == "context_window"
    assert isinstance(error, BadRequest)


def test_heads_are_never_shared_between_targets() -> None:
    one, two = (
        target(),
        Target(
            model="m",
            base_url="https://b.test/v1",
            provider=PROVIDER,
            credential="other",
        ),
    )
    heads: list[WireHead] = [build(to=one).head, build(to=two).head]
    assert heads[1].url == "https://b.test/v1/messages"
    assert sent(build(to=two))[b"x-api-key"] == b"other"


def test_what_another_family_thought_and_signed_does_not_reach_the_api() -> None:
    """A client keeps it for that family; here it would be refused."""
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "gemini:c2ln"}
    carried = {"type": "redacted_thinking", "data": "gemini:sign:c2ln"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "noon"}
    asked = {
        "model": "a",
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [thinking, carried, use]},
            {"role": "user", "content": [result]},
        ],
        "container": "c",
    }
    called = MESSAGES.read_call(json.dumps(asked).encode(), Hint())
    wire = UPSTREAM.build_request(called, target())
    told = json.loads(wire.body)
    assert told["messages"][1]["content"] == [use]
    assert told["container"] == "c"
    # Nobody may think on in the middle of a turn whose thoughts are gone.
    assert "thinking" not in told
    assert wire.dropped == ("thinking",)


def test_its_own_thoughts_go_back_byte_for_byte() -> None:
    thinking = {"type": "thinking", "thinking": "a: b", "signature": "EqoBCkg"}
    asked = {
        "model": "a",
        "max_tokens": 2000,
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [thinking]},
        ],
    }
    body = json.dumps(asked).encode()
    wire = UPSTREAM.build_request(MESSAGES.read_call(body, Hint()), target())
    assert json.loads(wire.body) == {**asked, "model": target().model}
