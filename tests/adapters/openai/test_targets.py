"""What a target adds: quirks, addresses, headers."""

import json
from typing import Any

import msgspec
import pytest

from adapters.contract import Hint, Provider, Target
from adapters.errors import Unsupported
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Text,
    Tool,
)
from adapters.openai.family import CHAT, UPSTREAM
from tests.adapters.openai.asking import ask, row, said, target


def test_quirks_bend_what_is_written_and_what_is_handed_on() -> None:
    quirks = {
        "drop": frozenset({"user"}),
        "rename": {"seed": "random_seed"},
        "tool_choice": {"required": "any"},
        "system_role": "system",
        "tool_ids": "alnum9",
        "n": False,
        "stream_usage": False,
    }
    raw = {
        "model": "a",
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": "u",
        "seed": 7,
        "n": 2,
        "tool_choice": "required",
        "messages": [
            {"role": "developer", "content": "x"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_long_id",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_long_id", "content": "y"},
        ],
    }
    to = target(provider=row("mistral", **quirks))
    call = CHAT.read_call(json.dumps(raw).encode(), Hint())
    for asked in (
        call,
        ChatCall(
            model="a",
            dialect="openai.chat",
            stream=True,
            conversation=Conversation(
                **{**_fields(call.conversation()), "tools": (Tool("f"),)}
            ),
        ),
    ):
        wire = UPSTREAM.build_request(asked, to)
        body = json.loads(wire.body)
        assert body["random_seed"] == 7
        assert body["tool_choice"] == "any"
        assert not {"seed", "user", "n", "stream_options"} & set(body)
        assert body["messages"][0]["role"] == "system"
        id_ = body["messages"][1]["tool_calls"][0]["id"]
        assert len(id_) == 9 and id_.isalnum()
        assert body["messages"][2]["tool_call_id"] == id_
        assert set(wire.dropped) == {"user", "n"}
    with pytest.raises(Unsupported):
        UPSTREAM.build_request(call, msgspec.structs.replace(to, strict=True))


def _fields(conversation: Conversation) -> dict[str, Any]:
    return {
        name: getattr(conversation, name) for name in conversation.__struct_fields__
    }


def test_null_fields_are_dropped_without_a_word() -> None:
    to = target(provider=row("groq", drop=frozenset({"logit_bias"}), n=False))
    call = CHAT.read_call(
        b'{"model":"a","messages":[],"logit_bias":null,"n":1}', Hint()
    )
    wire = UPSTREAM.build_request(call, to)
    assert json.loads(wire.body) == {"model": "m", "messages": []}
    assert wire.dropped == ()


def test_headers_carry_the_credential_as_the_provider_wants_it() -> None:
    conversation = said(Text("x"))
    for auth, expected in (
        ("bearer", (b"authorization", b"Bearer k")),
        ("X-Api-Key", (b"x-api-key", b"k")),
        ("none", None),
    ):
        provider = Provider(
            id="x", family="openai", base_url="https://u.test/v1", auth=auth
        )
        to = target(provider=provider, credential="k\n", headers=((b"X-Extra", b"1"),))
        head = ask(conversation, to).head
        names = [name for name, _ in head.headers]
        assert (b"x-extra", b"1") in head.headers
        assert len(names) == len(set(names))
        found = [h for h in head.headers if h[0] in (b"authorization", b"x-api-key")]
        assert found == ([expected] if expected else [])
        assert ask(conversation, to).head is head, "built once"


def test_azure_addresses_keep_their_query_and_name_the_deployment() -> None:
    provider = Provider(
        id="azure_openai",
        family="openai",
        base_url="https://r.test/openai/deployments/{model}?api-version=1",
        auth="api-key",
    )
    to = Target(model="my dep", base_url=provider.base_url, provider=provider)
    url = ask(said(Text("x")), to).head.url
    assert (
        url
        == "https://r.test/openai/deployments/my%20dep/chat/completions?api-version=1"
    )


def test_client_headers_go_on_and_others_do_not() -> None:
    hint = Hint(
        headers=(
            (b"authorization", b"Bearer client"),
            (b"idempotency-key", b"i"),
            (b"openai-organization", b"o"),
        )
    )
    call = CHAT.read_call(b'{"model":"a","messages":[]}', hint)
    assert UPSTREAM.build_request(call, target()).headers == (
        (b"idempotency-key", b"i"),
    )


@pytest.mark.parametrize(
    "thoughts",
    [
        {"reasoning_content": "Hm."},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "c2ln"}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
    ],
)
def test_thoughts_of_others_reach_whoever_has_a_place_for_them(
    thoughts: dict[str, Any],
) -> None:
    """OpenAI itself has none; other providers are given the body as it came."""
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello", **thoughts},
        {"role": "user", "content": "And?"},
    ]
    asked = {"model": "a", "messages": messages, "seed": 7, "new_field": {"a": 1}}
    call = CHAT.read_call(json.dumps(asked).encode(), Hint())
    kept = UPSTREAM.build_request(call, target("openrouter"))
    assert json.loads(kept.body) == {**asked, "model": "m"}
    wire = UPSTREAM.build_request(call, target("openai"))
    told = json.loads(wire.body)
    assert told["messages"][1] == {"role": "assistant", "content": "Hello"}
    assert (told["seed"], told["new_field"]) == (7, {"a": 1})
    assert wire.dropped == ("messages.thinking",)
