"""Conversations there and back, and the fate of every parameter."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.contract import Hint
from adapters.errors import Unsupported
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Audio,
    Cache,
    Document,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from adapters.openai.family import CHAT
from adapters.openai.parameters import PARAMETERS, Fate
from tests.adapters.openai.asking import ask, row, sent, target

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8
)


DATA = st.binary(min_size=1, max_size=9).map(lambda b: base64.b64encode(b).decode())


CACHES = st.none() | st.builds(Cache, st.sampled_from(["", "5m", "1h"]))


TEXTS = st.builds(Text, WORDS, cache=CACHES)


IMAGES = st.one_of(
    st.builds(
        Image,
        data=DATA,
        media_type=st.sampled_from(["image/png", "image/jpeg"]),
        detail=st.sampled_from(["", "low", "high"]),
        cache=CACHES,
    ),
    st.builds(Image, url=WORDS.map("https://x.test/".__add__), cache=CACHES),
)


FILES = st.builds(
    Document, data=DATA, media_type=st.just("application/pdf"), name=WORDS, cache=CACHES
)


SOUNDS = st.builds(
    Audio, data=DATA, format=st.sampled_from(["wav", "mp3"]), cache=CACHES
)


THOUGHTS = st.one_of(
    st.lists(
        st.builds(Thinking, WORDS, WORDS, family=st.just("anthropic")),
        min_size=1,
        max_size=2,
    ),
    st.lists(
        st.builds(
            Thinking, redacted=WORDS, family=st.just("gemini"), id=st.just("") | WORDS
        ),
        min_size=1,
        max_size=2,
    ),
    st.builds(Thinking, WORDS).map(lambda t: [t]),
)


CALLS = st.one_of(
    st.builds(
        ToolUse, WORDS, WORDS, st.just('{"a": 1}'), st.just("") | WORDS, cache=CACHES
    ),
    st.builds(ToolUse, WORDS, WORDS, WORDS, custom=st.just(True), cache=CACHES),
)


OWN = st.builds(
    Opaque,
    st.just("openai"),
    st.just("video_url"),
    st.just(Raw(b'{"type":"video_url","x":1}')),
)


def assistant(
    thoughts: list[Thinking],
    texts: list[Text],
    refusal: list[Refusal],
    calls: list[ToolUse],
) -> Message:
    return Message("assistant", (*thoughts, *texts, *refusal, *calls))


ASSISTANTS = st.builds(
    assistant,
    st.just([]) | THOUGHTS,
    st.lists(TEXTS, max_size=2),
    st.lists(st.builds(Refusal, WORDS), max_size=1),
    st.lists(CALLS, max_size=3),
).filter(lambda m: bool(m.parts))


USERS = st.builds(
    Message,
    st.sampled_from(["user", "system", "developer"]),
    st.lists(TEXTS | IMAGES | FILES | SOUNDS | OWN, min_size=1, max_size=3).map(tuple),
    st.just("") | WORDS,
)


RESULTS = st.builds(
    ToolResult,
    WORDS,
    st.lists(st.builds(Text, WORDS), min_size=1, max_size=2).map(tuple),
    st.just("") | WORDS,
)


TOOLS = st.builds(
    Tool,
    WORDS,
    st.just("") | WORDS,
    st.just(Raw(b'{"type":"object"}')) | st.just(Raw(b"")),
    st.none() | st.booleans(),
    cache=CACHES,
)


NUMBERS = st.none() | st.floats(0, 2)


CONVERSATIONS = st.builds(
    Conversation,
    messages=st.lists(USERS | ASSISTANTS, max_size=4).flatmap(
        lambda turns: st.lists(RESULTS, min_size=1, max_size=2).map(
            lambda results: (*turns, Message("tool", tuple(results)), *turns[:1])
        )
    ),
    tools=st.lists(TOOLS, min_size=1, max_size=2).map(tuple),
    tool_choice=st.none()
    | st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"]))
    | st.builds(ToolChoice, st.just("tool"), st.tuples(WORDS))
    | st.builds(
        ToolChoice, st.sampled_from(["auto", "required"]), st.tuples(WORDS, WORDS)
    ),
    parallel_tools=st.none() | st.booleans(),
    max_tokens=st.none() | st.integers(1, 9),
    temperature=NUMBERS,
    top_p=NUMBERS,
    top_k=st.none() | st.integers(1, 9),
    stop=st.lists(WORDS, max_size=3).map(tuple),
    seed=st.none() | st.integers(-5, 5),
    n=st.none() | st.integers(1, 3),
    presence_penalty=NUMBERS,
    frequency_penalty=NUMBERS,
    logit_bias=st.sampled_from([Raw(b""), Raw(b'{"7":-1}')]),
    logprobs=st.none() | st.booleans(),
    top_logprobs=st.none() | st.integers(0, 5),
    response_format=st.none()
    | st.builds(ResponseFormat, st.sampled_from(["text", "json"]))
    | st.builds(
        ResponseFormat,
        st.just("schema"),
        WORDS,
        st.just("") | WORDS,
        st.just(Raw(b'{"a":{}}')),
        st.none() | st.booleans(),
    ),
    reasoning=st.none()
    | st.builds(Reasoning, effort=st.sampled_from(["low", "high"]))
    | st.builds(Reasoning, st.booleans(), show=st.none() | st.booleans())
    | st.builds(Reasoning, budget=st.integers(1, 9)),
    user=st.just("") | WORDS,
    metadata=st.sampled_from([Raw(b""), Raw(b'{"a":"b"}')]),
    service_tier=st.sampled_from(["", "flex"]),
    verbosity=st.sampled_from(["", "low"]),
    modalities=st.sampled_from([(), ("text", "audio")]),
    audio=st.sampled_from([Raw(b""), Raw(b'{"voice":"alloy"}')]),
    prediction=st.sampled_from([Raw(b""), Raw(b'{"type":"content","content":"x"}')]),
    cache_key=st.just("") | WORDS,
    cache_retention=st.sampled_from(["", "24h"]),
    safety_identifier=st.just("") | WORDS,
    store=st.none() | st.booleans(),
    extra=st.sampled_from(
        [{}, {"web_search_options": Raw(b"{}"), "x_y": Raw(b"[1.0]")}]
    ),
)


@given(CONVERSATIONS)
def test_what_is_written_is_read_the_same(conversation: Conversation) -> None:
    to = target(provider=row("litellm_proxy", extra={"effort": "reasoning"}))
    wire = ask(conversation, to, "openai.chat")
    assert wire.dropped == ()
    again = CHAT.read_call(wire.body, Hint()).conversation()
    assert msgspec.structs.replace(again, messages=()) == msgspec.structs.replace(
        conversation, messages=()
    )
    assert again.messages == conversation.messages


def test_each_parameter_has_its_fate_and_keeps_it() -> None:
    assert set(PARAMETERS) == set(Conversation.__struct_fields__)
    assert all(isinstance(fate, Fate) for fate in PARAMETERS.values())
    given_: dict[str, Any] = {
        "messages": (Message("user", (Text("x"),)),),
        "tools": (Tool("f"),),
        "tool_choice": ToolChoice("auto"),
        "parallel_tools": False,
        "max_tokens": 3,
        "temperature": 0.5,
        "top_p": 0.5,
        "top_k": 3,
        "stop": ("a",),
        "seed": 1,
        "n": 2,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.1,
        "logit_bias": Raw(b'{"1":2}'),
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": ResponseFormat("json"),
        "reasoning": Reasoning(effort="low"),
        "user": "u",
        "metadata": Raw(b'{"a":"b"}'),
        "service_tier": "flex",
        "verbosity": "low",
        "modalities": ("text", "audio"),
        "audio": Raw(b"{}"),
        "prediction": Raw(b"{}"),
        "cache_key": "k",
        "cache_retention": "24h",
        "safety_identifier": "s",
        "store": True,
        "extra": {"unknown": Raw(b"1")},
    }
    assert set(given_) == set(PARAMETERS)
    empty = sent(Conversation(), target("openai", "gpt-5.2"))
    for name, value in given_.items():
        more = (
            {"tools": (Tool("f"),)} if name in ("tool_choice", "parallel_tools") else {}
        )
        effort = {"reasoning": Reasoning(effort="none")} if name != "reasoning" else {}
        conversation = Conversation(**{**effort, **more, name: value})
        wire = ask(conversation, target("openai", "gpt-5.2"))
        body = json.loads(wire.body)
        fate = PARAMETERS[name]
        told = "unknown" if name == "extra" else fate.name or name
        if fate.fate == "mapped":
            assert wire.dropped == (), name
            assert body != empty, name
            continue
        assert wire.dropped == (told,), name
        with pytest.raises(Unsupported) as caught:
            ask(conversation, target("openai", "gpt-5.2", strict=True))
        assert caught.value.parameter == told
