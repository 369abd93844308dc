"""JSON lines (NDJSON): bytes in any cut -> lines.

Source: github.com/ndjson/ndjson-spec; jsonlines.org (LF or CRLF, blank lines mean
nothing, the last line may lack its end).
"""

from collections.abc import Iterator
from typing import Final

from adapters.errors import Garbled

MAX_LINE: Final = 4 * 1024 * 1024
"""Bytes one line may take before its stream is called garbled."""


class Splitter:
    """Cuts a byte stream into lines, without their ends; blank ones are left out.

    What comes out does not depend on how the bytes were cut, and costs time in
    proportion to their number even when they come one by one.
    """

    __slots__ = ("_limit", "_pieces", "_size")

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._pieces: list[bytes] = []
        """Of a line that has no end yet."""
        self._size = 0
        self._limit = limit

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that are complete with `data`.

        Raises:
            Garbled: a line is longer than the limit.
        """
        *lines, rest = data.split(b"\n")
        for line in lines:
            yield from self._whole(line)
        if rest:
            self._pieces.append(rest)
            self._size += len(rest)
            self._check(self._size)

    def close(self) -> Iterator[bytes]:
        """What is left at end of file, if anything, as one last line."""
        yield from self._whole(b"")

    def _whole(self, end: bytes) -> Iterator[bytes]:
        line = end
        if self._pieces:
            line = b"".join((*self._pieces, end))
            self._pieces.clear()
            self._size = 0
        self._check(len(line))
        if line := line.strip():
            yield line

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise Garbled(f"a line of the stream exceeds {self._limit} bytes")
