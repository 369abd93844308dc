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
_END: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
"""A line end and the blank line after it."""
_LINE: Final = re.compile(rb"\r\n|\n|\r")
_OVERLAP: Final = 3
"""Bytes of a possible end of event that an earlier search may have seen in part."""


class Event(NamedTuple):
    """One event; `raw` holds its bytes, comments and end included."""

    raw: bytes
    data: bytes
    """All `data` lines joined with LF; empty for a comment block."""
    name: bytes
    """The `event` field; empty when absent."""


class Splitter:
    """Cuts a byte stream into events. The joined `raw` equals what was fed.

    What comes out does not depend on how the bytes were cut, and costs time in
    proportion to their number even when they come one by one.
    """

    __slots__ = ("_limit", "_looked", "_odd", "_rest", "_started")

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._rest = bytearray()
        self._looked = 0
        """Bytes of the rest that were searched already."""
        self._odd = False
        """The rest holds a CR."""
        self._limit = limit
        self._started = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that are complete with `data`.

        Raises:
            Garbled: an event is longer than the limit.
        """
        if self._rest or b"\r" in data:
            if self._rest or not self._started or not _is_crlf_line(data):
                yield from self._feed_rest(data)
            elif len(data) > self._limit:
                raise self._too_long()
            else:
                yield Event(data, data[6:-4], b"")
            return
        *whole, rest = data.split(b"\n\n")
        for block in whole:
            raw = block + b"\n\n"
            if block.startswith(b"data: ") and b"\n" not in block and self._started:
                if len(raw) > self._limit:
                    raise self._too_long()
                yield Event(raw, block[6:], b"")
            else:
                yield self._checked(raw)
        if rest:
            self._rest += rest
            self._hold()

    def _feed_rest(self, data: bytes) -> Iterator[Event]:
        rest = self._rest
        rest += data
        self._odd = self._odd or b"\r" in data
        ends = self._ends_odd() if self._odd else self._ends()
        start = 0
        events = []
        for end in ends:
            events.append(bytes(rest[start:end]))
            start = end
        if start:
            del rest[:start]
            self._odd = b"\r" in rest
        self._hold()
        for raw in events:
            yield self._checked(raw)
        if len(rest) > self._limit:
            raise self._too_long()

    def _ends(self) -> list[int]:
        """Where events of LF lines end in the rest."""
        ends = []
        at = self._rest.find(b"\n\n", max(0, self._looked - _OVERLAP))
        while at >= 0:
            ends.append(at + 2)
            at = self._rest.find(b"\n\n", at + 2)
        return ends

    def _ends_odd(self) -> list[int]:
        """Where events end in the rest, whatever their line ends."""
        start = max(0, self._looked - _OVERLAP)
        ends = [match.end() for match in _END.finditer(self._rest, start)]
        if ends and ends[-1] == len(self._rest) and self._rest.endswith(b"\r"):
            ends.pop()  # the CR may be half of a CRLF: wait for the byte after it
        return ends

    def _hold(self) -> None:
        self._looked = len(self._rest)

    def _checked(self, raw: bytes) -> Event:
        if len(raw) > self._limit:
            raise self._too_long()
        if not self._started:
            self._started = True
            if raw.startswith(_BOM):
                return _event(raw[len(_BOM) :])._replace(raw=raw)
        return _event(raw)

    def _too_long(self) -> Garbled:
        return Garbled(f"an event of the stream exceeds {self._limit} bytes")

    def close(self) -> Iterator[Event]:
        """What is left at end of file, if anything, as one last event."""
        rest = bytes(self._rest)
        self._rest.clear()
        if rest.strip():
            yield self._checked(rest)


def ended(event: Event) -> Event:
    """The last event of a stream with the blank line that it may lack: without it,
    whoever it is relayed to would throw it away."""
    end = b"\n" if event.raw.endswith(b"\n") else b"\n\n"
    return event._replace(raw=event.raw + end)


def _is_crlf_line(data: bytes) -> bool:
    """Whether it is one event of one data line with CRLF ends, as Google's are."""
    return (
        data.startswith(b"data: ")
        and data.endswith(b"\r\n\r\n")
        and data.find(b"\r") == len(data) - 4
        and data.find(b"\n") == len(data) - 3
    )


def _event(raw: bytes) -> Event:
    if raw.startswith(b"data: "):
        line = raw[6:].rstrip(b"\r\n")
        if b"\n" not in line and b"\r" not in line:
            return Event(raw, line, b"")
    if raw.startswith(b"event: ") and raw.count(b"\n") == 3 and b"\r" not in raw:
        end = raw.index(b"\n")
        if raw.startswith(b"\ndata: ", end) and raw.endswith(b"\n\n"):
            return Event(raw, raw[end + 7 : -2], raw[7:end])
    data: list[bytes] = []
    name = b""
    for line in _LINE.split(raw):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(raw, b"\n".join(data), name)


def one_line(json: bytes) -> bytes:
    """JSON without line ends, which in it are nothing but space between its tokens.

    What is carried as it was written (arguments of a tool, say) may be indented; the
    reader of an event would take its second line for another field.
    """
    if b"\n" in json or b"\r" in json:
        return json.replace(b"\n", b" ").replace(b"\r", b" ")
    return json


def write(data: bytes, name: bytes = b"") -> bytes:
    """One event of JSON."""
    data = one_line(data)
    if name:
        return b"event: %b\ndata: %b\n\n" % (name, data)
    return b"data: %b\n\n" % data
