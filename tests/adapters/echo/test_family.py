"""The echo family does what real ones do, and streams what it would say whole."""

import base64
import math
import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.contract import Operation, Target, WireRequest, WireResponse
from adapters.echo.family import UPSTREAM, respond, stream
from adapters.errors import BadRequest, Garbled, Unsupported
from adapters.normal.chat import ChatCall, ChatResult, Conversation, TokenCount
from adapters.normal.content import (
    Image,
    Message,
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
from adapters.normal.delta import (
    Begin,
    CitationDelta,
    Delta,
    Failed,
    Frame,
    LogprobDelta,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.providers import PROVIDERS
from tests.adapters.echo.schemas import fits

WEATHER = Tool(
    "get_weather",
    schema=Raw(
        b'{"type":"object","properties":{"city":{"type":"string"},"days":'
        b'{"type":"integer","minimum":2}},"required":["city","days"]}'
    ),
)
CLOCK = Tool("get_time", schema=Raw(b'{"type":"object","properties":{}}'))
POEM = Tool("write_poem", kind="custom")


def target(model: str = "plain", *, strict: bool = False) -> Target:
    row = PROVIDERS["echo"]
    return Target(
        model=model, base_url=row.base_url, provider=row, strict=strict, heads={}
    )


def call(asked: Conversation, *, operation: Any = "chat") -> ChatCall:
    return ChatCall(
        model="echo", dialect="test", operation=operation, conversation=asked
    )


def user(text: str, *more: Part, **fields: Any) -> Conversation:
    return Conversation(messages=(Message("user", (Text(text), *more)),), **fields)


def ask(asked: Conversation, model: str = "plain") -> ChatResult:
    one = call(asked)
    result = UPSTREAM.parse_response(
        respond(UPSTREAM.build_request(one, target(model))), one
    )
    assert isinstance(result, ChatResult)
    return result


def streamed(asked: Conversation) -> list[Delta]:
    one = call(asked)
    pieces = stream(UPSTREAM.build_request(one, target()))
    return [d for frame in decode(pieces) for d in frame.deltas]


def decode(pieces: Iterator[bytes] | list[bytes]) -> list[Frame]:
    decoder = UPSTREAM.parse_stream(call(Conversation()))
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.close()


def only(asked: Conversation) -> tuple[Part, ...]:
    (choice,) = ask(asked).choices()
    return choice.parts


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
conversations = st.builds(
    user,
    texts
    | st.sampled_from(
        ["use the tool", "use all tools", "please refuse", "cite it", "a\r\nb"]
    ),
    tools=st.sampled_from([(), (WEATHER,), (WEATHER, CLOCK, POEM)]),
    tool_choice=st.sampled_from(
        [None, ToolChoice("required"), ToolChoice("none"), ToolChoice("auto")]
    ),
    parallel_tools=st.sampled_from([None, True, False]),
    max_tokens=st.none() | st.integers(0, 40),
    stop=st.lists(st.text(min_size=1, max_size=2), max_size=2).map(tuple),
    n=st.none() | st.integers(1, 3),
    logprobs=st.sampled_from([None, True]),
    top_logprobs=st.none() | st.integers(0, 3),
    reasoning=st.sampled_from(
        [None, Reasoning(enabled=True), Reasoning(effort="low"), Reasoning(budget=3)]
    ),
    response_format=st.sampled_from(
        [None, ResponseFormat("json"), ResponseFormat("schema", schema=WEATHER.schema)]
    ),
)


@given(conversations)
def test_a_stream_adds_up_to_the_whole_answer(asked: Conversation) -> None:
    whole = ask(asked)
    deltas = streamed(asked)
    assert isinstance(deltas[0], Begin)
    assert (deltas[0].id, deltas[0].model) == (whole.id, whole.model)
    assert deltas[-1] == Used(whole.usage)  # type: ignore[arg-type]
    for choice in whole.choices():
        mine = [d for d in deltas if getattr(d, "choice", None) == choice.index]
        assert mine[-1] == Stop(
            choice.stop,  # type: ignore[arg-type]
            choice.index,
            choice.native_stop,
            choice.stop_sequence,
        )
        assert _folded(mine) == tuple(p for p in choice.parts if p != Text(""))
        told = [d.logprobs for d in mine if isinstance(d, LogprobDelta)]
        content = [c for raw in told for c in msgspec.json.decode(raw)["content"]]
        if choice.logprobs:
            assert content == msgspec.json.decode(choice.logprobs)["content"]


def _folded(deltas: list[Delta]) -> tuple[Part, ...]:  # noqa: C901
    """The parts that deltas of one choice stand for: apart from the code under test."""
    parts: list[Part] = []
    for d in deltas:
        last = parts[-1] if parts else None
        match d:
            case ThinkDelta() if isinstance(last, Thinking):
                parts[-1] = Thinking(
                    last.text + d.text, last.signature + d.signature, family=d.family
                )
            case ThinkDelta():
                parts.append(Thinking(d.text, d.signature, family=d.family))
            case TextDelta() if isinstance(last, Text):
                parts[-1] = Text(last.text + d.text)
            case TextDelta():
                parts.append(Text(d.text))
            case RefusalDelta() if isinstance(last, Refusal):
                parts[-1] = Refusal(last.text + d.text)
            case RefusalDelta():
                parts.append(Refusal(d.text))
            case CitationDelta():
                assert isinstance(last, Text)
                parts[-1] = Text(last.text, (*last.citations, d.citation))
            case ToolStart():
                assert d.tool == sum(isinstance(p, ToolUse) for p in parts)
                parts.append(ToolUse(d.id, d.name, "", custom=d.custom))
            case ToolDelta():
                assert isinstance(last, ToolUse)
                parts[-1] = msgspec.structs.replace(
                    last, arguments=last.arguments + d.arguments
                )
            case _:
                pass
    return tuple(parts)


@given(conversations, st.integers(1, 50))
def test_a_stream_may_be_cut_anywhere(asked: Conversation, size: int) -> None:
    one = call(asked)
    pieces = list(stream(UPSTREAM.build_request(one, target())))
    data = b"".join(pieces)
    cut = [data[i : i + size] for i in range(0, len(data), size)]
    assert decode(cut) == decode(pieces)


@given(conversations)
def test_a_token_limit_is_kept_and_told(asked: Conversation) -> None:
    result = ask(asked)
    assert result.usage is not None
    used = result.usage
    assert used.output == used.reasoning or used.output > used.reasoning
    refused = any(c.stop == "refusal" for c in result.choices())
    if asked.max_tokens is not None and not refused:
        assert used.output <= asked.max_tokens * len(result.choices())
        unlimited = ask(msgspec.structs.replace(asked, max_tokens=None)).usage
        assert unlimited is not None
        cut = any(c.stop == "length" for c in result.choices())
        assert cut == (used.output < unlimited.output)


def test_it_repeats_what_was_said() -> None:
    assert only(user("Hello, w\u00f6rld! \U0001f600")) == (
        Text("Hello, w\u00f6rld! \U0001f600"),
    )
    assert ask(user("hello")).id == ask(user("hello")).id
    assert ask(user("hello")).id != ask(user("other")).id


def test_the_demo_model_says_what_it_is_and_what_to_do_next() -> None:
    (choice,) = ask(user("hello", Image(data="AAAA")), "demo").choices()
    (said,) = choice.parts
    assert isinstance(said, Text)
    assert "You said: hello (with image)" in said.text
    assert "demo model" in said.text
    assert "OPENAI_API_KEY" in said.text
    assert choice.stop == "end"


def test_it_uses_the_tool_when_asked_to() -> None:
    for asked in (
        user("Use the tool, now", tools=(WEATHER, CLOCK)),
        user("hi", tools=(WEATHER, CLOCK), tool_choice=ToolChoice("required")),
        user(
            "hi",
            tools=(CLOCK, WEATHER),
            tool_choice=ToolChoice("tool", ("get_weather",)),
        ),
    ):
        (choice,) = ask(asked).choices()
        (use,) = choice.parts
        assert isinstance(use, ToolUse)
        assert use.name == "get_weather"
        assert msgspec.json.decode(use.arguments) == {"city": "city", "days": 2}
        assert choice.stop == "tool_use"


def test_it_picks_the_tool_that_is_named() -> None:
    (use,) = only(user("use the tool get_time", tools=(WEATHER, CLOCK)))
    assert isinstance(use, ToolUse)
    assert use.name == "get_time"


def test_it_uses_all_tools_at_once_unless_forbidden() -> None:
    asked = user("use all tools", tools=(WEATHER, CLOCK, POEM))
    parts = only(asked)
    assert [p.name for p in parts if isinstance(p, ToolUse)] == [
        "get_weather",
        "get_time",
        "write_poem",
    ]
    assert len({p.id for p in parts if isinstance(p, ToolUse)}) == 3
    assert [p.custom for p in parts if isinstance(p, ToolUse)] == [False, False, True]
    assert len(only(msgspec.structs.replace(asked, parallel_tools=False))) == 1


def test_it_leaves_tools_alone_otherwise() -> None:
    for asked in (
        user("hello", tools=(WEATHER,)),
        user("use the tool", tools=(WEATHER,), tool_choice=ToolChoice("none")),
        user("use the tool"),
    ):
        assert isinstance(only(asked)[0], Text)


def test_a_tools_result_is_answered_with_text() -> None:
    asked = Conversation(
        messages=(
            Message("user", (Text("use the tool"),)),
            Message("assistant", (ToolUse("1", "get_weather"),)),
            Message("tool", (ToolResult("1", (Text("sunny"),)),)),
        ),
        tools=(WEATHER,),
    )
    assert only(asked) == (Text("sunny"),)
    (said,) = ask(asked, "demo").choices()[0].parts
    assert isinstance(said, Text)
    assert said.text.startswith("The tool said: sunny")


def test_structured_output_satisfies_its_schema() -> None:
    form = ResponseFormat("schema", schema=WEATHER.schema)
    (said,) = only(user("hello", response_format=form))
    assert isinstance(said, Text)
    assert fits(msgspec.json.decode(said.text), msgspec.json.decode(WEATHER.schema))
    (said,) = only(user("hello", response_format=ResponseFormat("json")))
    assert isinstance(said, Text)
    assert msgspec.json.decode(said.text) == {"echo": "hello"}


def test_it_thinks_when_asked_to() -> None:
    for wish in (
        Reasoning(enabled=True),
        Reasoning(effort="high"),
        Reasoning(budget=1024),
    ):
        result = ask(user("hello", reasoning=wish))
        thought, said = result.choices()[0].parts
        assert isinstance(thought, Thinking)
        assert thought.signature
        assert said == Text("hello")
        assert result.usage is not None
        assert 0 < result.usage.reasoning < result.usage.output
    for wish in (Reasoning(), Reasoning(enabled=False), Reasoning(effort="none")):
        assert only(user("hello", reasoning=wish)) == (Text("hello"),)


def test_it_stops_at_the_first_stop_sequence() -> None:
    (choice,) = ask(user("one two three", stop=("three", " two"))).choices()
    assert choice.parts == (Text("one"),)
    assert (choice.stop, choice.stop_sequence) == ("stop_sequence", " two")


def test_a_long_answer_is_cut_at_the_limit() -> None:
    result = ask(user("one two three", max_tokens=2))
    (choice,) = result.choices()
    assert choice.parts == (Text("one two"),)
    assert choice.stop == "length"
    assert result.usage is not None
    assert result.usage.output == 2


def test_it_gives_as_many_choices_as_asked() -> None:
    choices = ask(user("hello", n=3)).choices()
    assert [c.index for c in choices] == [0, 1, 2]
    assert len({c.parts for c in choices}) == 3


def test_log_probabilities_spell_the_text() -> None:
    (choice,) = ask(user("hello there", logprobs=True, top_logprobs=2)).choices()
    content = msgspec.json.decode(choice.logprobs)["content"]
    assert "".join(one["token"] for one in content) == "hello there"
    for one in content:
        assert bytes(one["bytes"]).decode() == one["token"]
        assert len(one["top_logprobs"]) == 2
        assert one["top_logprobs"][0]["token"] == one["token"]


def test_it_refuses_and_cites_on_request() -> None:
    (choice,) = ask(user("Please refuse.")).choices()
    assert isinstance(choice.parts[0], Refusal)
    assert choice.stop == "refusal"
    (said,) = only(user("do cite it"))
    assert isinstance(said, Text)
    (citation,) = said.citations
    assert citation.url.startswith("https://")
    assert (citation.start, citation.end) == (0, len(said.text))


def test_it_counts_tokens() -> None:
    one = call(user("hello " * 100), operation="count_tokens")
    result = UPSTREAM.parse_response(
        respond(UPSTREAM.build_request(one, target())), one
    )
    assert isinstance(result, TokenCount)
    assert 100 <= result.input <= 200


def embed(*inputs: Any, **fields: Any) -> EmbedResult:
    one = EmbedCall(model="echo", dialect="test", inputs=inputs, **fields)
    result = UPSTREAM.parse_response(
        respond(UPSTREAM.build_request(one, target())), one
    )
    assert isinstance(result, EmbedResult)
    return result


@given(
    st.lists(
        texts
        | st.lists(st.integers(0, 100_000), max_size=5).map(tuple)
        | st.just((Text("a"), Image(data="AAAA"))),
        max_size=4,
    ),
    st.none() | st.integers(1, 300),
)
def test_embeddings_are_unit_vectors_and_repeatable(
    inputs: list[Any], dimensions: int | None
) -> None:
    result = embed(*inputs, dimensions=dimensions)
    assert len(result.vectors) == len(inputs)
    for vector in result.vectors:
        assert not isinstance(vector, str)
        assert len(vector) == (dimensions or 256)
        assert math.isclose(math.hypot(*vector), 1.0)
    assert embed(*inputs, dimensions=dimensions).vectors == result.vectors


def test_base64_vectors_are_the_same_ones() -> None:
    (floats,), (packed,) = (
        embed("a b").vectors,
        embed("a b", encoding="base64").vectors,
    )
    assert isinstance(packed, str)
    assert not isinstance(floats, str)
    data = base64.b64decode(packed)
    assert struct.unpack(f"<{len(data) // 4}f", data) == pytest.approx(floats)


def test_texts_that_share_words_are_near_each_other() -> None:
    def dot(a: Any, b: Any) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    cat, dog, far = embed(
        "the cat sat here", "the dog sat here", "quarterly revenue figures"
    ).vectors
    assert dot(cat, dog) > dot(cat, far) + 0.3


def test_what_it_cannot_say_is_named_or_refused() -> None:
    asked = user(
        "hi",
        modalities=("text", "audio"),
        extra={"web_search_options": Raw(b"{}")},
        tools=(Tool("search", kind="opaque", raw=Raw(b"{}"), family="openai"),),
    )
    wire = UPSTREAM.build_request(call(asked), target())
    assert wire.dropped == ("web_search_options", "modalities", "tools")
    with pytest.raises(Unsupported):
        UPSTREAM.build_request(call(asked), target(strict=True))
    with pytest.raises(Unsupported):
        UPSTREAM.build_request(call(user("hi", n=10_000)), target())
    with pytest.raises(Unsupported):
        embed("hi", dimensions=10**9)


def test_a_long_text_is_not_multiplied() -> None:
    result = ask(user("x" * 200_000, n=2))
    for choice in result.choices():
        (said,) = choice.parts
        assert isinstance(said, Text)
        assert len(said.text) < 17_000


@given(st.binary(max_size=200))
def test_any_bytes_get_an_error_and_no_exception(body: bytes) -> None:
    wire = UPSTREAM.build_request(call(user("hi")), target())
    broken = msgspec.structs.replace(wire, body=b"x" + body)
    response = respond(broken)
    assert response.status == 400
    assert isinstance(UPSTREAM.parse_error(response), BadRequest)
    (failed,) = (d for f in decode(stream(broken)) for d in f.deltas)
    assert isinstance(failed, Failed)


@given(st.binary(max_size=200), st.sampled_from([b"", b"event: text\ndata: "]))
def test_a_garbled_stream_is_called_garbled(data: bytes, head: bytes) -> None:
    last = decode([head + data])[-1]
    assert isinstance(last.deltas[0], Failed)
    assert isinstance(last.deltas[0].error, Garbled | BadRequest)


def test_a_stream_cut_before_its_end_fails() -> None:
    pieces = list(stream(UPSTREAM.build_request(call(user("hi")), target())))
    for upto in range(len(pieces)):
        frames = decode(pieces[:upto])
        assert isinstance(frames[-1].deltas[0], Failed)
    assert not any(isinstance(f.deltas[0], Failed) for f in decode(pieces))
    assert decode([*pieces, *pieces]) == decode(pieces)


def test_garbage_for_an_answer_is_garbled() -> None:
    with pytest.raises(Garbled):
        UPSTREAM.parse_response(WireResponse(200, (), b"<html>"), call(user("hi")))
    error = UPSTREAM.parse_error(WireResponse(502, (), b"<html>"))
    assert error.status == 502


def test_its_head_is_made_once_for_a_target() -> None:
    place = target()
    first = UPSTREAM.build_request(call(user("a")), place)
    second = UPSTREAM.build_request(call(user("b")), place)
    assert first.head is second.head
    assert isinstance(first, WireRequest)
    assert first.head.url == "echo:"
    assert Operation.chat in UPSTREAM.operations
    assert not UPSTREAM.speaks("openai.chat")
