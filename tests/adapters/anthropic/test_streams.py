"""Streams: cut anywhere, broken anywhere, put together again by the official SDK."""

import json
import random

import anyio
import httpx2 as httpx
import pytest
from anthropic import Anthropic, APIStatusError, AsyncAnthropic

from adapters.anthropic.family import MESSAGES, UPSTREAM
from adapters.contract import Encoder, Told
from adapters.errors import Garbled, Overloaded, RateLimited, ServerError
from adapters.normal.delta import Failed, Frame, TextDelta, ToolStart, Used
from tests.adapters.anthropic import accumulate, grammar, recordings
from tests.adapters.anthropic.recordings import (
    DIALECT,
    Recording,
    call,
    decode,
    deltas,
    names,
)
from tests.shared import needs_shared

pytestmark = needs_shared

STREAMS = recordings.streams()

SEVERAL = {
    "vercel_ai__packages-anthropic-src-__fixtures__-anthropic-tool-search-deferred-regex.chunks.txt_83bb6c.json",
    "vercel_ai__packages-anthropic-src-__fixtures__-anthropic-programmatic-tool-calling.1.chunks.txt_142dde.json",
    "vercel_ai__packages-anthropic-src-__fixtures__-anthropic-tool-search-regex.1.chunks.txt_0890c0.json",
}
"""Recordings of several answers one after the other in one body; the first counts."""

SPLICED = "vercel_ai__packages-anthropic-src-__fixtures__-spliced-message-start.chunks.txt_def908.json"
"""Made by hand: a second message begins inside the first. Both are told."""

WHOLE = [r for r in STREAMS if r.name != SPLICED]


def pieces(body: bytes, edges: list[int]) -> list[Frame]:
    decoder = UPSTREAM.parse_stream(call())
    frames: list[Frame] = []
    for start, end in zip([0, *edges], [*edges, len(body)], strict=True):
        frames += decoder.feed(body[start:end])
    return frames + decoder.close()


def encoded(frames: list[Frame], encoder: Encoder | None = None) -> bytes:
    """The frames in this dialect, as from another family's stream."""
    encoder = encoder or MESSAGES.write_stream(call(), "openai.chat")
    return b"".join(encoder.frames([frame]) for frame in frames) + encoder.close()


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_a_stream_is_relayed_byte_for_byte_wherever_it_was_cut(
    recording: Recording,
) -> None:
    body = recording.body
    meant = deltas(decode(body))
    assert not any(isinstance(d, Failed) for d in meant)
    rng = random.Random(recording.name)
    inside = [i for i, byte in enumerate(body) if byte & 0xC0 == 0x80][:200]
    cuts = [
        list(range(1, len(body), 1 if len(body) < 8_000 else 61)),
        list(range(7, len(body), 7)),
        inside,
        sorted(rng.sample(range(len(body)), min(40, len(body)))),
        [i + 1 for i in range(len(body)) if body.startswith(b"\n\n", i)],
    ]
    for edges in cuts:
        frames = pieces(body, edges)
        relay = MESSAGES.write_stream(call(), DIALECT)
        assert deltas(frames) == meant
        # A recording that lacks its last line end gets it: events end with one.
        ended = body if body.endswith(b"\n\n") else body + b"\n"
        assert encoded(frames, relay) == ended


@pytest.mark.parametrize("recording", WHOLE, ids=names(WHOLE))
def test_a_stream_written_anew_means_what_the_recording_means(
    recording: Recording,
) -> None:
    told = encoded(decode(recording.body))
    grammar.check(grammar.parse(told))
    ours = accumulate.meaning(accumulate.whole(told, strict=True))
    theirs = accumulate.meaning(accumulate.whole(recording.body))
    if "compaction" in recording.name:
        ours.pop("usage"), theirs.pop("usage")  # ours counts the compaction pass
    assert ours == theirs


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_a_recorded_stream_follows_the_grammar(recording: Recording) -> None:
    events = accumulate.events(recording.body)
    odd = recording.name in SEVERAL or "message-start" in recording.name
    if odd:
        with pytest.raises(grammar.Broken):
            grammar.check(events)
    else:
        grammar.check(events)


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_tools_are_counted_from_nought_without_gaps(recording: Recording) -> None:
    starts = [d for d in deltas(decode(recording.body)) if isinstance(d, ToolStart)]
    assert [d.tool for d in starts] == list(range(len(starts)))


TOLD = Told(529, "overloaded_error", "upstream is ill", request_id="req_1")
INJECTED = {
    b'{"type":"overloaded_error","message":"Overloaded"}': Overloaded,
    b'{"type":"rate_limit_error","message":"slow down"}': RateLimited,
    b'{"type":"api_error","message":"Internal server error"}': ServerError,
}


def boundaries(body: bytes) -> list[int]:
    end = body.index(b"event: message_stop")
    every = [0] + [i + 2 for i in range(end) if body.startswith(b"\n\n", i)]
    if len(every) <= 60:
        return every
    # Where blocks begin and end, and some of the many deltas between.
    telling = [at for at in every if body.startswith(b"event: content_block_st", at)]
    return sorted({*every[:: len(every) // 30], *telling[:30], *every[-4:]})


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_a_stream_that_breaks_ends_in_an_error_and_never_in_a_finish(
    recording: Recording,
) -> None:
    for i, edge in enumerate(boundaries(recording.body)):
        part = recording.body[:edge]
        fault, kind = list(INJECTED.items())[i % len(INJECTED)]
        event = b'event: error\ndata: {"type":"error","error":%b}\n\n' % fault
        for frames, expected in (
            (decode(part), Garbled),
            (decode(part + event), kind),
            (decode(part + b"event: x\ndata: {]\n\n"), Garbled),
            (decode(part + b"event: ping\ndata: {"), Garbled),
        ):
            *before, last = frames
            (failed,) = last.deltas
            assert isinstance(failed, Failed)
            assert type(failed.error) is expected
            assert last.raw == b""
            assert not any(isinstance(d, Failed) for d in deltas(before))
            assert b"".join(f.raw for f in before) == part
            for source in (DIALECT, "openai.chat"):
                encoder = MESSAGES.write_stream(call(), source)
                out = encoder.frames(frames) + encoder.error(TOLD)
                assert b"event: message_stop" not in out
                (_, told), *more = grammar.parse(out[out.rindex(b"event: error") :])
                assert told["error"]["type"] == "overloaded_error"
                assert not more
        if i % 5 == 0:
            grammar.check(grammar.parse(out))


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_what_was_used_is_known_when_a_stream_breaks(recording: Recording) -> None:
    edges = boundaries(recording.body)
    seen = deltas(decode(recording.body[: edges[-1]]))
    used = [d.usage for d in seen if isinstance(d, Used)]
    assert used
    assert used[-1].input == max(u.input for u in used) or len(used) > 1


def client(body: bytes, status: int = 200) -> httpx.MockTransport:
    def answer(_: httpx.Request) -> httpx.Response:
        kind = (
            "text/event-stream; charset=utf-8" if status == 200 else "application/json"
        )
        return httpx.Response(status, headers={"content-type": kind}, content=body)

    return httpx.MockTransport(answer)


ASK = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("recording", WHOLE[::8], ids=names(WHOLE[::8]))
def test_the_official_client_rebuilds_a_stream_written_anew(
    recording: Recording,
) -> None:
    told = encoded(decode(recording.body))
    with (
        httpx.Client(transport=client(told)) as http,
        Anthropic(api_key="k", http_client=http).messages.stream(**ASK) as stream,
    ):
        final = stream.get_final_message()
    expected = accumulate.meaning(accumulate.whole(recording.body))
    got = accumulate.meaning(final.to_dict(mode="json", warnings=False))
    assert got["content"] == expected["content"]
    assert got["stop_reason"] == expected["stop_reason"]


def test_the_official_async_client_meets_an_error_in_a_broken_stream() -> None:
    whole = decode(STREAMS[0].body)
    encoder = MESSAGES.write_stream(call(), "gemini.generate")
    told = encoder.frames(whole[: len(whole) // 2]) + encoder.error(TOLD)

    async def main() -> None:
        async with httpx.AsyncClient(transport=client(told)) as http:
            official = AsyncAnthropic(api_key="k", http_client=http, max_retries=0)
            async with official.messages.stream(**ASK) as stream:
                with pytest.raises(APIStatusError, match="upstream is ill"):
                    await stream.get_final_message()

    anyio.run(main)


def test_nothing_follows_the_end_of_a_decoder() -> None:
    decoder = UPSTREAM.parse_stream(call())
    frames = decoder.feed(b"data: garbage\n\n") + decoder.feed(STREAMS[0].body)
    frames += decoder.close() + decoder.close()
    assert [type(d) for d in deltas(frames)] == [Failed]


def test_a_second_message_start_means_nothing() -> None:
    (recording,) = [r for r in STREAMS if "duplicate-message-start" in r.name]
    told = encoded(decode(recording.body))
    grammar.check(grammar.parse(told))
    assert (
        json.loads(told.split(b"data: ")[1].split(b"\n")[0])["message"]["id"]
        == "msg_dup"
    )


def test_text_is_handed_on_at_once() -> None:
    first = STREAMS[0].body.split(b"\n\n")
    decoder = UPSTREAM.parse_stream(call())
    seen = [decoder.feed(event + b"\n\n") for event in first[:-1]]
    spoken = [f for frames in seen for f in frames if f.speaks]
    assert isinstance(spoken[0].deltas[0], TextDelta)
