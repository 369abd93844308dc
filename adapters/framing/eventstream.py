"""AWS event streams: bytes in any cut <-> messages with typed headers.

    total length | headers length | CRC-32 of these eight bytes
    headers | payload | CRC-32 of everything before

All numbers are big-endian. A checksum that does not fit ends the stream: what was
damaged on the way is never taken for text.

Source: smithy.io, "Amazon Event Stream Specification".
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from adapters.errors import Garbled

MAX_MESSAGE: Final = 24 * 1024 * 1024
"""Bytes one message may take, as the AWS SDKs bound it."""
MAX_HEADERS: Final = 128 * 1024

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"

_LENGTHS: Final = struct.Struct(">II")
_CRC: Final = struct.Struct(">I")
_SIZE: Final = struct.Struct(">H")
_PRELUDE: Final = 12
_FRAME: Final = 16
"""Bytes of a message with neither headers nor payload."""


class _Chunk(msgspec.Struct, frozen=True):
    """What a vendor's model streams."""

    bytes: bytes


_chunk: Final = msgspec.json.Decoder(_Chunk).decode
_json: Final = msgspec.json.Decoder().decode
_TRUE, _FALSE, _BYTES, _STRING = 0, 1, 6, 7
_FIXED: Final = {_TRUE: 0, _FALSE: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Type of a header -> the bytes of its value, where they are always as many."""


class Message(NamedTuple):
    """One message; `raw` holds all its bytes."""

    raw: bytes
    headers: dict[str, str]
    """Those of type string."""
    payload: bytes


class Splitter:
    """Cuts a byte stream into messages. The joined `raw` equals what was fed."""

    __slots__ = ("_checked", "_limit", "_rest")

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._rest = bytearray()
        self._limit = limit
        self._checked = 0
        """Length of the message that has begun; 0 until its prelude was checked."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with `data`.

        Raises:
            Garbled: a checksum or a length does not fit.
        """
        rest = self._rest
        rest += data
        while len(rest) >= _PRELUDE:
            total = self._checked or self._length()
            if len(rest) < total:
                return
            raw = bytes(memoryview(rest)[:total])
            del rest[:total]
            self._checked = 0
            yield _message(raw)

    def close(self) -> None:
        """The end of the file.

        Raises:
            Garbled: it came in the middle of a message.
        """
        if self._rest:
            raise Garbled(f"the stream ended {len(self._rest)} bytes into a message")

    def _length(self) -> int:
        rest = self._rest
        total, headers = _LENGTHS.unpack_from(rest)
        told = _CRC.unpack_from(rest, _LENGTHS.size)[0]
        if crc32(memoryview(rest)[: _LENGTHS.size]) != told:
            raise Garbled("the checksum of a message's prelude does not fit")
        if total > self._limit or headers > MAX_HEADERS:
            raise Garbled(f"a message of the stream exceeds {self._limit} bytes")
        if total < headers + _FRAME:
            raise Garbled("the lengths of a message do not fit together")
        self._checked = total
        return int(total)


def write(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message; every header is a string."""
    lines = b"".join(_line(name, value) for name, value in headers.items())
    lengths = _LENGTHS.pack(_FRAME + len(lines) + len(payload), len(lines))
    body = b"".join((lengths, _CRC.pack(crc32(lengths)), lines, payload))
    return body + _CRC.pack(crc32(body))


def readable(data: bytes) -> bytes:
    """Messages as lines of JSON, `{kind: payload}`, chunks unwrapped: for people, and
    for whoever looks for secrets. What was cut off is left out."""
    lines = []
    with suppress(Garbled):
        for message in Splitter().feed(data):
            told = message.headers
            kind = told.get(":event-type") or told.get(":exception-type") or "message"
            payload = message.payload
            with suppress(msgspec.MsgspecError, ValueError):
                if kind == "chunk":
                    payload = _chunk(payload).bytes
                lines.append(msgspec.json.encode({kind: _json(payload)}) + b"\n")
    return b"".join(lines)


def _line(name: str, value: str) -> bytes:
    said, told = name.encode(), value.encode()
    kind = bytes((_STRING,))
    return b"".join((bytes((len(said),)), said, kind, _SIZE.pack(len(told)), told))


def _message(raw: bytes) -> Message:
    view = memoryview(raw)
    told = _CRC.unpack_from(raw, len(raw) - _CRC.size)[0]
    if crc32(view[: -_CRC.size]) != told:
        raise Garbled("the checksum of a message does not fit")
    size = _LENGTHS.unpack_from(raw)[1]
    end = _PRELUDE + size
    return Message(raw, _headers(raw, end), bytes(view[end : -_CRC.size]))


def _headers(raw: bytes, end: int) -> dict[str, str]:
    found: dict[str, str] = {}
    at = _PRELUDE
    try:
        while at < end:
            name_end = at + 1 + raw[at]
            name = raw[at + 1 : name_end].decode()
            kind = raw[name_end]
            at = name_end + 1
            if kind in {_BYTES, _STRING}:
                size = _SIZE.unpack_from(raw, at)[0]
                at += _SIZE.size
            else:
                size = _FIXED[kind]
            if kind == _STRING:
                found[name] = raw[at : at + size].decode()
            at += size
    except (LookupError, UnicodeError, struct.error) as error:
        raise Garbled(f"the headers of a message cannot be read: {error}") from error
    if at != end:
        raise Garbled("the headers of a message are longer than it says")
    return found
