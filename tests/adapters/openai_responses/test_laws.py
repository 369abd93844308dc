"""Laws of the Responses API's readers and writers, beside those of the recordings."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.contract import Hint, Told, WireResponse
from adapters.errors import BadCall, UpstreamError
from adapters.normal import delta as normal
from adapters.normal.chat import ChatCall, ChatResult, Choice
from adapters.normal.content import (
    Citation,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolChoice,
    ToolUse,
)
from adapters.normal.delta import Failed, Frame
from adapters.normal.fold import unfold
from adapters.normal.usage import Usage
from adapters.openai.responses import history, replay, seal
from adapters.registry import DIALECTS, RESPONSES
from tests.adapters.openai_responses import grammar
from tests.replay import clients

DIALECT = DIALECTS["openai.responses"]
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)
FAMILIES = st.sampled_from(["anthropic", "gemini", "openai.responses", ""])
PARTS = st.one_of(
    st.builds(
        Text,
        WORDS,
        st.lists(st.builds(Citation, WORDS, WORDS), max_size=2).map(tuple),
        signature=st.just("") | WORDS,
    ),
    st.builds(Refusal, WORDS),
    st.builds(Thinking, WORDS, st.just("") | WORDS, family=FAMILIES),
    st.builds(Thinking, redacted=WORDS, family=FAMILIES, id=st.just("") | WORDS),
    st.builds(
        ToolUse, WORDS, WORDS, st.sampled_from(["{}", '{"a": 1}']), st.just("") | WORDS
    ),
    st.builds(ToolUse, WORDS, WORDS, WORDS, custom=st.just(True)),
    st.builds(Image, st.just("aGk="), st.just("image/png")),
)
STOPS = st.sampled_from(
    ["end", "stop_sequence", "length", "context_window", "filtered", "refusal", "pause"]
)


def results(parts: list[Part], stop: Any) -> ChatResult:
    calls = any(isinstance(part, ToolUse) for part in parts)
    stop = "tool_use" if calls and stop == "end" else stop
    return ChatResult(
        id="msg_1",
        model="m",
        created=7,
        usage=Usage(input=9, output=5, cached=2, reasoning=1),
        choices=(Choice(parts=tuple(parts), stop=stop),),
    )


RESULTS = st.builds(results, st.lists(PARTS, max_size=6), STOPS)


def call(**more: Any) -> ChatCall:
    asked = {"model": "a", "input": "hi", **more}
    found = DIALECT.read_call(json.dumps(asked).encode(), Hint())
    assert isinstance(found, ChatCall)
    return found


def written(result: ChatResult) -> dict[str, Any]:
    body = DIALECT.write_result(result, call())
    assert isinstance(body, bytes)
    found: dict[str, Any] = json.loads(body)
    return found


@given(RESULTS)
def test_whole_and_streamed_say_the_same(result: ChatResult) -> None:
    encoder = DIALECT.write_stream(call(stream=True), "")
    stream = encoder.frames(unfold(result)) + encoder.close()
    final = grammar.check(grammar.parse(stream))
    whole = written(result)
    assert final == whole
    assume(_tells_calls_apart(whole))
    assert clients.hear("openai.responses", json.dumps(whole).encode())
    assert clients.hear_stream("openai.responses", stream)


@given(RESULTS)
def test_what_was_told_can_be_sent_back(result: ChatResult) -> None:
    """Words, calls and signatures come back as they went; foreign ones to their own."""
    output = written(result)["output"]
    again = call(input=output).conversation().messages
    assert all(message.role == "assistant" for message in again)
    parts = [part for message in again for part in message.parts]
    told = result.choices()[0].parts
    calls = [part for part in told if isinstance(part, ToolUse)]
    assert [part for part in parts if isinstance(part, ToolUse)] == calls
    assert _text(parts) == _text(told)
    assert _refused(parts) == _refused(told)
    opaque = {(p.family, p.signature or p.redacted) for p in _thoughts(parts)}
    given_ = {(p.family, p.signature or p.redacted) for p in _thoughts(told)}
    assert {pair for pair in opaque if pair[1]} == {p for p in given_ if p[1]}


def _tells_calls_apart(whole: Any) -> bool:
    """The SDK takes no two calls of one id."""
    ids = [item["call_id"] for item in whole["output"] if "call_id" in item]
    return len(ids) == len(set(ids))


def _thoughts(parts: Any) -> list[Thinking]:
    return [part for part in parts if isinstance(part, Thinking)]


def _refused(parts: Any) -> str:
    return "".join(part.text for part in parts if isinstance(part, Refusal))


def _text(parts: Any) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text))


@given(RESULTS)
def test_what_was_told_can_be_told_again(result: ChatResult) -> None:
    whole = written(result)
    assume(_tells_calls_apart(whole))
    stream = replay.events(json.dumps(whole).encode())
    assert grammar.check(grammar.parse(stream)) == whole
    clients.hear_stream("openai.responses", stream)
    rest = grammar.parse(replay.events(json.dumps(whole).encode(), 4))
    assert rest == grammar.parse(stream)[5:]


@given(RESULTS)
def test_what_is_kept_is_input(result: ChatResult) -> None:
    output = written(result)["output"]
    listed = history.listed(output, "salt")
    assert [item["id"] for item in listed] == [item["id"] for item in output]
    again = call(input=history.again(listed)).conversation()
    assert again == call(input=output).conversation() or _has_image(output)


def _has_image(output: list[dict[str, Any]]) -> bool:
    return any(item["type"] == "image_generation_call" for item in output)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_an_answer_or_an_error(pieces: list[bytes]) -> None:
    decoder = RESPONSES.parse_stream(call(stream=True))
    frames: list[Frame] = []
    for piece in pieces:
        frames += decoder.feed(piece)
    frames += decoder.close()
    failed = [f for f in frames if any(isinstance(d, Failed) for d in f.deltas)]
    assert failed == frames[-1:]
    with pytest.raises(UpstreamError):
        RESPONSES.parse_response(WireResponse(200, (), b"".join(pieces)), call())


@given(
    st.recursive(
        st.none() | st.integers() | WORDS,
        lambda v: (
            st.lists(v, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "type",
                        "role",
                        "content",
                        "input",
                        "call_id",
                        "output",
                        "summary",
                        "tools",
                    ]
                ),
                v,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_input_is_a_call_or_says_where_it_is_wrong(value: Any) -> None:
    try:
        call(input=value).conversation()
    except BadCall as error:
        assert error.param is None or error.param.startswith(("input", "tools"))


@given(FAMILIES, st.sampled_from(["signature", "redacted", "call", "text"]), WORDS)
def test_seals_open_for_us_alone(family: str, kind: Any, opaque: str) -> None:
    made = seal.Seal(family, kind, opaque)
    assert seal.read(seal.write(made)) == made
    assert seal.travels(json.dumps({"encrypted_content": seal.write(made)}).encode())
    assert seal.read(opaque) is None


def test_a_seal_that_was_tampered_with_is_no_seal() -> None:
    assert seal.read("routeiq.!!!") is None
    assert seal.read("routeiq.bm8=") is None


def test_interleaved_calls_keep_their_arguments() -> None:
    encoder = DIALECT.write_stream(call(stream=True), "")
    deltas = (
        normal.ToolStart(0, "a", "f"),
        normal.ToolStart(1, "b", "g"),
        normal.ToolDelta(0, '{"x"'),
        normal.ToolDelta(1, "{}"),
        normal.ToolDelta(0, ": 1}"),
        normal.Stop("tool_use"),
    )
    stream = encoder.frames([Frame(b"", (d,)) for d in deltas]) + encoder.close()
    final = grammar.check(grammar.parse(stream))
    told = [(i["call_id"], i["arguments"]) for i in final["output"]]
    assert told == [("a", '{"x": 1}'), ("b", "{}")]


def test_blank_content_is_still_a_message() -> None:
    told = written(results([], "end"))
    assert told["output"][0]["content"][0]["text"] == ""
    again = call(input=told["output"]).conversation()
    assert again.messages == () or not _text(again.messages[0].parts)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("rate_limit_exceeded", "rate_limit_exceeded"), ("overloaded", "server_error")],
)
def test_errors_have_the_codes_of_the_type(code: str, expected: str) -> None:
    encoder = DIALECT.write_stream(call(stream=True), "")
    body = encoder.error(Told(503, "server_error", "no", code))
    final = grammar.check(grammar.parse(body))
    assert final["error"] == {"code": expected, "message": "no"}


def test_parallel_results_are_one_turn() -> None:
    items: list[Any] = [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {
            "type": "function_call_output",
            "call_id": "b",
            "output": [{"type": "input_text", "text": "2"}],
        },
    ]
    turns = call(input=items).conversation().messages
    assert [turn.role for turn in turns] == ["user", "assistant", "tool"]
    assert turns[1].parts[0] == Thinking(
        redacted="e", family="openai.responses", id="rs_1"
    )
    assert len(turns[1].parts) == 3
    assert len(turns[2].parts) == 2


def test_what_only_openai_has_is_carried_for_it() -> None:
    search = {"type": "web_search", "search_context_size": "low"}
    asked = call(tools=[search], truncation="auto", max_tool_calls=3).conversation()
    (tool,) = asked.tools
    assert (tool.kind, tool.name, tool.family) == (
        "opaque",
        "web_search",
        "openai.responses",
    )
    assert json.loads(bytes(tool.raw)) == search
    assert asked.extra == {"truncation": Raw(b'"auto"'), "max_tool_calls": Raw(b"3")}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice()),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("tool", ("f",))),
        ({"type": "custom", "name": "f"}, ToolChoice("tool", ("f",))),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
            },
            ToolChoice("required", ("f",)),
        ),
    ],
)
def test_choices_are_read(choice: Any, expected: ToolChoice) -> None:
    assert call(tool_choice=choice).conversation().tool_choice == expected


def test_the_choice_of_a_hosted_tool_stays_as_written() -> None:
    asked = call(tool_choice={"type": "web_search"}).conversation()
    assert asked.tool_choice is None
    assert json.loads(bytes(asked.extra["tool_choice"])) == {"type": "web_search"}
