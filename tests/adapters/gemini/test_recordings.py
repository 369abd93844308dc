"""The recorded exchanges: what goes up, what comes back, what is understood of it."""

import json
from typing import Any

import pytest
from google.genai import types

from adapters.errors import Garbled, UpstreamError
from adapters.gemini import conversation, encode, reply
from adapters.gemini.family import GENERATE, UPSTREAM
from adapters.normal.chat import ChatResult
from adapters.normal.delta import Frame
from adapters.normal.fold import unfold
from tests.adapters.gemini import grammar, meaning, recordings
from tests.adapters.gemini.canon import canon
from tests.adapters.gemini.recordings import (
    Recording,
    call,
    names,
    response,
    target,
)
from tests.shared import needs_shared

pytestmark = needs_shared

REQUESTS = recordings.requests()
WHOLES = recordings.wholes()
STREAMS = recordings.streams()
ARRAYS = recordings.arrays()
DAMAGED = [r for r in recordings.every() if r.name in recordings.NO_STREAM]
FOREIGN = [r for r in recordings.every() if r.name in recordings.NO_ANSWER]

ODD_ENUMS = {"a6244d": "a made-up finish reason"}
"""Recordings whose words are not the API's, and why."""

ODD_TOTALS = {"144cab": "the total is smaller than its parts (hand-made)"}
"""Recordings that do not add up."""


def frames_of(recording: Recording) -> list[Frame]:
    decoder = UPSTREAM.parse_stream(call(stream=True))
    return decoder.feed(recording.body) + decoder.close()


def result_of(recording: Recording) -> ChatResult:
    result = UPSTREAM.parse_response(response(recording.body), call())
    assert isinstance(result, ChatResult)
    return result


def told_usage(recording: Recording) -> dict[str, Any] | None:
    """The last usage that counts anything."""
    if recording.kind == "events":
        chunks = grammar.parse(recording.body)
    else:
        body = json.loads(recording.body)
        chunks = body if isinstance(body, list) else [body]
    found = [c["usageMetadata"] for c in chunks if "usageMetadata" in c]
    found = [u for u in found if {"promptTokenCount", "totalTokenCount"} & set(u)]
    return found[-1] if found else None


@pytest.mark.parametrize("recording", REQUESTS, ids=names(REQUESTS))
def test_a_call_of_the_same_dialect_goes_up_as_it_came(recording: Recording) -> None:
    asked = json.dumps(recording.request, ensure_ascii=False, indent=1).encode()
    stream = ":streamGenerateContent" in recording.url
    wire = UPSTREAM.build_request(call(asked, stream=stream), target("gemini-other"))
    if "model" in (recording.request or {}):
        expected = dict(recording.request or {})
        del expected["model"]
        assert json.loads(wire.body) == expected
    else:
        assert wire.body == asked
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert wire.head.url == f"{recordings.BASE}/models/gemini-other:{verb}"
    assert wire.head.method == "POST"
    assert dict(wire.head.headers)[b"x-goog-api-key"] == b"secret"
    assert wire.dropped == ()


@pytest.mark.parametrize("recording", REQUESTS, ids=names(REQUESTS))
def test_a_call_means_the_same_when_it_is_written_again(recording: Recording) -> None:
    assert recording.request is not None
    read = call(recording.request).conversation()
    written = conversation.write(read, target(recording.model), is_ours=True)
    again = conversation.flat(written)
    assert canon(json.loads(again)) == canon(recording.request)
    assert written.dropped == ()
    second = call(again).conversation()
    twice = conversation.write(second, target(recording.model), is_ours=True)
    assert conversation.flat(twice) == again


@pytest.mark.parametrize("recording", WHOLES, ids=names(WHOLES))
def test_a_whole_answer_comes_back_as_it_went(recording: Recording) -> None:
    result = result_of(recording)
    assert GENERATE.write_result(result, call()) == recording.body
    wire = json.loads(recording.body)
    assert result.id == wire.get("responseId", "")
    assert result.model == wire.get("modelVersion", "")
    for choice, told in zip(result.choices(), wire["candidates"], strict=True):
        pieces = told.get("content", {}).get("parts", [])
        kinds = [p.__class__.__name__ for p in choice.parts]
        assert len(kinds) == len(pieces)
        calls = [p["functionCall"] for p in pieces if "functionCall" in p]
        assert kinds.count("ToolUse") == len(calls)
        if calls:
            assert choice.stop == "tool_use"


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_a_stream_comes_back_as_it_went(recording: Recording) -> None:
    frames = frames_of(recording)
    assert meaning.failure(frames) is None
    encoder = GENERATE.write_stream(
        call(stream=True, query="alt=sse"), "gemini.generate"
    )
    assert encoder.content_type.startswith("text/event-stream")
    # A recording that lacks its last line end gets it: events end with one.
    missing = b"" if recording.body.endswith((b"\n\n", b"\n\r\n")) else b"\n"
    assert encoder.frames(frames) + encoder.close() == recording.body + missing
    choices = meaning.folded(frames)
    assert all(choice.stop is not None for choice in choices.values())


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_a_stream_becomes_an_array_for_who_asks_for_none(recording: Recording) -> None:
    frames = frames_of(recording)
    encoder = GENERATE.write_stream(call(stream=True), "gemini.generate")
    assert encoder.content_type.startswith("application/json")
    body = b"".join(encoder.frames([frame]) for frame in frames) + encoder.close()
    assert json.loads(body) == grammar.parse(recording.body)


@pytest.mark.parametrize("recording", ARRAYS, ids=names(ARRAYS))
def test_an_array_is_read_as_the_stream_it_is(recording: Recording) -> None:
    frames = frames_of(recording)
    assert meaning.failure(frames) is None
    relayed = b"".join(frame.raw for frame in frames)
    assert grammar.parse(relayed) == json.loads(recording.body)


@pytest.mark.parametrize("recording", DAMAGED, ids=names(DAMAGED))
def test_a_damaged_stream_fails(recording: Recording) -> None:
    assert isinstance(meaning.failure(frames_of(recording)), Garbled)


@pytest.mark.parametrize("recording", FOREIGN, ids=names(FOREIGN))
def test_what_is_no_answer_is_refused(recording: Recording) -> None:
    with pytest.raises(Garbled):
        UPSTREAM.parse_response(response(recording.body), call())


@pytest.mark.parametrize(
    "recording", WHOLES + STREAMS + ARRAYS, ids=names(WHOLES + STREAMS + ARRAYS)
)
def test_usage_is_what_the_documentation_adds_up_to(recording: Recording) -> None:
    told = told_usage(recording)
    if recording.kind == "whole":
        found = result_of(recording).usage
    else:
        found = meaning.last_usage(frames_of(recording))
    if told is None or "enum-encoding" in recording.url:
        return
    assert found == meaning.reference_usage(told)
    parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    if any(name in recording.name for name in ODD_TOTALS):
        return
    if "totalTokenCount" in told and all(part in told for part in parts):
        tools = told.get("toolUsePromptTokenCount", 0)
        assert told["totalTokenCount"] == sum(told[part] for part in parts) + tools


def validated(body: bytes) -> types.GenerateContentResponse:
    """The SDK's own type; `citationSources` is `citations` to it, as its converter has
    it for the Gemini API."""
    told = json.loads(body)
    for candidate in told.get("candidates", []):
        cited = candidate.get("citationMetadata")
        if cited is not None and "citationSources" in cited:
            cited["citations"] = cited.pop("citationSources")
    return types.GenerateContentResponse.model_validate(told)


def is_strict(body: bytes) -> bool:
    try:
        validated(body)
    except (ValueError, AttributeError, Warning):
        return False
    return True


@pytest.mark.parametrize("recording", WHOLES, ids=names(WHOLES))
def test_a_whole_answer_survives_being_written_anew(recording: Recording) -> None:
    result = result_of(recording)
    foreign = ChatResult(
        id=result.id,
        model=result.model,
        usage=result.usage,
        choices=result.choices(),
        dialect="other",
    )
    body = GENERATE.write_result(foreign, call())
    if is_strict(recording.body):
        validated(body)
    again = UPSTREAM.parse_response(response(body), call())
    assert isinstance(again, ChatResult)
    assert (again.id, again.model) == (result.id, result.model)
    assert again.usage == result.usage
    for choice, before in zip(again.choices(), result.choices(), strict=True):
        assert meaning.meaning(choice) == meaning.meaning(before)


@pytest.mark.parametrize("recording", STREAMS + ARRAYS, ids=names(STREAMS + ARRAYS))
@pytest.mark.parametrize("query", ["alt=sse", ""], ids=["events", "array"])
def test_a_stream_survives_being_written_anew(recording: Recording, query: str) -> None:
    frames = frames_of(recording)
    encoder = GENERATE.write_stream(call(stream=True, query=query), "other")
    body = b"".join(encoder.frames([frame]) for frame in frames) + encoder.close()
    chunks = grammar.parse(body, encoder.content_type)
    odd = any(name in recording.name for name in ODD_ENUMS)
    grammar.check(chunks)
    for chunk in chunks:
        types.GenerateContentResponse.model_validate(
            {k: v for k, v in chunk.items() if k != "candidates"}
        )
    decoder = UPSTREAM.parse_stream(call(stream=True))
    again = decoder.feed(body) + decoder.close()
    assert meaning.failure(again) is None
    before, after = meaning.folded(frames), meaning.folded(again)
    assert sorted(after) == sorted(before)
    for index, choice in before.items():
        expected = meaning.meaning(choice)
        if odd:
            expected["native"] = "STOP"
        assert meaning.meaning(after[index]) == expected
    assert meaning.last_usage(again) == meaning.last_usage(frames)
    assert sum("usageMetadata" in chunk for chunk in chunks) <= 1


@pytest.mark.parametrize("recording", WHOLES, ids=names(WHOLES))
def test_a_whole_answer_means_what_its_stream_would(recording: Recording) -> None:
    result = result_of(recording)
    frames = unfold(result)
    choices = meaning.folded(frames)
    for choice in result.choices():
        if choice.parts and choice.stop is not None:
            assert meaning.meaning(choices[choice.index]) == meaning.meaning(choice)
    encoder = encode.Writer("alt=sse")
    body = encoder.frames(frames) + encoder.close()
    decoder = UPSTREAM.parse_stream(call(stream=True))
    again = meaning.folded(decoder.feed(body) + decoder.close())
    for choice in result.choices():
        if choice.stop is not None:
            assert meaning.meaning(again[choice.index]) == meaning.meaning(choice)


@pytest.mark.parametrize(
    "recording",
    [r for r in recordings.every() if r.kind == "error"],
    ids=names([r for r in recordings.every() if r.kind == "error"]),
)
def test_a_recorded_error_is_told_with_its_own_words(recording: Recording) -> None:
    error = UPSTREAM.parse_error(response(recording.body, recording.status))
    told = json.loads(recording.body)["error"]
    assert isinstance(error, UpstreamError)
    assert error.message == told["message"]
    assert error.type == told["status"]
    assert error.status == recording.status
    assert error.body == recording.body


def test_the_finish_words_are_the_documented_ones() -> None:
    known = {reason.value for reason in types.FinishReason}
    assert set(reply.FINISH) == known - {"FINISH_REASON_UNSPECIFIED"}
    assert set(reply.REASONS.values()) <= known
    assert known - {"FINISH_REASON_UNSPECIFIED"} == grammar.FINISH
