"""Streams: the same for any cut, honest when they break, in both of their forms."""

import json
import random
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

from adapters.contract import Decoder, Told
from adapters.errors import Garbled, Overloaded, RateLimited
from adapters.framing.sse import Splitter
from adapters.gemini.family import GENERATE, UPSTREAM
from adapters.normal.content import Opaque
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    Failed,
    Frame,
    PartDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from tests.adapters.gemini import grammar, meaning, recordings
from tests.adapters.gemini.recordings import Recording, call, names
from tests.shared import needs_shared

STREAMS = recordings.streams()
TOLD = Told(503, "overloaded_error", "the provider broke off", request_id="req_1")


def decoder() -> Decoder:
    return UPSTREAM.parse_stream(call(stream=True))


def read(pieces: Iterable[bytes]) -> list[Frame]:
    reader = decoder()
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    return frames + reader.close()


def event(chunk: dict[str, Any], end: str = "\r\n") -> bytes:
    return f"data: {json.dumps(chunk)}{end}{end}".encode()


def text(said: str, finish: str = "", **more: Any) -> dict[str, Any]:
    return parts([{"text": said}], finish, **more)


def parts(said: list[dict[str, Any]], finish: str = "", **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": said, "role": "model"}}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate | more], "responseId": "r1", "modelVersion": "g"}


def cuts(body: bytes) -> dict[str, list[bytes]]:
    seed = random.Random(len(body))
    middles = [at for at in range(1, len(body)) if body[at] & 0xC0 == 0x80]
    events = [at + 9 for at in range(len(body)) if body.startswith(b"data: ", at)]
    some = sorted(seed.sample(range(1, len(body)), min(20, len(body) - 1)))
    places = {
        "sevens": list(range(7, len(body), 7)),
        "mid-utf8": middles,
        "mid-frame": [at for at in events if at < len(body)],
        "random": some,
        "ends": [at for at in range(1, len(body)) if body[at - 1] == 0x0A],
    }
    if len(body) < 20_000:
        places["ones"] = list(range(1, len(body)))
    return {
        name: [body[a:b] for a, b in pairwise([0, *at, len(body)])]
        for name, at in places.items()
    }


@needs_shared
@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_a_stream_is_the_same_however_it_is_cut(recording: Recording) -> None:
    whole = read([recording.body])
    for name, pieces in cuts(recording.body).items():
        assert b"".join(pieces) == recording.body
        assert read(pieces) == whole, name


def _finished(events: list[bytes]) -> bool:
    """Whether a reader of these events may believe that the answer is whole."""
    seen: set[int] = set()
    done: set[int] = set()
    for chunk in grammar.parse(b"".join(events)):
        if "blockReason" in chunk.get("promptFeedback", {}):
            return True
        for candidate in chunk.get("candidates", []):
            seen.add(candidate.get("index", 0))
            if "finishReason" in candidate:
                done.add(candidate.get("index", 0))
    return bool(seen) and seen == done


def _events(body: bytes) -> list[bytes]:
    """The events; one recording ends without the blank line after its only one."""
    splitter = Splitter()
    body = body if body.endswith((b"\n\n", b"\r\n\r\n")) else body + b"\r\n"
    return [e.raw for e in (*splitter.feed(body), *splitter.close())]


@needs_shared
@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_a_stream_that_is_cut_off_fails(recording: Recording) -> None:
    events = _events(recording.body)
    for at, last in enumerate(events):
        before = events[:at]
        if not _finished(before):
            _assert_broken(read(before), before, Garbled)
        if not last.strip():
            continue
        _assert_broken(read([*before, last[: len(last) // 2]]), before, Garbled)


@needs_shared
@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_an_error_at_any_event_is_told_and_ends_the_stream(
    recording: Recording,
) -> None:
    error = event({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}})
    events = _events(recording.body)
    for at in range(len(events) + 1):
        frames = read([*events[:at], error, *events[at:]])
        _assert_broken(frames, events[:at], Overloaded)


def _assert_broken(
    frames: list[Frame], before: list[bytes], kind: type[Exception]
) -> None:
    found = [d for d in meaning.deltas(frames) if isinstance(d, Failed)]
    assert [type(failed.error) for failed in found] == [kind]
    assert frames[-1] == Frame(b"", (found[0],))
    assert not any(isinstance(d, Stop) for d in meaning.deltas(frames))
    spent = [
        c["usageMetadata"]
        for c in grammar.parse(b"".join(before))
        if {"promptTokenCount", "totalTokenCount"} & set(c.get("usageMetadata", {}))
    ]
    expected = meaning.reference_usage(spent[-1]) if spent else None
    assert meaning.last_usage(frames) == expected
    for source in ("gemini.generate", "other"):
        for query in ("alt=sse", ""):
            encoder = GENERATE.write_stream(call(stream=True, query=query), source)
            body = encoder.frames(frames) + encoder.error(TOLD)
            chunks = grammar.parse(body, encoder.content_type)
            assert chunks[-1]["error"]["code"] == 503
            if source == "other":
                grammar.check(chunks, finished=False)
                assert not any("finishReason" in str(chunk) for chunk in chunks)


def test_stops_come_at_the_end_and_know_of_calls_in_earlier_chunks() -> None:
    frames = read(
        [
            event(parts([{"functionCall": {"name": "f", "args": {"a": 1}}}])),
            event(text("", "STOP", index=0)),
        ]
    )
    stops = [d for d in meaning.deltas(frames) if isinstance(d, Stop)]
    assert stops == [Stop("tool_use", 0, "STOP")]
    assert frames[-1].raw == b""
    assert meaning.deltas(frames)[-1] == stops[0]


def test_a_reason_of_its_own_is_not_hidden_by_a_call() -> None:
    frames = read(
        [
            event(parts([{"functionCall": {"name": "f", "args": {}}}])),
            event(text("", "MAX_TOKENS")),
        ]
    )
    assert meaning.deltas(frames)[-1] == Stop("length", 0, "MAX_TOKENS")


def test_candidates_are_kept_apart_and_all_must_end() -> None:
    both = {
        "candidates": [
            {"content": {"parts": [{"functionCall": {"name": "f"}}]}, "index": 0},
            {"content": {"parts": [{"text": "b"}]}, "index": 1},
        ]
    }
    first = event(text("", "STOP", index=0))
    second = event(text("", "STOP", index=1))
    frames = read([event(both), first, second])
    stops = [d for d in meaning.deltas(frames) if isinstance(d, Stop)]
    assert stops == [Stop("tool_use", 0, "STOP"), Stop("end", 1, "STOP")]
    assert isinstance(meaning.failure(read([event(both), first])), Garbled)


def test_parallel_calls_of_one_function_stay_apart() -> None:
    called = [{"functionCall": {"name": "f", "args": {"n": n}}} for n in range(2)]
    third = [{"functionCall": {"name": "f", "args": {"n": 2}, "id": "own"}}]
    frames = read([event(parts(called)), event(parts(third, "STOP"))])
    starts = [d for d in meaning.deltas(frames) if isinstance(d, ToolStart)]
    assert [s.tool for s in starts] == [0, 1, 2]
    assert len({s.id for s in starts}) == 3
    assert starts[2].id == "own"
    arguments = [d for d in meaning.deltas(frames) if isinstance(d, ToolDelta)]
    assert [json.loads(d.arguments) for d in arguments] == [{"n": n} for n in range(3)]


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    frames = read([event({"promptFeedback": {"blockReason": "SAFETY"}})])
    assert meaning.deltas(frames)[-1] == Stop("filtered", 0, "SAFETY")


def test_usage_is_cumulative_and_traffic_alone_is_none() -> None:
    frames = read(
        [
            event(text("a") | {"usageMetadata": {"trafficType": "ON_DEMAND"}}),
            event(text("b") | {"usageMetadata": {"promptTokenCount": 9}}),
            event(
                text("c", "STOP")
                | {"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3}}
            ),
        ]
    )
    spent = [d.usage for d in meaning.deltas(frames) if isinstance(d, Used)]
    assert [(u.input, u.output) for u in spent] == [(9, 0), (7, 3)]


def _partial(*pieces: dict[str, Any], more: bool = True) -> dict[str, Any]:
    called: dict[str, Any] = {"partialArgs": list(pieces)} if pieces else {}
    if more:
        called["willContinue"] = True
    return parts([{"functionCall": called}])


def test_arguments_in_pieces_are_put_together() -> None:
    start = parts([{"functionCall": {"name": "f", "willContinue": True}}])
    frames = read(
        map(
            event,
            [
                start,
                _partial(
                    {"jsonPath": "$.city", "stringValue": "São ", "willContinue": True}
                ),
                _partial({"jsonPath": "$.city", "stringValue": "Paulo"}),
                _partial(
                    {"jsonPath": "$.rows[1].n", "numberValue": 2.5},
                    {"jsonPath": "$.rows[0]['a b']", "boolValue": False},
                    {"jsonPath": "$.none", "nullValue": "NULL_VALUE"},
                ),
                _partial(more=False),
                start,
                _partial({"jsonPath": "$.q", "stringValue": "x"}, more=False),
                parts([{"functionCall": {"name": "bare"}}], "STOP"),
            ],
        )
    )
    uses = meaning.folded(frames)[0].parts
    assert [json.loads(getattr(use, "arguments", "")) for use in uses] == [
        {
            "city": "São Paulo",
            "rows": [{"a b": False}, {"n": 2.5}],
            "none": None,
        },
        {"q": "x"},
        {},
    ]
    assert meaning.deltas(frames)[-1] == Stop("tool_use", 0, "STOP")


@pytest.mark.parametrize(
    "path",
    ["", "$", "$[0]", "$.a[", "$..a", "$.a[99999999]", "$.a[*]", "a.b.", "$[-1]"],
)
def test_a_path_to_nowhere_fails_the_stream(path: str) -> None:
    start = parts([{"functionCall": {"name": "f", "willContinue": True}}])
    piece = _partial({"jsonPath": path, "stringValue": "x"})
    frames = read([event(start), event(piece)])
    assert isinstance(meaning.failure(frames), Garbled)


def test_media_and_googles_own_parts_come_whole() -> None:
    frames = read(
        [
            event(
                parts(
                    [
                        {"inlineData": {"mimeType": "image/png", "data": "aWk="}},
                        {
                            "inlineData": {
                                "mimeType": "audio/L16;rate=24000",
                                "data": "YQ==",
                            }
                        },
                        {"executableCode": {"language": "PYTHON", "code": "1"}},
                        {
                            "thought": True,
                            "inlineData": {"mimeType": "image/png", "data": "eA=="},
                        },
                        {"thoughtSignature": "c2ln"},
                    ],
                    "STOP",
                )
            )
        ]
    )
    said = meaning.deltas(frames)[1:-1]
    assert isinstance(said[0], PartDelta)
    assert isinstance(said[1], AudioDelta)
    assert said[2] == PartDelta(
        Opaque("gemini", "executableCode", said[2].part.raw)  # type: ignore[union-attr]
    )
    assert isinstance(said[3], PartDelta)
    assert isinstance(said[3].part, Opaque)
    assert said[3].part.label == "thought"
    assert said[4] == TextDelta("", 0, "c2ln")


def test_thoughts_carry_their_signature_and_their_family() -> None:
    frames = read(
        [
            event(parts([{"text": "hm", "thought": True}])),
            event(parts([{"text": "", "thought": True, "thoughtSignature": "c2ln"}])),
            event(text("x", "STOP")),
        ]
    )
    thoughts = [d for d in meaning.deltas(frames) if isinstance(d, ThinkDelta)]
    assert thoughts == [
        ThinkDelta("hm", family="gemini"),
        ThinkDelta("", "c2ln", family="gemini"),
    ]


def test_comments_and_line_ends_are_relayed_and_mean_nothing() -> None:
    body = (
        b": keep\n\n"
        + event(text("a"), "\n")
        + b": on\r\n\r\n"
        + event(text("", "STOP"))
    )
    frames = read([body])
    assert b"".join(frame.raw for frame in frames) == body
    assert meaning.failure(frames) is None
    assert meaning.deltas(frames)[-1] == Stop("end", 0, "STOP")


def test_a_bare_error_in_place_of_events_is_told() -> None:
    status = {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}
    for body in ({"error": status}, [{"error": status}]):
        frames = read([json.dumps(body, indent=1).encode()])
        assert isinstance(meaning.failure(frames), RateLimited)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"data: {\r\n\r\n",
        b"data: []\r\n\r\n",
        b'data: {"candidates": 3}\r\n\r\n',
        b'data: {"candidates": [{"content": {"parts": ["x"]}}]}\r\n\r\n',
        b"data: \xff\xfe\r\n\r\n",
        b'data: {"candidates": [{"content": {"parts": [{"text": "\\ud800"}]}}]}\r\n\r\n',
        b"data: " + b"[" * 100_000 + b"\r\n\r\n",
        b'data: {"x": ' + b'{"x":' * 50_000 + b"\r\n\r\n",
        b"<html>502</html>",
        b'[{"candidates": [',
        b"{}",
        b"[1, 2]",
        b"data: [DONE]\n\n",
    ],
)
def test_garbage_fails_and_nothing_follows(body: bytes) -> None:
    reader = decoder()
    frames = reader.feed(body)
    frames += reader.close()
    assert isinstance(meaning.failure(frames), Garbled)
    assert reader.feed(event(text("late", "STOP"))) == []
    assert reader.close() == []


def test_a_terminator_of_another_family_does_no_harm() -> None:
    frames = read([event(text("a", "STOP")), b"data: [DONE]\n\n"])
    assert meaning.failure(frames) is None


def test_begin_comes_once_and_first() -> None:
    frames = read([event(text("a")), event(text("b", "STOP"))])
    begins = [d for d in meaning.deltas(frames) if isinstance(d, Begin)]
    assert begins == [Begin("r1", "g")]
    assert meaning.deltas(frames)[0] == begins[0]


@pytest.mark.parametrize(
    ("query", "is_events"),
    [
        ("alt=sse", True),
        ("?alt=sse", True),
        ("key=x&alt=sse", True),
        ("%24alt=sse", True),
        ("$alt=sse%3Benum-encoding%3Dint", True),
        ("alt=SSE", True),
        ("", False),
        ("alt=json", False),
        ("$alt=json;enum-encoding=int", False),
        ("salt=sse", False),
        ("key=alt=sse", False),
    ],
)
def test_the_query_says_which_form_a_client_gets(query: str, is_events: bool) -> None:
    for source in ("gemini.generate", "openai.chat"):
        encoder = GENERATE.write_stream(call(stream=True, query=query), source)
        kind = "text/event-stream" if is_events else "application/json"
        assert encoder.content_type.startswith(kind)
        assert encoder.close() == (b"" if is_events else b"[]")


def test_an_error_before_anything_is_a_whole_array() -> None:
    for source in ("gemini.generate", "openai.chat"):
        encoder = GENERATE.write_stream(call(stream=True), source)
        (only,) = json.loads(encoder.error(TOLD))
        assert only["error"]["status"] == "UNAVAILABLE"
