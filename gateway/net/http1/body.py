"""Request bodies off the wire: with a length, or chunked and then read strictly.

Source: RFC 9112 sections 6 and 7.1. Chunk extensions and trailers are read and
dropped.
"""

import re
from typing import Final

from gateway.config.schema import Server
from gateway.net.http1.head import Head, oversized
from gateway.net.http1.refusal import malformed, too_large

SLOWEST: Final = 512
"""Bytes a second: a body that drips slower has `body_timeout_s` in all."""

_SIZE, _DATA, _AFTER, _TRAILER, _OVER = range(5)

_MAX_LINE: Final = 256
"""Of a size line with its extensions, in bytes."""

_size: Final = re.compile(
    rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n"
).fullmatch
_trailer: Final = re.compile(
    rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n"
).fullmatch


class Body:
    """One body, fed in any pieces."""

    __slots__ = ("_cap", "_chunks", "_left", "over", "received")

    def __init__(self, head: Head, settings: Server) -> None:
        """Raises: Refused, when its length is more than is taken."""
        self._cap = settings.max_body_bytes
        if head.length > self._cap:
            raise too_large(self._cap)
        self._chunks = (
            Chunks(settings.max_header_bytes, self._cap) if head.chunked else None
        )
        self._left = head.length
        self.over = not (head.length or head.chunked)
        """It is whole."""
        self.received = 0

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The pieces of the body in `data`, and what follows the body's end.

        Raises: Refused.
        """
        rest = b""
        if self._chunks is None:
            if len(data) > self._left:
                data, rest = data[: self._left], data[self._left :]
            self._left -= len(data)
            self.received += len(data)
            self.over = not self._left
            return [data], rest
        pieces, rest = self._chunks.feed(data)
        self.received += sum(map(len, pieces))
        self.over = self._chunks.over
        return pieces, rest


class Chunks:
    """Decodes the chunked coding, fed in any pieces."""

    __slots__ = (
        "_cap",
        "_left",
        "_line",
        "_overhead",
        "_phase",
        "_spare",
        "_total",
        "_trailing",
    )

    def __init__(self, spare: int, cap: int) -> None:
        self._cap = cap
        """Bytes of the body."""
        self._spare = spare
        """Bytes of trailers, and of framing beyond measure, borne with."""
        self._phase = _SIZE
        self._line = bytearray()
        self._left = self._total = 0
        self._trailing = 0
        self._overhead = 0

    @property
    def over(self) -> bool:
        return self._phase == _OVER

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The pieces of the body in `data`, and what follows the body's end.

        Raises: Refused, when it is not chunked coding, or too much.
        """
        pieces: list[bytes] = []
        at = 0
        while at < len(data) and self._phase != _OVER:
            if self._phase == _DATA:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._phase = _AFTER
                continue
            at, line = self._read_line(data, at)
            if line is not None:
                self._take(line)
        return pieces, data[at:]

    def _read_line(self, data: bytes, at: int) -> tuple[int, bytes | None]:
        """Where the line ends, and the line when it has ended."""
        cap = {_SIZE: _MAX_LINE, _AFTER: 2}.get(self._phase, self._spare)
        end = data.find(b"\n", at, at + cap + 1)
        stop = end + 1 if end >= 0 else len(data)
        if len(self._line) + stop - at > cap:
            raise malformed("a line of the chunked body is too long")
        self._line += data[at:stop]
        if end < 0:
            return stop, None
        line = bytes(self._line)
        self._line.clear()
        return stop, line

    def _take(self, line: bytes) -> None:
        if self._phase == _AFTER:
            if line != b"\r\n":
                raise malformed("a chunk is longer than its size")
            self._phase = _SIZE
        elif self._phase == _SIZE:
            match = _size(line)
            if match is None:
                raise malformed("a chunk's size is malformed")
            self._left = int(match[1], 16)
            self._phase = _DATA if self._left else _TRAILER
            self._total += self._left
            if self._total > self._cap:
                raise too_large(self._cap)
            # Many small chunks cost us more than their sender.
            self._overhead = max(0, self._overhead + len(line) - 16 - 2 * self._left)
            if self._overhead > self._spare:
                raise malformed("the chunked body is mostly framing")
        elif line == b"\r\n":
            self._phase = _OVER
        else:
            self._trailing += len(line)
            if self._trailing > self._spare:
                raise oversized("too large trailers")
            if _trailer(line) is None:
                raise malformed("a trailer is malformed")
