"""Heads that were read before.

A client that keeps its connection sends the same head again and again; but for its
content-length, mostly to the byte. What those bytes say was worked out the first time.
"""

from collections.abc import Container
from typing import Final

from gateway.config.schema import Server
from gateway.net.http1.head import Head, parse_head, without

MAX_KEPT: Final = 1024
MAX_BYTES: Final = 4096
"""Longer heads are not kept."""
_LENGTH: Final = b"ontent-length: "
_LINE_END: Final = ord("\n")


class Heads:
    """Reads heads; keeps those of the `direct` endpoints, for any connection.

    A head that is kept is shared: nobody changes it, but for its `length`, which is
    that of the block read last. Its headers are without the content-length.
    """

    def __init__(self, settings: Server, direct: Container[tuple[str, str]]) -> None:
        self._settings = settings
        self._direct = direct
        self._kept: dict[bytes, Head] = {}

    def read(self, block: bytes) -> Head:
        """The head in `block`, to its first empty line. Raises: Refused."""
        at = block.find(_LENGTH) + len(_LENGTH)
        end = block.find(b"\r", at)
        digits = block[at:end]
        if (
            at < len(_LENGTH)
            or block[at - len(_LENGTH) - 2] != _LINE_END
            or not digits.isdigit()
            or len(digits) > 9
        ):
            return parse_head(block, self._settings)
        key = block[:at] + block[end:]
        head = self._kept.get(key)
        if head is not None:
            head.length = int(digits)
            return head
        head = parse_head(block, self._settings)
        if len(key) <= MAX_BYTES and self._is_plain(head):
            head.headers = without(head.headers, b"content-length")
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = head
        return head

    def _is_plain(self, head: Head) -> bool:
        return (
            (head.method, head.path) in self._direct
            and head.minor == 1
            and not (head.expects or head.encoding or head.upgrade)
        )
