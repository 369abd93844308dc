"""Media of the OpenAI family: laws of its streams, and what vendors make of answers."""

import base64
import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Hint, Operation, WireResponse
from adapters.errors import BadCall, UpstreamError
from adapters.framing import multipart
from adapters.normal.delta import Failed, Frame, PictureDelta, Sound, TextDelta, Used
from adapters.openai.family import UPSTREAM
from adapters.openai.media import family as media

FORM, MARK = multipart.write(
    [
        multipart.Part(name="model", data=b"m"),
        multipart.Part(name="stream", data=b"true"),
        multipart.Part(name="file", filename="a", data=b"x"),
    ]
)


def image_call() -> Any:
    body = json.dumps({"model": "m", "prompt": "x", "stream": True}).encode()
    return media.IMAGES.read_call(body, Hint(operation=Operation.images_generate))


def transcribe_call() -> Any:
    hint = Hint(
        operation=Operation.transcribe,
        content_type=b"multipart/form-data; boundary=" + MARK,
    )
    return media.TRANSCRIPTIONS.read_call(FORM, hint)


def speech_call(**more: Any) -> Any:
    body = {"model": "m", "input": "hi", "voice": "a", **more}
    hint = Hint(operation=Operation.speech)
    return media.SPEECH.read_call(json.dumps(body).encode(), hint)


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events)


USAGE = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}
STREAMS: dict[str, tuple[Any, bytes]] = {
    "pictures": (
        image_call(),
        sse(
            {
                "type": "image_generation.partial_image",
                "b64_json": "QQ==",
                "partial_image_index": 0,
            },
            {
                "type": "image_generation.completed",
                "b64_json": "QkI=",
                "usage": USAGE,
            },
        ),
    ),
    "sound in events": (
        speech_call(stream_format="sse"),
        sse(
            {"type": "speech.audio.delta", "audio": base64.b64encode(b"ab").decode()},
            {"type": "speech.audio.done", "usage": USAGE},
        ),
    ),
    "a transcript": (
        transcribe_call(),
        sse(
            {"type": "transcript.text.delta", "delta": "Grü"},
            {"type": "transcript.text.delta", "delta": "ße"},
            {"type": "transcript.text.done", "text": "Grüße", "usage": USAGE},
        )
        + b"data: [DONE]\n\n",
    ),
    "a transcript as text": (transcribe_call(), "Grüße, alle zusammen".encode()),
}


def decoded(call: Any, data: bytes, cuts: list[int]) -> list[Frame]:
    decoder = UPSTREAM.parse_stream(call)
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    frames: list[Frame] = []
    for at, to in pairwise(edges):
        if at < to:
            frames += decoder.feed(data[at:to])
    return frames + decoder.close()


@pytest.mark.parametrize("name", STREAMS)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_stream_means_the_same_however_it_is_cut(name: str, cuts: list[int]) -> None:
    call, data = STREAMS[name]
    whole = decoded(call, data, [])
    assert decoded(call, data, cuts) == whole
    assert not any(isinstance(d, Failed) for f in whole for d in f.deltas)


@given(pieces=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5))
def test_sound_is_never_looked_into(pieces: list[bytes]) -> None:
    call = speech_call()
    decoder = UPSTREAM.parse_stream(call)
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    frames += decoder.close()
    encoder = media.SPEECH.write_stream(call, UPSTREAM.dialect)
    assert encoder.frames(frames) + encoder.close() == b"".join(pieces)
    used = [d.usage for f in frames for d in f.deltas if isinstance(d, Used)]
    assert [u.characters for u in used] == [2]


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.binary(max_size=200))
def test_any_bytes_end_in_an_answer_or_an_error(name: str, data: bytes) -> None:
    call, good = STREAMS[name]
    for stream in (data, good[: len(good) // 2] + data):
        decoded(call, stream, [3])
    with suppress(UpstreamError):
        UPSTREAM.parse_response(WireResponse(200, (), data), call)


@pytest.mark.parametrize("name", [n for n in STREAMS if n != "a transcript as text"])
def test_a_stream_without_its_end_is_broken(name: str) -> None:
    call, data = STREAMS[name]
    first = data[: data.index(b"\n\n") + 2]
    last = decoded(call, first, [])[-1]
    assert isinstance(last.deltas[0], Failed)


@pytest.mark.parametrize("name", STREAMS)
def test_what_was_read_can_be_written_and_read_again(name: str) -> None:
    """Without the bytes: as a stream of another family would be written."""
    call, data = STREAMS[name]
    frames = decoded(call, data, [])
    dialect = {
        "openai.images": media.IMAGES,
        "openai.speech": media.SPEECH,
        "openai.transcriptions": media.TRANSCRIPTIONS,
    }[call.dialect]
    encoder = dialect.write_stream(call, "")
    again = decoded(call, encoder.frames(frames) + encoder.close(), [])
    kept = (PictureDelta, Sound, TextDelta, Used)

    def told(frames: list[Frame]) -> list[Any]:
        return [d for f in frames for d in f.deltas if isinstance(d, kept)]

    assert told(again) == told(frames)


@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"error":{"message":"boom"}}\n\n',
        b'data: {"type":"error","error":{"message":"boom"}}\n\n',
        b"data: {not json}\n\n",
        b'data: {"type":"speech.audio.delta","audio":"#"}\n\n',
        b'data: {"type":"transcript.text.delta"}\n\n',
    ],
)
def test_an_event_that_is_wrong_breaks_the_stream(event: bytes) -> None:
    name = "sound in events" if b"speech" in event else "a transcript"
    call, _ = STREAMS[name]
    last = decoded(call, event, [])[-1]
    assert isinstance(last.deltas[0], Failed)


def test_mistrals_judgements_are_flagged() -> None:
    call = media.MODERATIONS.read_call(b'{"model":"m","input":"x"}', Hint())
    results = [
        {"categories": {"pii": True}, "category_scores": {"pii": 0.9}},
        {"categories": {"pii": False}, "category_scores": {"pii": 0.1}},
    ]
    body = json.dumps({"id": "1", "model": "mistral", "results": results}).encode()
    result = UPSTREAM.parse_response(WireResponse(200, (), body), call)
    told = json.loads(media.MODERATIONS.write_result(result, call))
    assert [r["flagged"] for r in told["results"]] == [True, False]


@given(st.binary(max_size=120))
def test_any_body_is_a_call_or_a_bad_call(body: bytes) -> None:
    form = b"multipart/form-data; boundary=x"
    for dialect in (
        media.IMAGES,
        media.SPEECH,
        media.TRANSCRIPTIONS,
        media.MODERATIONS,
    ):
        for kind in (b"application/json", form):
            hint = Hint(operation=Operation.images_edit, content_type=kind)
            with suppress(BadCall):
                dialect.read_call(body, hint)
