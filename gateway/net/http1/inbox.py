"""Bytes that wait: the beginning of a head, or requests sent ahead."""

import re
from typing import Final

from gateway.net.http1.head import oversized
from gateway.net.http1.refusal import malformed

_never: Final = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n|\Z)"
).search
"""What no head may hold: its end need not be waited for."""

_blank: Final = re.compile(rb"(?:\r\n)*+").match


class Inbox:
    """Finds where heads end, at the same cost however they are cut."""

    __slots__ = ("_scanned", "held")

    def __init__(self) -> None:
        self.held = bytearray()
        self._scanned = 0
        """No head ends before this index."""

    def head(self, data: bytes, cap: int) -> tuple[bytes, bytes] | None:
        """The next head with its empty line, and what follows it of `data` when
        nothing was held; otherwise that stays held.

        Raises: Refused, when what came can be no head of at most `cap` bytes.
        """
        held = self.held
        block: bytes | bytearray = data
        if held:
            held += data
            block = held
        if block and block[0] == 13:
            block = self._skip_blank(block)
        if not block:
            return None
        end = block.find(b"\r\n\r\n", self._scanned)
        size = end + 4
        if end < 0 or size > cap:
            self._wait(block, cap)
            return None
        self._scanned = 0
        if block is not held:
            return bytes(block[:size]), bytes(block[size:])
        raw = bytes(held[:size])
        del held[:size]
        return raw, b""

    def clear(self) -> bytes:
        """All that is held, which is nothing then."""
        data = bytes(self.held)
        self.held.clear()
        self._scanned = 0
        return data

    def _skip_blank(self, block: bytes | bytearray) -> bytes | bytearray:
        """Empty lines before a request are borne with (RFC 9112 section 2.2)."""
        blank = _blank(block)
        at = blank.end() if blank else 0
        if at:
            self._scanned = 0
        if block is self.held:
            del self.held[:at]
            return self.held
        return block[at:]

    def _wait(self, block: bytes | bytearray, cap: int) -> None:
        if _never(block, max(0, self._scanned - 1), cap) is not None:
            raise malformed("the request's head is malformed")
        if len(block) > cap:
            raise oversized(f"more than {cap} bytes of headers")
        if block is not self.held:
            self.held += block
        self._scanned = max(0, len(self.held) - 3)
