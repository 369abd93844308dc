"""What must hold for every conversation, every answer and every stream."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from adapters.anthropic.conversation import read
from adapters.anthropic.family import MESSAGES, UPSTREAM
from adapters.errors import BadCall, Unsupported, UpstreamError
from adapters.normal import delta as normal
from adapters.normal.chat import ChatCall, ChatResult, Choice, Conversation
from adapters.normal.content import (
    Cache,
    Citation,
    Document,
    Image,
    Message,
    Opaque,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from adapters.normal.delta import Frame
from adapters.normal.fold import unfold
from adapters.normal.usage import Usage
from tests.adapters.anthropic import accumulate, grammar
from tests.adapters.anthropic.recordings import DIALECT, call, response, target

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
ids = st.text("abcXYZ019_-", min_size=1, max_size=12)
base64 = st.text("ABCabc012+/", min_size=4, max_size=16)
caches = st.none() | st.sampled_from([Cache(), Cache("5m"), Cache("1h")])
marks = st.text('"\\{}[]', max_size=4)
leaves = marks | st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words
objects = st.dictionaries(words, leaves, max_size=3).map(json.dumps)

texts = st.builds(Text, words, cache=caches)
images = st.one_of(
    st.builds(Image, data=base64, media_type=st.just("image/png"), cache=caches),
    st.builds(Image, url=words.map("https://a.test/".__add__), cache=caches),
    st.builds(Image, file=ids, cache=caches),
)
about: dict[str, Any] = {
    "title": words | st.just(""),
    "context": words | st.just(""),
    "citations": st.booleans(),
    "cache": caches,
}
documents = st.one_of(
    st.builds(Document, data=base64, media_type=st.just("application/pdf"), **about),
    st.builds(Document, text=words, media_type=st.just("text/plain"), **about),
    st.builds(Document, url=words.map("https://a.test/".__add__), **about),
    st.builds(Document, file=ids, **about),
)
found = st.builds(
    lambda title: Opaque(
        "anthropic",
        "search_result",
        Raw(json.dumps({"type": "search_result", "title": title}).encode()),
    ),
    words,
)
thoughts = st.one_of(
    st.builds(Thinking, words, base64, family=st.just("anthropic")),
    st.builds(Thinking, redacted=base64, family=st.just("anthropic")),
)
uses = st.builds(ToolUse, ids, ids, objects, cache=caches)
results = st.builds(
    ToolResult,
    ids,
    st.lists(texts | images | documents | found, max_size=2).map(tuple),
    is_error=st.booleans(),
    cache=caches,
)


def message(role: str, part: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    parts = st.lists(part, min_size=1, max_size=3).map(tuple)
    return st.builds(Message, st.just(role), parts)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns in the API's order: results only after calls, roles alternating."""
    out = []
    if draw(st.booleans()):
        out.append(draw(message("system", texts)))
    out.append(draw(message("user", texts | images | documents)))
    for _ in range(draw(st.integers(0, 2))):
        out.append(draw(message("assistant", texts | thoughts | uses)))
        calls = [part for part in out[-1].parts if isinstance(part, ToolUse)]
        if calls and draw(st.booleans()):
            answers = [replace(draw(results), id=call.id) for call in calls]
            out.append(Message("tool", tuple(answers)))
            if draw(st.booleans()):
                out.append(draw(message("user", texts)))
        else:
            out.append(draw(message("user", texts | found)))
    return tuple(out)


schemas = st.just(Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}'))
tools = st.one_of(
    st.builds(
        Tool,
        ids,
        words,
        schemas,
        st.none() | st.booleans(),
        cache=caches,
    ),
    st.builds(
        lambda name: Tool(
            name,
            kind="opaque",
            family="anthropic",
            raw=Raw(b'{"type":"web_search_20250305","name":"%b"}' % name.encode()),
        ),
        ids,
    ),
    st.builds(
        Tool,
        ids,
        words,
        schemas,
        raw=st.just(Raw(b'{"defer_loading":true}')),
        family=st.just("anthropic"),
    ),
)
choices = st.one_of(
    st.builds(ToolChoice, st.sampled_from(["auto", "required", "none"])),
    st.builds(lambda name: ToolChoice("tool", (name,)), ids),
)
efforts = st.sampled_from(["", "low", "medium", "high", "xhigh", "max"])
shows = st.none() | st.booleans()
reasonings = st.one_of(
    st.none(),
    st.builds(Reasoning, st.just(True), efforts, st.integers(0, 9999), shows),
    st.builds(Reasoning, st.just(True), efforts, st.just(-1), shows),
    st.builds(Reasoning, st.just(False), efforts, st.none(), shows),
    st.builds(Reasoning, effort=st.sampled_from(["low", "max"])),
)
numbers = st.none() | st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    some = tuple(draw(st.lists(tools, max_size=2)))
    choice = draw(st.none() | choices) if some else None
    parallel = st.none() | st.booleans()
    if choice is None or choice.mode == "none":
        parallel = st.none()
    return Conversation(
        messages=draw(histories()),
        tools=some,
        tool_choice=choice,
        parallel_tools=draw(parallel),
        max_tokens=draw(st.integers(1, 99999)),
        temperature=draw(numbers),
        top_p=draw(numbers),
        top_k=draw(st.none() | st.integers(0, 99)),
        stop=tuple(draw(st.lists(words, max_size=2))),
        response_format=draw(
            st.none() | st.builds(ResponseFormat, st.just("schema"), schema=schemas)
        ),
        reasoning=draw(reasonings),
        user=draw(st.just("") | words),
        service_tier=draw(st.sampled_from(["", "auto", "standard_only"])),
        extra=draw(st.sampled_from([{}, {"container": Raw(b'{"id":"c"}')}])),
    )


@settings(max_examples=150, deadline=None)
@given(conversations())
def test_reading_what_was_written_gives_the_same_conversation(x: Conversation) -> None:
    asked = ChatCall(model="a", dialect=DIALECT, conversation=x)
    wire = UPSTREAM.build_request(asked, target())
    assert wire.dropped == ()
    assert read(wire.body) == x


def foreign(x: Conversation) -> ChatCall:
    return ChatCall(model="a", dialect="openai.chat", conversation=x)


@settings(max_examples=120, deadline=None)
@given(conversations(), st.sampled_from(["claude-3-5-haiku", "claude-opus-5", "m"]))
def test_a_foreign_conversation_becomes_a_request_the_api_takes(
    x: Conversation, model: str
) -> None:
    try:
        wire = UPSTREAM.build_request(foreign(x), target(model))
    except Unsupported as refused:
        assert refused.parameter in ("file_id", "messages")
        return
    body = json.loads(wire.body)
    roles = [turn["role"] for turn in body["messages"]]
    assert all(a != b for a, b in itertools.pairwise(roles))
    for turn in body["messages"]:
        content = turn["content"]
        assert content
        if isinstance(content, list):
            kinds = [b["type"] == "tool_result" for b in content]
            assert kinds == sorted(kinds, reverse=True), "results stand first"
            assert all(b.get("text") != "" for b in content)
    parts = [part for turn in body["messages"] for part in _parts(turn)]
    calls = [part["id"] for part in parts if part["type"] == "tool_use"]
    answered = [p["tool_use_id"] for p in parts if p["type"] == "tool_result"]
    assert len({*calls}) == len(calls)
    assert len({*answered}) == len(answered)
    assert {*answered} <= {*calls}
    thinking = body.get("thinking", {})
    if thinking.get("type") == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["max_tokens"]
    if thinking.get("type") in ("enabled", "adaptive"):
        assert body.get("temperature", 1) == 1
        assert body.get("tool_choice", {}).get("type") not in ("any", "tool")
    assert read(wire.body).messages


def _parts(turn: dict[str, Any]) -> list[dict[str, Any]]:
    content = turn["content"]
    return content if isinstance(content, list) else []


def _said(*turns: tuple[str, str]) -> ChatCall:
    messages = tuple(Message(role, (Text(text),)) for role, text in turns)
    return foreign(Conversation(messages=messages))


def test_neighbours_of_a_blank_turn_become_one() -> None:
    told = _said(("user", "a"), ("assistant", "b"), ("user", " "), ("assistant", "c"))
    body = json.loads(UPSTREAM.build_request(told, target()).body)
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant"]
    said = [block["text"] for block in body["messages"][1]["content"]]
    assert said == ["b", "c"]


def test_a_conversation_of_blanks_is_refused() -> None:
    with pytest.raises(Unsupported, match="nothing but blanks"):
        UPSTREAM.build_request(_said(("user", "\r")), target())


texts_out = st.builds(Text, words)
cited = st.builds(
    Text,
    words,
    st.lists(st.builds(Citation, url=words, title=words, quote=words), max_size=2).map(
        tuple
    ),
)
calls_out = st.builds(ToolUse, ids, ids, objects, signature=st.just("") | base64)
free = st.builds(ToolUse, ids, ids, words, custom=st.just(True))
any_thoughts = st.one_of(
    thoughts,
    st.builds(Thinking, words),
    st.builds(Thinking, words, base64, family=st.just("gemini")),
    st.builds(Thinking, redacted=base64, family=st.just("openai")),
)
parts_out = st.lists(texts_out | cited | calls_out | free | any_thoughts, max_size=5)
usages = st.builds(
    lambda fresh, read_, made, hour, out: Usage(
        input=fresh + read_ + made + hour,
        cached=read_,
        cache_write=made + hour,
        cache_write_1h=hour,
        output=out,
    ),
    *[st.integers(0, 999)] * 5,
)


@st.composite
def answers(draw: st.DrawFn) -> ChatResult:
    parts = tuple(draw(parts_out))
    stop = draw(st.sampled_from(["end", "length", "stop_sequence", "refusal", "pause"]))
    return ChatResult(
        id=draw(st.just("chatcmpl-1") | st.just("msg_1")),
        model="gpt-x",
        usage=draw(usages),
        dialect="openai.chat",
        choices=(Choice(parts=parts, stop=stop),),
    )


def merged(message: dict[str, Any]) -> dict[str, Any]:
    """Meaning, with neighbouring unsigned thoughts joined as in a stream."""
    out = accumulate.meaning(message)
    content: list[dict[str, Any]] = []
    for block in out["content"]:
        last = content[-1] if content else {}
        both = block["type"] == last.get("type") == "thinking"
        if both and not last["signature"]:
            last["thinking"] += block["thinking"]
            last["signature"] = block["signature"]
        else:
            content.append(block)
    return {**out, "content": content}


@settings(max_examples=150, deadline=None)
@given(answers())
def test_a_streamed_answer_adds_up_to_the_whole_one(result: ChatResult) -> None:
    asked = call()
    whole = MESSAGES.write_result(result, asked)
    accumulate.validated(whole)
    encoder = MESSAGES.write_stream(asked, "openai.chat")
    told = b"".join(encoder.frames([frame]) for frame in unfold(result))
    told += encoder.close()
    grammar.check(grammar.parse(told))
    streamed = merged(accumulate.whole(told, strict=True))
    assert streamed == merged(json.loads(whole))


@settings(max_examples=120, deadline=None)
@given(answers())
def test_an_answer_survives_the_way_to_a_client_and_back(result: ChatResult) -> None:
    """What a client sends back on the next turn is what the model said."""
    body = json.loads(MESSAGES.write_result(result, call()))
    turn = {"role": "assistant", "content": body["content"]}
    history = {"model": "m", "max_tokens": 1, "messages": [turn]}
    (message,) = read(json.dumps(history).encode()).messages
    (choice,) = result.choices()

    def core(part: Any) -> Any:
        match part:
            case ToolUse():
                said = part.arguments if not part.custom else {"input": part.arguments}
                said = json.loads(said) if isinstance(said, str) else said
                return part.id, part.name, said, part.signature
            case Thinking():
                signed = part.signature or part.redacted
                return (
                    part.text,
                    part.signature,
                    part.redacted,
                    part.family * bool(signed),
                )
            case _:
                return part.text

    assert [core(p) for p in message.parts] == [core(p) for p in choice.parts]


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[normal.Delta], list[str], str]:
    """Deltas of several tools at once, as some families send them, with text between."""
    count = draw(st.integers(1, 3))
    wanted = [draw(objects) for _ in range(count)]
    queues: list[list[normal.Delta]] = []
    for i, text in enumerate(wanted):
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
        edges = [0, *cuts, len(text)]
        pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
        queues.append(
            [normal.ToolStart(i, f"t{i}", f"f{i}")]
            + [normal.ToolDelta(i, piece) for piece in pieces]
        )
    said = draw(st.lists(words, max_size=3))
    queues.append([normal.TextDelta(text) for text in said])
    out: list[normal.Delta] = []
    while any(queues):
        queue = draw(st.sampled_from([q for q in queues if q]))
        out.append(queue.pop(0))
    return out, wanted, "".join(said)


@settings(max_examples=120, deadline=None)
@given(interleaved(), st.booleans())
def test_tools_that_come_all_at_once_are_told_one_after_the_other(
    source: tuple[list[normal.Delta], list[str], str], stops: bool
) -> None:
    deltas, wanted, said = source
    encoder = MESSAGES.write_stream(call(), "openai.chat")
    told = b"".join(encoder.frames([Frame(b"", (delta,))]) for delta in deltas)
    if stops:
        told += encoder.frames([Frame(b"", (normal.Stop("tool_use"),))])
    told += encoder.close()
    grammar.check(grammar.parse(told))
    content = accumulate.whole(told, strict=True)["content"]
    used = {b["id"]: b for b in content if b["type"] == "tool_use"}
    assert [used[f"t{i}"]["input"] for i in range(len(wanted))] == [
        json.loads(text) for text in wanted
    ]
    assert "".join(b["text"] for b in content if b["type"] == "text") == said


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_a_decoder_raise(data: bytes) -> None:
    decoder = UPSTREAM.parse_stream(call())
    frames = decoder.feed(data) + decoder.close()
    assert isinstance(frames[-1].deltas[-1], normal.Failed)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "type", "text", "index", "delta", "message", "usage", "content_block",
                "content", "input", "id", "name", "source", "role", "messages",
                "system", "tools", "thinking", "citations", "error", "tool_use_id",
                "input_tokens", "stop_reason", "output_config", "metadata",
            ]
        ),
        inner
        | st.sampled_from(
            [
                "text", "image", "tool_use", "tool_result", "message_start", "user",
                "content_block_start", "content_block_delta", "content_block_stop",
                "message_delta", "error", "thinking", "document", "assistant",
                "input_json_delta", "server_tool_use", "citations_delta",
            ]
        ),
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_no_json_makes_anything_raise_but_what_is_promised(value: Any) -> None:
    body = json.dumps(value).encode()
    try:
        asked = call(body)
        asked.conversation()
        UPSTREAM.build_request(
            ChatCall(model="a", dialect=DIALECT, conversation=asked.conversation()),
            target(),
        )
    except (BadCall, Unsupported):
        pass
    try:
        result = UPSTREAM.parse_response(response(body), call())
        assert isinstance(result, ChatResult)
        MESSAGES.write_result(result, call())
        result.choices()
    except UpstreamError:
        pass
    assert isinstance(UPSTREAM.parse_error(response(body, 500)), UpstreamError)
    decoder = UPSTREAM.parse_stream(call())
    frames = decoder.feed(b"event: x\ndata: " + body + b"\n\n") + decoder.close()
    MESSAGES.write_stream(call(), "openai.chat").frames(frames)
