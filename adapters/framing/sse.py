"""Server-sent events: bytes in any cut <-> events.

Source: WHATWG HTML, section 9.2.6 (line ends CR, LF or CRLF; a leading BOM is ignored;
several `data` lines join with LF; a line that starts with a colon is a comment).
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from adapters.errors import Garbled

MAX_EVENT: Final = 4 * 1024 * 1024
"""Bytes one event may take before its stream is called garbled."""

_BOM: Final = b"\xef\xbb\xbf"
_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n|\r\n\r(?!\n)|\n\r(?!\n)")
_LINE: Final = re.compile(rb"\r\n|\n|\r")


class Event(NamedTuple):
    """One event; `raw` holds its bytes, comments and end included."""

    raw: bytes
    data: bytes
    """All `data` lines joined with LF; empty for a comment block."""
    name: bytes
    """The `event` field; empty when absent."""


class Splitter:
    """Cuts a byte stream into events. The joined `raw` equals what was fed."""

    __slots__ = ("_limit", "_rest", "_started")

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._rest = b""
        self._limit = limit
        self._started = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that are complete with `data`.

        Raises:
            Garbled: an event is longer than the limit.
        """
        data = self._rest + data if self._rest else data
        if not self._started:
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._rest = data
                return
            self._started = True
        if b"\r" not in data:
            *whole, self._rest = data.split(b"\n\n")
            for block in whole:
                yield _event(block + b"\n\n")
        else:
            yield from self._feed_mixed(data)
        if len(self._rest) > self._limit:
            raise Garbled(f"an event of the stream exceeds {self._limit} bytes")

    def _feed_mixed(self, data: bytes) -> Iterator[Event]:
        # A CR at the very end may be half of a CRLF: wait for the byte after it.
        held = b"\r" if data.endswith(b"\r") else b""
        body = data[: len(data) - len(held)]
        start = 0
        for match in _END.finditer(body):
            if held and match.end() == len(body) and body.endswith(b"\r"):
                break
            yield _event(body[start : match.end()])
            start = match.end()
        self._rest = body[start:] + held

    def close(self) -> Iterator[Event]:
        """What is left at end of file, if anything, as one last event."""
        rest, self._rest = self._rest, b""
        if rest.strip():
            yield _event(rest)


def _event(raw: bytes) -> Event:
    if raw.startswith(b"data: ") and raw.find(b"\n", 0, -2) < 0 and b"\r" not in raw:
        return Event(raw, raw[6:].rstrip(b"\n"), b"")
    if raw.startswith(b"event: ") and raw.count(b"\n") == 3 and b"\r" not in raw:
        end = raw.index(b"\n")
        if raw.startswith(b"\ndata: ", end) and raw.endswith(b"\n\n"):
            return Event(raw, raw[end + 7 : -2], raw[7:end])
    data: list[bytes] = []
    name = b""
    for line in _LINE.split(raw.removeprefix(_BOM)):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(raw, b"\n".join(data), name)


def write(data: bytes, name: bytes = b"") -> bytes:
    """One event; `data` must hold no line end (JSON never does)."""
    if name:
        return b"event: %b\ndata: %b\n\n" % (name, data)
    return b"data: %b\n\n" % data
