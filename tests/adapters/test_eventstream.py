"""AWS event streams: recorded ones, our own, and such as were damaged on the way."""

import base64
import binascii
import json
import struct

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Garbled
from adapters.framing import eventstream
from adapters.framing.eventstream import Message, Splitter
from tests.shared import cassettes, needs_shared

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
HEADERS = st.dictionaries(NAMES, st.text(max_size=60), max_size=4)
MESSAGES = st.lists(st.tuples(HEADERS, st.binary(max_size=200)), max_size=5)


def split(*pieces: bytes) -> list[Message]:
    splitter = Splitter()
    found = [message for piece in pieces for message in splitter.feed(piece)]
    splitter.close()
    return found


@given(MESSAGES, st.integers(1, 40))
def test_what_is_written_is_read_from_any_cut(
    messages: list[tuple[dict[str, str], bytes]], size: int
) -> None:
    data = b"".join(eventstream.write(*message) for message in messages)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    found = split(*pieces)
    assert [(m.headers, m.payload) for m in found] == messages
    assert b"".join(m.raw for m in found) == data
    theirs = EventStreamBuffer()
    theirs.add_data(data)
    assert [(m.headers, m.payload) for m in theirs] == messages


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.lists(st.tuples(NAMES, JSONS, st.booleans()), max_size=5), st.data())
def test_what_came_whole_can_be_read_as_lines(
    said: list[tuple[str, object, bool]], data: st.DataObject
) -> None:
    parts = []
    for kind, payload, wrapped in said:
        body = json.dumps(payload).encode()
        if wrapped:
            body = json.dumps({"bytes": base64.b64encode(body).decode()}).encode()
        name = "chunk" if wrapped else f"of {kind}"[:40]
        parts.append(eventstream.write({":event-type": name}, body))
    whole = data.draw(st.integers(0, len(parts)))
    cut = b"".join(parts[:whole]) + b"".join(parts[whole:])[:9]
    lines = [json.loads(line) for line in eventstream.readable(cut).splitlines()]
    assert lines == [
        {"chunk" if wrapped else f"of {kind}"[:40]: payload}
        for kind, payload, wrapped in said[:whole]
    ]


@given(st.binary(max_size=60), st.data())
def test_a_flipped_bit_is_an_error_and_no_text(
    payload: bytes, data: st.DataObject
) -> None:
    whole = eventstream.write({":event-type": "chunk"}, payload)
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    broken = bytearray(whole)
    broken[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Garbled):
        split(bytes(broken))


@given(st.binary(max_size=400))
def test_any_bytes_give_messages_or_an_error(data: bytes) -> None:
    try:
        split(data)
    except Garbled as error:
        assert error.message


def _raw(headers: bytes, payload: bytes = b"") -> bytes:
    """A message with right checksums, whatever its headers are."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = lengths + struct.pack(">I", binascii.crc32(lengths)) + headers + payload
    return body + struct.pack(">I", binascii.crc32(body))


def test_headers_of_every_type_are_stepped_over() -> None:
    lines = (
        b"\x01a\x00" + b"\x01b\x01" + b"\x01c\x02\x07" + b"\x01d\x03\x00\x07"
        b"\x01e\x04\x00\x00\x00\x07"
        + b"\x01f\x05"
        + bytes(8)
        + b"\x01g\x06\x00\x02xy"
        + b"\x01h\x08"
        + bytes(8)
        + b"\x01i\x09"
        + bytes(16)
        + b"\x01j\x07\x00\x02ok"
    )
    assert split(_raw(lines, b"{}"))[0].headers == {"j": "ok"}


@pytest.mark.parametrize(
    "lines",
    [
        b"\x05abc",
        b"\x01a\x0b",
        b"\x01a\x07\x00\x09x",
        b"\x01a\x07\x00\x01\xff",
        b"\x01",
    ],
)
def test_headers_that_cannot_be_read_are_an_error(lines: bytes) -> None:
    with pytest.raises(Garbled, match="headers"):
        split(_raw(lines))


def test_lengths_are_bounded_before_anything_is_held() -> None:
    lengths = struct.pack(">II", 0x7FFFFFFF, 0)
    with pytest.raises(Garbled, match="exceeds"):
        split(lengths + struct.pack(">I", binascii.crc32(lengths)))
    lengths = struct.pack(">II", 12, 0)
    with pytest.raises(Garbled, match="fit together"):
        split(lengths + struct.pack(">I", binascii.crc32(lengths)))


def test_an_end_within_a_message_is_an_error() -> None:
    with pytest.raises(Garbled, match="into a message"):
        split(eventstream.write({}, b"{}")[:-1])


@needs_shared
def test_every_recorded_stream_is_decoded_as_recorded() -> None:
    streams = messages = 0
    for family in ("bedrock_converse_stream", "bedrock_invoke"):
        for path in cassettes(family):
            response = json.loads(path.read_bytes())["response"]
            if "body_base64" not in response:
                continue
            body = base64.b64decode(response["body_base64"])
            found = split(body)
            assert b"".join(m.raw for m in found) == body
            told = [
                {
                    "type": m.headers.get(":event-type")
                    or m.headers.get(":exception-type"),
                    "message_type": m.headers[":message-type"],
                    "payload": json.loads(m.payload),
                }
                for m in found
            ]
            assert told == response["decoded_events"]
            assert split(*(body[at : at + 1] for at in range(len(body)))) == found
            streams += 1
            messages += len(found)
    assert streams > 25
    assert messages > 1000
