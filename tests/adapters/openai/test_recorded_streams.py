"""Every recorded stream, served as a streamed chat completion."""

import json
import random
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from adapters.contract import Told
from adapters.errors import BadRequest, Garbled, ServerError, ToolFailed
from adapters.normal.delta import (
    Begin,
    Delta,
    Failed,
    Frame,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.usage import Usage
from adapters.openai.family import CHAT, UPSTREAM
from adapters.openai.stream import StreamDecoder
from tests.adapters.openai.material import Recording, streams
from tests.adapters.openai.test_recorded_whole import reference
from tests.shared import needs_shared

pytestmark = needs_shared

DONE = b"data: [DONE]\n\n"
BROKEN = {
    "ing_content_when_available.yml.i0_2ec897": (
        ServerError,
        "GPUStack broke off, with `error:`",
    ),
    "ing_content_when_available.yml.i0_5547a0": (Garbled, "the recording is cut off"),
    "error_streaming_with_text.yaml.i0_6b84ea": (ToolFailed, "Groq's `event: error`"),
    "t_openrouter_stream_error.yaml.i0_44a687": (
        BadRequest,
        "OpenRouter's chunk with an error",
    ),
}
"""Recordings of streams that broke, with what must come of them."""

MENDS = {
    ("azure_ai", "object"): 1,
    ("azure_openai", "delta missing"): 1,
    ("azure_openai", "object"): 5,
    ("cerebras", "tool index, id or type"): 1,
    ("cerebras", "usage repeated"): 1,
    ("deepseek", "usage repeated"): 1,
    ("groq", "service_tier"): 2,
    ("groq", "usage repeated"): 2,
    ("huggingface", "service_tier"): 2,
    ("local", "usage repeated"): 1,
    ("huggingface", "usage repeated"): 2,
    ("mistral", "content list"): 4,
    ("openrouter", "annotations without index"): 1,
    ("perplexity", "object"): 4,
    ("perplexity", "usage repeated"): 4,
    ("writer", "tool index, id or type"): 2,
}
"""Streams that are not handed on byte for byte to a client that asked for usage."""

UNFINISHED = {
    "am_multiple_choices_proxy.yaml.i0_ac74db": "LiteLLM ends one of two choices only"
}
"""Streams whose terminator comes before a finish reason."""

JOINED = {"uctured-output-tools.1.chunks.txt_960f97"}
"""Two answers of Cerebras in one file: one of them would be a stream."""


def decode(decoder: StreamDecoder, pieces: list[bytes]) -> list[Frame]:
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.close()


def failure(frames: list[Frame]) -> Exception | None:
    found = [d.error for f in frames for d in f.deltas if isinstance(d, Failed)]
    assert len(found) <= 1
    if found:
        assert frames[-1].raw == b""
        assert len(frames[-1].deltas) == 1, "nothing else is in the frame that failed"
    return found[0] if found else None


def serve(
    recording: Recording, pieces: list[bytes], *, usage: bool = True
) -> tuple[list[Frame], bytes]:
    call = recording.asking(usage)
    frames = decode(UPSTREAM.parse_stream(call), pieces)
    encoder = CHAT.write_stream(call, UPSTREAM.dialect)
    if failure(frames):
        out = encoder.frames(frames[:-1])
        return frames, out + encoder.error(Told(502, "server_error", "broke"))
    return frames, encoder.frames(frames) + encoder.close()


@cache
def uncut(recording: Recording, *, usage: bool = True) -> tuple[list[Frame], bytes]:
    """The recording as a client is told it, read once for all tests of it."""
    return serve(recording, [recording.body], usage=usage)


def chunks(out: bytes) -> list[dict[str, Any]]:
    lines = out.replace(b"\r\n", b"\n").split(b"\n")
    payloads = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    return [json.loads(data) for data in payloads if data != b"[DONE]"]


def deltas(frames: list[Frame]) -> list[Delta]:
    return [delta for frame in frames for delta in frame.deltas]


def sound() -> list[Recording]:
    return [r for r in streams() if r.name not in BROKEN]


def test_broken_streams_end_in_their_error_and_no_others_do() -> None:
    seen = set()
    for recording in streams():
        error = failure(uncut(recording)[0])
        if error is not None:
            seen.add(recording.name)
            assert isinstance(error, BROKEN[recording.name][0]), recording.name
    assert seen == set(BROKEN)


@pytest.mark.parametrize("usage", [True, False])
def test_every_chunk_passes_the_official_types_in_strict_mode(usage: bool) -> None:
    total = 0
    for recording in sound():
        for chunk in chunks(uncut(recording, usage=usage)[1]):
            ChatCompletionChunk.model_validate(chunk, strict=True)
            total += 1
    assert total > 17_000


def test_every_stream_is_handed_on_byte_for_byte_unless_it_is_mended() -> None:
    mends: Counter[tuple[str, str]] = Counter()
    for recording in sound():
        call = recording.asking(True)
        decoder = UPSTREAM.parse_stream(call)
        frames = decode(decoder, [recording.body])
        encoder = CHAT.write_stream(call, UPSTREAM.dialect)
        out = encoder.frames(frames) + encoder.close()
        reasons = decoder._chunks.mender.reasons  # type: ignore[attr-defined]
        for reason in dict.fromkeys(reasons):
            mends[recording.provider, reason] += 1
        if not reasons and not _told_elsewhere(recording):
            expected = recording.body
            if b"[DONE]" not in expected:
                expected += DONE
            expected = expected.rstrip(b"\n") + b"\n\n"
            assert out.rstrip(b"\n") + b"\n\n" == expected, recording.name
    assert dict(mends) == MENDS


def _told_elsewhere(recording: Recording) -> bool:
    """Groq tells usage under `x_groq` alone when it was not asked: it is added."""
    found = recording.chunks()
    return not any(c.get("usage") for c in found) and any(
        "usage" in (c.get("x_groq") or {}) for c in found
    )


def test_usage_comes_once_when_asked_for_and_else_not_at_all() -> None:
    for recording in sound():
        told = [
            c
            for c in recording.chunks()
            if c.get("usage") or "usage" in (c.get("x_groq") or {})
        ]
        with_, without = (
            [c for c in chunks(uncut(recording, usage=asked)[1]) if c.get("usage")]
            for asked in (True, False)
        )
        assert without == [], recording.name
        assert len(with_) == (1 if told else 0), recording.name
        if told and recording.name not in JOINED:
            last = told[-1].get("usage") or told[-1]["x_groq"]["usage"]
            assert with_[0]["usage"]["total_tokens"] == last["total_tokens"]


def test_usage_is_what_an_independent_reading_says() -> None:
    seen = 0
    for recording in streams():
        told = [c["usage"] for c in recording.chunks() if c.get("usage")]
        frames = uncut(recording, usage=False)[0]
        used = [d.usage for d in deltas(frames) if isinstance(d, Used)]
        if not told:
            continue
        seen += 1
        expected = reference({"usage": told[-1]})
        assert {k: getattr(used[-1], k) for k in expected} == expected, recording.name
    assert seen > 150


def test_every_stream_ends_with_one_terminator() -> None:
    for recording in streams():
        out = uncut(recording)[1]
        assert out.count(b"[DONE]") == 1, recording.name
        assert out.rstrip().endswith(b"[DONE]"), recording.name


def test_tool_calls_count_from_zero_and_keep_their_ids() -> None:
    seen = 0
    for recording in sound():
        calls: dict[int, list[str]] = {}
        for delta in deltas(uncut(recording)[0]):
            if isinstance(delta, ToolStart):
                ids = calls.setdefault(delta.choice, [])
                assert delta.tool == len(ids), recording.name
                assert delta.id and delta.name
                ids.append(delta.id)
            elif isinstance(delta, ToolDelta):
                assert 0 <= delta.tool < len(calls[delta.choice])
        told = [
            t["id"]
            for c in recording.chunks()
            for choice in c.get("choices", ())
            for t in (choice.get("delta") or {}).get("tool_calls") or ()
            if t.get("id")
        ]
        for ids in calls.values():
            seen += len(ids)
            assert set(told) <= set(ids), recording.name
    assert seen > 80


def test_the_official_accumulator_finds_what_the_deltas_say() -> None:
    for recording in sound():
        if recording.name in JOINED:
            continue
        frames, out = uncut(recording)
        state: Any = ChatCompletionStreamState()
        for chunk in chunks(out):
            state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
        whole = state.current_completion_snapshot
        said = deltas(frames)
        for choice in whole.choices:
            mine = [d for d in said if getattr(d, "choice", None) == choice.index]
            text = "".join(d.text for d in mine if isinstance(d, TextDelta))
            assert (choice.message.content or "") == text, recording.name
            names = [d.name for d in mine if isinstance(d, ToolStart)]
            calls = choice.message.tool_calls or []
            assert [c.function.name for c in calls] == names, recording.name
            for at, call in enumerate(calls):
                written = "".join(
                    d.arguments
                    for d in mine
                    if isinstance(d, ToolDelta) and d.tool == at
                )
                assert (call.function.arguments or "") == written
            stops = [d for d in mine if isinstance(d, Stop)]
            assert len(stops) == 1 or recording.name in UNFINISHED, recording.name


CUTS = ("seven bytes", "at random", "every frame in two", "within characters")


def pieces(body: bytes, how: str) -> list[bytes]:
    if how == "one byte":
        return [body[i : i + 1] for i in range(len(body))]
    if how == "seven bytes":
        return [body[i : i + 7] for i in range(0, len(body), 7)]
    if how == "within characters":
        edges = [
            i for i, byte in enumerate(body) if byte >= 0x80 and body[i - 1] >= 0x80
        ]
    elif how == "every frame in two":
        step = max(2, len(body) // 300)
        edges = list(range(step // 2, len(body), step))
    else:
        rng = random.Random(len(body))
        edges = sorted(rng.sample(range(len(body)), min(60, len(body))))
    bounds = [0, *edges, len(body)]
    return [body[a:b] for a, b in pairwise(bounds)]


@pytest.mark.parametrize("how", CUTS)
def test_what_comes_out_does_not_depend_on_the_cuts(how: str) -> None:
    for recording in streams():
        frames, out = uncut(recording)
        again, cut = serve(recording, pieces(recording.body, how))
        assert cut == out, recording.name
        assert _comparable(again) == _comparable(frames), recording.name


def test_what_comes_out_does_not_depend_on_cuts_after_every_byte() -> None:
    for recording in streams():
        frames, out = uncut(recording)
        again, cut = serve(recording, pieces(recording.body, "one byte"))
        assert cut == out, recording.name
        assert _comparable(again) == _comparable(frames), recording.name


def _comparable(frames: list[Frame]) -> list[Any]:
    return [str(d.error) if isinstance(d, Failed) else d for d in deltas(frames)]


def boundaries(body: bytes) -> list[int]:
    """Ends of events; of long streams a sample with both ends."""
    flat = body.replace(b"\r\n\r\n", b"\n\n\n\n")
    found = [i + 2 for i in range(len(flat) - 1) if flat[i : i + 2] == b"\n\n"]
    if len(found) > 40:
        found = found[:15] + found[15:-15:40] + found[-15:]
    return [at for at in found if at < len(body)]


def finished(body: bytes) -> bool:
    """Whether every choice that was begun had its finish reason."""
    seen: dict[int, bool] = {}
    for line in body.decode(errors="replace").replace("\r\n", "\n").split("\n"):
        if line.startswith("data: {"):
            for index, done in _choices(line):
                seen[index] = seen.get(index, False) or done
    return bool(seen) and all(seen.values())


@cache
def _choices(line: str) -> list[tuple[int, bool]]:
    """Which choices an event tells of, and whether as finished. Every event is in many
    beginnings of its stream."""
    told = json.loads(line[5:]).get("choices") or ()
    return [(c["index"], c.get("finish_reason") is not None) for c in told]


def test_a_stream_cut_at_any_event_is_an_error_and_never_a_made_up_finish() -> None:
    cuts = 0
    for recording in sound():
        if len(recording.body) > 300_000:
            continue
        for at in boundaries(recording.body):
            head = recording.body[:at]
            frames, out = serve(recording, [head])
            cuts += 1
            if b"[DONE]" in head or finished(head):
                assert failure(frames) is None, recording.name
                continue
            error = failure(frames)
            assert isinstance(error, Garbled), (recording.name, at)
            told = chunks(out)
            assert "error" in told[-1]
            assert out.endswith(DONE)
            ends = [
                c["finish_reason"]
                for chunk in told[:-1]
                for c in chunk["choices"]
                if c.get("finish_reason")
            ]
            assert len(ends) <= head.count(b"finish_reason"), recording.name
            stops = [d for d in deltas(frames) if isinstance(d, Stop)]
            assert len(stops) == len(ends)
    assert cuts > 3000


INJECTED = [
    b'event: error\ndata: {"error":{"message":"boom","type":"server_error"}}\n\n',
    b'data: {"error":{"message":"boom","code":502}}\n\n',
    b'error: {"error":{"message":"boom"}}\n\n',
    b'data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"error"}]}\n\n',
    b"event: error\ndata: boom\n\n",
]


@pytest.mark.parametrize("event", INJECTED)
def test_an_error_at_any_event_ends_the_stream_with_it(event: bytes) -> None:
    for recording in sound():
        if len(recording.body) > 100_000:
            continue
        for at in boundaries(recording.body)[::3]:
            head = recording.body[:at]
            if b"[DONE]" in head:
                continue
            frames, out = serve(recording, [head + event + recording.body[at:]])
            error = failure(frames)
            assert isinstance(error, ServerError), recording.name
            assert chunks(out)[-1]["error"]["message"] == "broke"
            before = serve(recording, [head])[0]
            kept = [d for d in deltas(before) if not isinstance(d, Failed)]
            assert [d for d in deltas(frames) if not isinstance(d, Failed)] == kept


def test_what_was_used_is_known_when_a_stream_breaks_after_it_was_told() -> None:
    body = (
        b'data: {"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        b'[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n'
    )
    recording = sound()[0]._replace(body=body)
    frames, _ = serve(recording, [body])
    assert [d.usage for d in deltas(frames) if isinstance(d, Used)] == [Usage(3, 1)]
    assert failure(frames) is not None


def test_a_stream_begins_once_and_before_all_else() -> None:
    for recording in sound():
        said = deltas(uncut(recording)[0])
        assert isinstance(said[0], Begin)
        assert sum(isinstance(d, Begin) for d in said) == 1


def test_thoughts_are_found_in_streams() -> None:
    signed, thinking = 0, 0
    for recording in streams():
        thoughts = [d for d in deltas(uncut(recording)[0]) if isinstance(d, ThinkDelta)]
        told = [
            choice["delta"]
            for c in recording.chunks()
            for choice in c.get("choices", ())
            if isinstance(choice.get("delta"), dict)
        ]
        plain = any(d.get("reasoning") or d.get("reasoning_content") for d in told)
        listed = any(
            isinstance(d.get("content"), list) and d["content"][0]["type"] == "thinking"
            for d in told
            if d.get("content")
        )
        assert bool(thoughts) >= (plain or listed), recording.name
        thinking += bool(thoughts)
        signatures = [
            e["signature"]
            for d in told
            for e in d.get("reasoning_details") or ()
            if e.get("signature")
        ]
        assert [t.signature for t in thoughts if t.signature] == signatures
        signed += len(signatures)
    assert thinking > 40
    assert signed >= 4
