"""Streams written for OpenAI's clients."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from adapters.contract import Hint, Told, WireResponse
from adapters.normal.chat import ChatCall, ChatResult, Choice
from adapters.normal.content import Citation, Image, Text, Thinking, ToolUse
from adapters.normal.delta import (
    Begin,
    CitationDelta,
    Delta,
    Frame,
    LogprobDelta,
    PartDelta,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.usage import Usage
from adapters.openai.family import CHAT, COMPLETIONS, UPSTREAM
from tests.adapters.openai.chunking import (
    DONE,
    accumulated,
    call,
    chunk,
    payloads,
)


def write(deltas: list[Delta], asked: ChatCall, *, together: bool = False) -> bytes:
    frames = (
        [Frame(b"", tuple(deltas))] if together else [Frame(b"", (d,)) for d in deltas]
    )
    encoder = CHAT.write_stream(asked, "anthropic.messages")
    return encoder.frames(frames) + encoder.close()


WORDS = st.text(max_size=6)


SPOKEN = st.one_of(
    st.builds(TextDelta, WORDS, st.integers(0, 1)),
    st.builds(RefusalDelta, WORDS, st.integers(0, 1)),
    st.builds(
        ThinkDelta,
        WORDS,
        st.just("") | WORDS,
        choice=st.integers(0, 1),
        family=st.sampled_from(["", "anthropic", "gemini"]),
    ),
    st.builds(CitationDelta, st.builds(Citation, WORDS, WORDS), st.integers(0, 1)),
    st.builds(PartDelta, st.just(Image(url="https://x.test")), st.integers(0, 1)),
)


@st.composite
def answers(draw: st.DrawFn) -> list[Delta]:
    # The official accumulator cannot take a later choice before the first.
    out: list[Delta] = [Begin("id", "model", 7), TextDelta(draw(WORDS) + ".")]
    out += draw(st.lists(SPOKEN, max_size=6))
    for choice in (0, 1):
        for tool in range(draw(st.integers(0, 2))):
            out.append(
                ToolStart(
                    tool, f"call_{choice}{tool}", "f", choice, draw(st.just("") | WORDS)
                )
            )
            out += [
                ToolDelta(tool, piece, choice)
                for piece in draw(st.lists(WORDS, max_size=2))
            ]
        out.append(
            Stop(
                draw(
                    st.sampled_from(
                        ["end", "length", "tool_use", "filtered", "refusal", "pause"]
                    )
                ),
                choice,
            )
        )
    out.append(Used(Usage(5, 3)))
    return out


@given(answers(), st.booleans(), st.booleans())
def test_what_is_written_is_a_legal_stream(
    deltas: list[Delta], usage: bool, together: bool
) -> None:
    out = write(deltas, call(usage), together=together)
    assert out.endswith(DONE)
    chunks = payloads(out)
    told = [c for c in chunks if c.get("usage")]
    assert len(told) == usage
    if usage:
        assert told == chunks[-1:]
        assert told[0]["choices"] == []
    seen: set[int] = set()
    for one in chunks:
        ChatCompletionChunk.model_validate(one, strict=True)
        assert (one["id"], one["model"], one["created"]) == ("id", "model", 7)
        for choice in one["choices"]:
            assert ("role" in choice["delta"]) == (choice["index"] not in seen)
            seen.add(choice["index"])
    ends = [c["index"] for one in chunks for c in one["choices"] if c["finish_reason"]]
    assert sorted(ends) == [0, 1]


@given(answers())
def test_the_official_accumulator_rebuilds_what_was_said(deltas: list[Delta]) -> None:
    whole = accumulated(write(deltas, call()))
    for choice in whole.choices:
        mine = [d for d in deltas if getattr(d, "choice", None) == choice.index]
        text = "".join(d.text for d in mine if isinstance(d, TextDelta))
        assert (choice.message.content or "") == text
        thought = "".join(d.text for d in mine if isinstance(d, ThinkDelta))
        assert (getattr(choice.message, "reasoning_content", "") or "") == thought
        names = [d for d in mine if isinstance(d, ToolStart)]
        calls = choice.message.tool_calls or []
        assert [(c.id, c.function.name) for c in calls] == [
            (d.id, d.name) for d in names
        ]
        for at, made in enumerate(calls):
            text = "".join(
                d.arguments for d in mine if isinstance(d, ToolDelta) and d.tool == at
            )
            assert made.function.arguments == text
        stop = next(d for d in mine if isinstance(d, Stop))
        if stop.reason == "end":
            assert choice.finish_reason == ("tool_calls" if names else "stop")


def test_signatures_survive_the_stream_the_client_and_the_next_turn() -> None:
    deltas: list[Delta] = [
        Begin("id", "m"),
        ThinkDelta("a", family="anthropic"),
        ThinkDelta("b", family="anthropic"),
        ThinkDelta("", "sig1", family="anthropic"),
        ThinkDelta(redacted="secret", family="anthropic"),
        TextDelta("hi", signature="textsig"),
        ToolStart(0, "c1", "f", signature="toolsig"),
        ToolDelta(0, "{}"),
        Stop("tool_use"),
    ]
    message = (
        accumulated(write(deltas, call()))
        .choices[0]
        .message.model_dump(exclude_none=True)
    )
    echoed = CHAT.read_call(
        json.dumps({"model": "m", "messages": [message]}).encode(), Hint()
    )
    assert echoed.conversation().messages[0].parts == (
        Thinking("ab", "sig1", family="anthropic"),
        Thinking(redacted="secret", family="anthropic"),
        Text("hi", signature="textsig"),
        ToolUse("c1", "f", "{}", "toolsig"),
    )


def test_signatures_of_other_families_survive_too() -> None:
    deltas: list[Delta] = [
        ThinkDelta("a", family="gemini"),
        ThinkDelta("b", "s", family="gemini"),
        ThinkDelta("c", family="gemini"),
        TextDelta("hi"),
        Stop("end"),
    ]
    message = (
        accumulated(write(deltas, call()))
        .choices[0]
        .message.model_dump(exclude_none=True)
    )
    echoed = CHAT.read_call(
        json.dumps({"model": "m", "messages": [message]}).encode(), Hint()
    )
    assert echoed.conversation().messages[0].parts == (
        Thinking("ab", "s", family="gemini"),
        Thinking("c", family="gemini"),
        Text("hi"),
    )


def test_logprobs_come_with_their_text() -> None:
    probs = Raw(b'{"content":[{"token":"a","logprob":-1,"top_logprobs":[]}]}')
    out = write(
        [TextDelta("a"), LogprobDelta(probs), Stop("end")], call(), together=True
    )
    first = payloads(out)[0]["choices"][0]
    assert first["delta"]["content"] == "a"
    assert first["logprobs"]["content"][0]["token"] == "a"


def test_clients_of_functions_get_a_function_call() -> None:
    asked = call(functions=[{"name": "f"}])
    deltas: list[Delta] = [
        ToolStart(0, "1", "f"),
        ToolDelta(0, "{}"),
        ToolStart(1, "2", "g"),
        Stop("tool_use"),
    ]
    whole = accumulated(write(deltas, asked))
    assert whole.choices[0].message.function_call.model_dump() == {
        "name": "f",
        "arguments": "{}",
    }
    assert whole.choices[0].finish_reason == "function_call"
    result = ChatResult(id="x", choices=(Choice(0, (ToolUse("1", "f"),), "tool_use"),))
    told = json.loads(CHAT.write_result(result, asked))
    assert told["choices"][0]["finish_reason"] == "function_call"
    assert "tool_calls" not in told["choices"][0]["message"]
    ChatCompletion.model_validate(told, strict=True)


def test_an_error_ends_the_stream_without_a_finish() -> None:
    encoder = CHAT.write_stream(call(), "gemini.generate")
    out = encoder.frames([Frame(b"", (Begin("i", "m"), TextDelta("x")))])
    out += encoder.error(Told(502, "server_error", "broke", "upstream"))
    chunks = payloads(out)
    assert chunks[-1]["error"]["message"] == "broke"
    assert all(
        c["finish_reason"] is None for chunk in chunks[:-1] for c in chunk["choices"]
    )
    assert out.endswith(DONE)
    assert encoder.close() == b""


def test_frames_that_a_guard_changed_are_written_among_those_relayed() -> None:
    asked = call(usage=True)
    decoder = UPSTREAM.parse_stream(asked)
    frames = decoder.feed(
        chunk(delta={"role": "assistant", "content": "a"})
        + chunk(delta={"content": "secret"})
        + chunk(finish_reason="stop")
        + DONE
    )
    changed = [
        Frame(b"", (TextDelta("***"),)) if f.deltas == (TextDelta("secret"),) else f
        for f in frames
    ]
    encoder = CHAT.write_stream(asked, UPSTREAM.dialect)
    out = encoder.frames(changed) + encoder.close()
    assert b"secret" not in out
    assert accumulated(out).choices[0].message.content == "a***"
    assert out.count(DONE) == 1


def test_a_chat_model_can_answer_a_legacy_client() -> None:
    asked = COMPLETIONS.read_call(
        b'{"model":"m","prompt":"x","stream":true,"stream_options":{"include_usage":true}}',
        Hint(),
    )
    decoder = UPSTREAM.parse_stream(asked)
    usage = b'data: {"id":"i","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'
    frames = decoder.feed(
        chunk(delta={"role": "assistant", "content": "he"})
        + chunk(delta={"content": "y"})
        + chunk(finish_reason="length")
        + usage
        + DONE
    )
    encoder = COMPLETIONS.write_stream(asked, UPSTREAM.dialect)
    out = encoder.frames(frames) + encoder.close()
    told = payloads(out)
    assert {c["object"] for c in told} == {"text_completion"}
    assert "".join(c["choices"][0]["text"] for c in told if c["choices"]) == "hey"
    assert [c["choices"][0]["finish_reason"] for c in told if c["choices"]][
        -1
    ] == "length"
    assert [c["usage"]["total_tokens"] for c in told if c.get("usage")] == [3]
    assert out.endswith(DONE)
    whole = WireResponse(
        200,
        (),
        b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hey"},"finish_reason":"stop"}]}',
    )
    result = UPSTREAM.parse_response(whole, asked)
    assert (
        json.loads(COMPLETIONS.write_result(result, asked))["choices"][0]["text"]
        == "hey"
    )


def test_a_whole_answer_of_another_family_is_a_legal_completion() -> None:
    parts = (
        Thinking("hm", "sig", family="anthropic"),
        Text("see", (Citation("https://x.test", "X"),)),
        Image(data="aGk=", media_type="image/png"),
        ToolUse("1", "f", "{}", "tsig"),
    )
    result = ChatResult(
        id="i",
        model="m",
        created=3,
        usage=Usage(10, 4, cached=6, cache_write=2, reasoning=1),
        choices=(Choice(0, parts, "end", "end_turn"),),
    )
    told = json.loads(CHAT.write_result(result, call()))
    ChatCompletion.model_validate(told, strict=True)
    message = told["choices"][0]["message"]
    assert told["choices"][0]["finish_reason"] == "tool_calls"
    assert message["annotations"][0]["url_citation"]["url"] == "https://x.test"
    assert message["thinking_blocks"][0]["signature"] == "sig"
    assert told["usage"]["prompt_tokens_details"] == {
        "cached_tokens": 6,
        "audio_tokens": 0,
        "cache_write_tokens": 2,
    }


def test_a_call_is_one_entry_of_a_chunk() -> None:
    """Accumulators of some clients take a second entry for a second call."""
    deltas: list[Delta] = [
        Begin("id", "model", 7),
        ToolStart(0, "call_0", "f"),
        ToolDelta(0, '{"a"'),
        ToolStart(1, "call_1", "g"),
        ToolDelta(0, ":1}"),
        ToolDelta(1, "{}"),
    ]
    first, *_ = payloads(write(deltas, call(stream=True), together=True))
    calls = first["choices"][0]["delta"]["tool_calls"]
    assert [(c["index"], c["id"], c["function"]) for c in calls] == [
        (0, "call_0", {"name": "f", "arguments": '{"a":1}'}),
        (1, "call_1", {"name": "g", "arguments": "{}"}),
    ]
