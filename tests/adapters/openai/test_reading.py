"""Bodies that are no calls, and calls that are odd."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Hint
from adapters.errors import BadCall, Unsupported
from adapters.normal.content import (
    Text,
    ToolUse,
)
from adapters.openai.family import CHAT, UPSTREAM
from tests.adapters.openai.asking import ask, target


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"model":"a"}', "messages"),
        (b'{"messages":[]}', "model"),
        (b'{"model":1,"messages":[]}', "model"),
        (b'{"model":"a","messages":{}}', "messages"),
        (b'{"model":"a","messages":"x"}', "messages"),
        (b'{"model":"a","messages":[],"stream":"yes"}', "stream"),
        (b'{"model":"a","messages":[],"max_tokens":"5"}', "max_tokens"),
        (
            b'{"model":"a","messages":[],"stream_options":{"include_usage":1}}',
            "stream_options.include_usage",
        ),
        (b'{"model":"a","messages":[' + b"[" * 100_000 + b"]}", None),
    ],
)
def test_what_is_no_call_is_refused_with_its_place(
    body: bytes, param: str | None
) -> None:
    with pytest.raises(BadCall) as caught:
        CHAT.read_call(body, Hint())
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "wizard", "content": "x"}, "messages[0].role"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "user", "content": 5}, "messages[0].content"),
        (
            {"role": "user", "content": [{"type": "text", "text": 5}]},
            "messages[0].content[0].text",
        ),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        (
            {"role": "assistant", "tool_calls": [{"id": "1"}]},
            "messages[0].tool_calls[0].function",
        ),
        (["x"], "messages[0]"),
    ],
)
def test_what_is_no_message_is_refused_with_its_place(message: Any, param: str) -> None:
    call = CHAT.read_call(
        json.dumps({"model": "a", "messages": [message]}).encode(), Hint()
    )
    with pytest.raises(BadCall) as caught:
        call.conversation()
    assert caught.value.param == param


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "role",
                    "content",
                    "image_url",
                    "url",
                    "function",
                    "name",
                    "arguments",
                    "id",
                    "tool_calls",
                    "input_audio",
                    "file",
                    "cache_control",
                    "thinking",
                    "json_schema",
                    "allowed_tools",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


FIELDS = [
    "messages",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "reasoning",
    "thinking",
    "stop",
    "modalities",
    "metadata",
    "temperature",
    "n",
    "logit_bias",
    "reasoning_effort",
    "user",
]


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6),
    st.lists(
        st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "tool_calls",
                    "tool_call_id",
                    "name",
                    "function_call",
                    "refusal",
                    "audio",
                    "reasoning_details",
                    "thinking_blocks",
                    "extra_content",
                    "cache_control",
                ]
            ),
            JSON | st.sampled_from(["user", "assistant", "tool"]),
        ),
        max_size=3,
    ),
)
def test_no_body_makes_reading_fail_but_by_a_bad_call(
    body: dict[str, Any], messages: list[dict[str, Any]]
) -> None:
    raw = json.dumps({"messages": messages, **body, "model": "m"}).encode()
    try:
        call = CHAT.read_call(raw, Hint())
        UPSTREAM.build_request(call, target())
        conversation = call.conversation()
    except BadCall:
        return
    try:
        ask(conversation, target("openai", "gpt-4o"))
    except Unsupported:
        return


def test_a_signature_of_gemini_survives_the_client() -> None:
    echoed = {
        "role": "assistant",
        "content": "x",
        "extra_content": {"google": {"thought_signature": "t"}},
        "tool_calls": [
            {
                "id": "1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "c"}},
            }
        ],
    }
    call = CHAT.read_call(
        json.dumps({"model": "a", "messages": [echoed]}).encode(), Hint()
    )
    text, use = call.conversation().messages[0].parts
    assert isinstance(text, Text) and text.signature == "t"
    assert isinstance(use, ToolUse) and use.signature == "c"
