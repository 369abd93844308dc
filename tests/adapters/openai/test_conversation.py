"""Conversations there and back, and what becomes of what cannot be said."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.contract import Hint, Provider, Quirks, Target, WireRequest
from adapters.errors import BadCall, Unsupported
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Audio,
    Cache,
    Document,
    Image,
    Message,
    Opaque,
    Part,
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
from adapters.openai.family import CHAT, UPSTREAM
from adapters.openai.parameters import PARAMETERS, Fate

OPS = frozenset({"chat", "complete", "embed"})


def row(id_: str = "openrouter", **quirks: Any) -> Provider:
    url = "https://api.openai.com/v1" if id_ == "openai" else "https://up.test/v1"
    return Provider(
        id=id_, family="openai", base_url=url, operations=OPS, quirks=Quirks(**quirks)
    )


def target(id_: str = "openrouter", model: str = "m", **more: Any) -> Target:
    provider = more.pop("provider", None) or row(id_)
    return Target(model=model, base_url=provider.base_url, provider=provider, **more)


def ask(
    conversation: Conversation,
    to: Target,
    dialect: str = "anthropic.messages",
    stream: bool = False,
) -> WireRequest:
    call = ChatCall(
        model="a", dialect=dialect, conversation=conversation, stream=stream
    )
    return UPSTREAM.build_request(call, to)


def sent(
    conversation: Conversation,
    to: Target | None = None,
    dialect: str = "anthropic.messages",
) -> dict[str, Any]:
    found = json.loads(ask(conversation, to or target(), dialect).body)
    assert isinstance(found, dict)
    return found


def said(*parts: Part, role: Any = "user") -> Conversation:
    return Conversation(messages=(Message(role, parts),))


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


def test_reasoning_models_of_openai_are_not_sampled() -> None:
    conversation = Conversation(
        temperature=0.3, top_p=1.0, max_tokens=5, stop=("a",), logprobs=True
    )
    wire = ask(conversation, target("openai", "o3-mini"))
    assert set(wire.dropped) == {"temperature", "stop_sequences", "logprobs"}
    body = json.loads(wire.body)
    assert body["max_completion_tokens"] == 5
    assert "temperature" not in body
    kept = ask(conversation, target("openai", "gpt-4o"))
    assert kept.dropped == ()
    named = ask(
        conversation,
        target("azure_openai", "my-deployment", abilities=frozenset({"reasoning"})),
    )
    assert "temperature" in named.dropped


@pytest.mark.parametrize(
    ("provider", "model", "asked", "expected"),
    [
        ("openai", "gpt-5.2", Reasoning(budget=2000), {"reasoning_effort": "low"}),
        ("openai", "gpt-5.2", Reasoning(budget=20000), {"reasoning_effort": "high"}),
        ("openai", "gpt-5.2", Reasoning(False), {"reasoning_effort": "none"}),
        ("openai", "gpt-5-mini", Reasoning(False), {"reasoning_effort": "minimal"}),
        ("openai", "o3", Reasoning(False), {"reasoning_effort": "low"}),
        ("openai", "gpt-5.2", Reasoning(True), {}),
        ("groq", "m", Reasoning(effort="max"), {"reasoning_effort": "high"}),
        (
            "openrouter",
            "m",
            Reasoning(True, budget=9, show=False),
            {"reasoning": {"max_tokens": 9, "enabled": True, "exclude": True}},
        ),
        ("deepseek", "m", Reasoning(True), {"thinking": {"type": "enabled"}}),
        ("zai", "m", Reasoning(False), {"thinking": {"type": "disabled"}}),
        (
            "dashscope",
            "m",
            Reasoning(True, budget=7),
            {"enable_thinking": True, "thinking_budget": 7},
        ),
    ],
)
def test_thinking_is_asked_for_in_the_providers_words(
    provider: str, model: str, asked: Reasoning, expected: dict[str, Any]
) -> None:
    body = sent(Conversation(reasoning=asked), target(provider, model))
    names = (
        "reasoning_effort",
        "reasoning",
        "thinking",
        "enable_thinking",
        "thinking_budget",
    )
    assert {k: v for k, v in body.items() if k in names} == expected


def test_thinking_cannot_be_asked_of_a_model_that_does_not() -> None:
    assert ask(
        Conversation(reasoning=Reasoning(True)), target("openai", "gpt-4o")
    ).dropped == ("thinking",)


def test_pictures_in_tool_results_follow_in_a_message_of_the_user() -> None:
    picture = Image(data="aGk=", media_type="image/png")
    results = Message(
        "tool",
        (
            ToolResult("1", (Text("a"), picture)),
            ToolResult("2", (picture,)),
            ToolResult("3", (Text("c"),)),
        ),
    )
    messages = sent(Conversation(messages=(results,)))["messages"]
    assert [m["role"] for m in messages] == ["tool", "tool", "tool", "user"]
    assert messages[0]["content"] == "a"
    assert messages[1]["content"]
    kinds = [p["type"] for p in messages[3]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url"]
    assert "tool call 2" in messages[3]["content"][2]["text"]


@pytest.mark.parametrize(
    "part",
    [
        Image(file="file-1"),
        Audio(url="https://x.test/a.mp3"),
        Document(url="https://x.test/a.pdf"),
    ],
)
def test_what_cannot_be_carried_is_refused(part: Any) -> None:
    with pytest.raises(Unsupported):
        ask(said(part), target("openai", "gpt-4o"))


def test_documents_that_are_text_are_written_as_text() -> None:
    content = sent(said(Document(text="body", title="Title"), Text("?")))["messages"][
        0
    ]["content"]
    assert content[0] == {"type": "text", "text": "Title\n\nbody"}
    data = Document(data="aGk=", media_type="text/plain", name="a.txt")
    assert sent(said(data))["messages"][0]["content"] == "a.txt\n\nhi"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("mistral", {"type": "document_url", "document_url": "https://x.test/a.pdf"}),
        ("openrouter", {"type": "file", "file": {"file_data": "https://x.test/a.pdf"}}),
        (
            "perplexity",
            {"type": "file_url", "file_url": {"url": "https://x.test/a.pdf"}},
        ),
    ],
)
def test_addresses_of_documents_stand_where_the_provider_looks(
    provider: str, expected: Any
) -> None:
    content = sent(
        said(Document(url="https://x.test/a.pdf"), Text("?")), target(provider)
    )["messages"][0]["content"]
    assert content[0] == expected


THOUGHT = Thinking("hm", "sig", family="anthropic")


@pytest.mark.parametrize(
    ("provider", "expected", "dropped"),
    [
        ("openai", {}, ("messages.thinking",)),
        (
            "openrouter",
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "hm",
                        "signature": "sig",
                        "format": "anthropic-claude-v1",
                        "index": 0,
                    }
                ]
            },
            (),
        ),
        ("deepseek", {"reasoning_content": "hm"}, ()),
        ("groq", {"reasoning": "hm"}, ()),
        (
            "litellm_proxy",
            {
                "reasoning_content": "hm",
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"}
                ],
            },
            (),
        ),
    ],
)
def test_earlier_thoughts_go_where_the_provider_wants_them(
    provider: str, expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    wire = ask(said(THOUGHT, Text("hi"), role="assistant"), target(provider))
    message = json.loads(wire.body)["messages"][0]
    assert {
        k: v for k, v in message.items() if k not in ("role", "content")
    } == expected
    assert wire.dropped == dropped


def test_cache_markers_reach_those_who_understand_them() -> None:
    conversation = said(Text("x", cache=Cache("1h")))
    kept = sent(conversation)["messages"][0]["content"]
    assert kept == [
        {
            "type": "text",
            "text": "x",
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    ]
    wire = ask(conversation, target("openai", "gpt-4o"))
    assert json.loads(wire.body)["messages"][0]["content"] == "x"
    assert wire.dropped == ("cache_control",)


def test_only_the_allowed_tools_are_sent_where_the_choice_cannot_be_narrowed() -> None:
    conversation = Conversation(
        tools=(Tool("a"), Tool("b")), tool_choice=ToolChoice("required", ("b",))
    )
    body = sent(conversation)
    assert [t["function"]["name"] for t in body["tools"]] == ["b"]
    assert body["tool_choice"] == "required"
    narrow = sent(conversation, target("openai", "gpt-4o"))
    assert len(narrow["tools"]) == 2
    assert narrow["tool_choice"]["allowed_tools"]["mode"] == "required"


def test_another_familys_tools_and_parts_are_named_when_dropped() -> None:
    tool = Tool("web_search", kind="opaque", family="anthropic", raw=Raw(b"{}"))
    part = Opaque("anthropic", "server_tool_use", Raw(b"{}"))
    conversation = Conversation(
        messages=(Message("user", (Text("x"), part)),), tools=(tool,)
    )
    assert ask(conversation, target()).dropped == (
        "server_tool_use",
        "tools.web_search",
    )


def test_the_client_is_told_in_its_own_words() -> None:
    conversation = Conversation(top_k=3)
    for dialect, name in (
        ("anthropic.messages", "top_k"),
        ("gemini.generate", "generationConfig.topK"),
    ):
        assert ask(conversation, target("openai", "gpt-4o"), dialect).dropped == (name,)


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
