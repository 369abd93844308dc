"""Recorded streams cut anywhere, broken anywhere, told to clients of every dialect.

All streams would take too long: a quarter of the shorter ones is tried, chosen by a
checksum of their names, and our own.
"""

import random
import zlib
from collections.abc import Iterable
from itertools import pairwise

from adapters import errors
from adapters.contract import Decoder, Encoder
from adapters.errors import UpstreamError
from adapters.normal.delta import Failed, Frame, Stop
from adapters.registry import DIALECTS
from gateway.errors import tell
from tests.replay import exceptions, material
from tests.replay.ends import boundaries, check_error, finishes
from tests.replay.material import CLIENTS, Recording
from tests.replay.test_cross import STREAMS, every_client, of_each
from tests.shared import needs_shared

LONGEST = 24_000
"""Bytes of a stream that is cut."""
SHARE = 4
"""One of so many."""
MOST_EVENTS = 60
"""Of a stream that is broken at each of its events."""


def _chosen(recording: Recording) -> bool:
    if recording.name.startswith("own_"):
        return True
    if len(recording.body) > LONGEST or recording.form not in ("events", "lines"):
        return False
    if recording.family in material.VENDORS:
        return True  # there are few
    odd = recording.id in exceptions.TWO_IN_ONE
    return not odd and zlib.crc32(recording.name.encode()) % SHARE == 0


CHOSEN = [r for r in STREAMS if _chosen(r)]


@needs_shared
def test_enough_of_each_family_is_cut() -> None:
    of = {f: sum(r.family == f for r in CHOSEN) for f in material.TALKS}
    assert of["openai_chat"] > 30
    assert of["anthropic"] > 15
    assert of["gemini"] > 15
    assert of["ollama"] > 5
    assert of["cohere_v2"] > 5


# --- any cut ------------------------------------------------------------------------


def _told(recording: Recording, client: str, pieces: Iterable[bytes]) -> bytes:
    """What a client is told of a stream that comes in these pieces."""
    decoder, encoder = _ends(recording, client)
    out = b"".join(encoder.frames(decoder.feed(piece)) for piece in pieces)
    return out + encoder.frames(decoder.close()) + encoder.close()


def _ends(recording: Recording, client: str) -> tuple[Decoder, Encoder]:
    decoder = recording.decoder(material.asking(recording, client, stream=True))
    call = material.call_of(client, stream=True)
    return decoder, DIALECTS[client].write_stream(call, material.source(recording))


def _at(body: bytes, places: Iterable[int]) -> list[bytes]:
    """The body, cut at these places."""
    marks = [0, *sorted({p for p in places if 0 < p < len(body)}), len(body)]
    return [body[a:b] for a, b in pairwise(marks)]


def _by(body: bytes, size: int) -> list[bytes]:
    return _at(body, range(0, len(body), size))


def _inside_characters(body: bytes) -> list[bytes]:
    return _at(body, (at for at, byte in enumerate(body) if byte & 0xC0 == 0x80))


def _inside_frames(body: bytes) -> list[bytes]:
    marks, start = [], 0
    for end in boundaries(body):
        marks.append((start + end) // 2)
        start = end
    return _at(body, marks)


def _anywhere(body: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    count = rng.randrange(1, 40)
    return _at(body, (rng.randrange(len(body)) for _ in range(count)))


@every_client
@of_each(CHOSEN)
def test_what_a_client_is_told_does_not_depend_on_the_cut(
    recording: Recording, client: str
) -> None:
    body = recording.body
    told = _told(recording, client, [body])
    seed = zlib.crc32(body)
    cuts = {
        "1 byte": _by(body, 1),
        "7 bytes": _by(body, 7),
        "inside characters": _inside_characters(body),
        "inside frames": _inside_frames(body),
        "anywhere": _anywhere(body, seed),
        "anywhere else": _anywhere(body, seed + 1),
    }
    for name, pieces in cuts.items():
        assert b"".join(pieces) == body
        assert _told(recording, client, pieces) == told, name


# --- an end before the end ----------------------------------------------------------

INJECTED = {
    "openai": b'data: {"error":{"message":"overloaded","code":503}}\n\n',
    "anthropic": b"event: error\ndata: "
    b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    "gemini": b'data: {"error":{"code":503,"message":"Overloaded",'
    b'"status":"UNAVAILABLE"}}\r\n\r\n',
    "ollama": b'{"error":"the server is overloaded"}\n',
    "cohere": b'event: error\ndata: {"message":"the service is overloaded"}\n\n',
}
"""A family's own error event."""
ENDS = (b"[DONE]", b"message_stop", b"message-end", b'"done":true')
"""After these nothing is read."""


def _relayed(
    encoder: Encoder, decoder: Decoder, pieces: Iterable[bytes]
) -> tuple[bytes, list[Frame], UpstreamError | None]:
    """As the gateway pumps a stream: what was said before the error, then the error."""
    out: bytes = b""
    seen: list[Frame] = []
    for piece in (*pieces, b""):
        frames = decoder.feed(piece) if piece else decoder.close()
        for at, frame in enumerate(frames):
            for delta in frame.deltas:
                if isinstance(delta, Failed):
                    assert at == len(frames) - 1
                    out += encoder.frames(frames[:at])
                    out += encoder.error(tell(delta.error, "req_1"))
                    return out, seen, delta.error
            seen.append(frame)
        out += encoder.frames(frames)
    return out + encoder.close(), seen, None


def _no_end_was_made_up(
    recording: Recording, client: str, come: bytes, seen: list[Frame], told: bytes
) -> None:
    """A client is told no more ends than had come."""
    if material.source(recording) == client:
        # some tell the same end twice
        assert finishes(client, told) <= finishes(client, come)
    else:
        assert finishes(client, told) <= _stops(seen)


def _stops(frames: list[Frame]) -> int:
    return sum(isinstance(d, Stop) for frame in frames for d in frame.deltas)


SHORT = [r for r in CHOSEN if len(boundaries(r.body)) <= MOST_EVENTS]


@every_client
@of_each(SHORT)
def test_a_stream_cut_at_an_event_ends_in_an_error_or_was_over(
    recording: Recording, client: str
) -> None:
    body, broke = recording.body, 0
    for end in [0, *boundaries(body)[:-1]]:
        decoder, encoder = _ends(recording, client)
        told, seen, error = _relayed(encoder, decoder, [body[:end]] if end else [])
        if error is None:
            assert _stops(seen), "what has no end is never told as one"
            continue
        broke += 1
        assert isinstance(error, errors.Garbled)
        check_error(client, told)
        _no_end_was_made_up(recording, client, body[:end], seen, told)
    assert broke


@every_client
@of_each(SHORT)
def test_a_stream_that_tells_an_error_ends_in_the_client_s_own(
    recording: Recording, client: str
) -> None:
    family = recording.family.partition("_")[0]
    body = recording.body
    ends = boundaries(body)
    for at, end in enumerate([0, *ends[:-1]]):
        decoder, encoder = _ends(recording, client)
        rest = body[end:] if at % 2 else b""
        pieces = [body[:end] + INJECTED[family] + rest] if at % 3 else []
        pieces = pieces or [p for p in (body[:end], INJECTED[family], rest) if p]
        told, seen, error = _relayed(encoder, decoder, pieces)
        if error is None:
            over = any(word in body[:end] for word in ENDS)
            assert over, "an error after the end is no longer read"
            continue
        assert isinstance(error, errors.Overloaded), error
        check_error(client, told)
        _no_end_was_made_up(recording, client, body[:end], seen, told)


def test_our_own_are_cut_too() -> None:
    assert sum(r.name.startswith("own_") for r in SHORT) == len(CLIENTS)
