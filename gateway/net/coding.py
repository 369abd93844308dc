"""Content codings taken off, a piece at a time, and bombs defused.

What comes out is bounded against what came in, and in all. Brotli and Zstandard are
not in the standard library of every Python we run on: we never ask for them.
"""

import zlib
from collections.abc import Iterator
from typing import Final

PIECE: Final = 64 * 1024
"""Most bytes that come out at once."""
FREE: Final = 1024 * 1024
"""Bytes that may come out whatever the ratio."""
RATIO: Final = 200
"""Bytes that may come out for each that came in, beyond those."""
MEMBERS: Final = 100


class BadCoding(ValueError):
    """Unknown, broken, or too good to be true."""


class Inflater:
    """Takes gzip or deflate off one body."""

    def __init__(self, coding: bytes, cap: int) -> None:
        """`cap`: bytes that may come out in all.

        Raises:
            BadCoding: not one of ours, or several on top of each other.
        """
        word = coding.strip().lower()
        if word not in (b"gzip", b"x-gzip", b"deflate"):
            raise BadCoding(f"content-encoding {coding[:40]!r} was not asked for")
        self._gzip = word != b"deflate"
        self._engine = zlib.decompressobj(31) if self._gzip else None
        self._cap = cap
        self._held = b""
        self._members = 0
        self._in = 0
        self._out = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces as they come out.

        Raises:
            BadCoding: the data is broken, or more comes out of it than may.
        """
        self._in += len(data)
        if self._engine is None:
            data = self._held + data
            if len(data) < 2:
                self._held = data
                return
            # RFC 9110 says zlib format, some servers send bare deflate.
            zlib_format = (
                data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            )
            self._engine = zlib.decompressobj(15 if zlib_format else -15)
        while data:
            if self._engine.eof:
                self._next_member()
            try:
                piece = self._engine.decompress(data, PIECE)
            except zlib.error as error:
                raise BadCoding(f"broken content-encoding: {error}") from None
            data = self._engine.unconsumed_tail or self._engine.unused_data
            self._out += len(piece)
            if self._out > self._cap:
                raise BadCoding(f"more than {self._cap} bytes after decoding")
            if self._out > FREE and self._out > RATIO * self._in:
                raise BadCoding("the content is compressed beyond belief")
            if piece:
                yield piece

    def close(self) -> None:
        """Raises `BadCoding` when the end is missing."""
        if self._engine is None:
            missing = bool(self._held)
        else:
            missing = not self._engine.eof and self._in > 0
        if missing:
            raise BadCoding("the end of the compressed content is missing")

    def _next_member(self) -> None:
        self._members += 1
        if not self._gzip or self._members >= MEMBERS:
            raise BadCoding("data after the end of the compressed content")
        self._engine = zlib.decompressobj(31)
