"""Compressed request bodies: gzip and deflate, unpacked within limits.

Knows nothing of ASGI but one wrapper at the foot, which both servers put around the
application's `receive`.
"""

import asyncio
import zlib
from collections.abc import Callable
from typing import Final

from starlette.types import Message, Receive

from gateway.net.http1.head import unsupported
from gateway.net.http1.refusal import Refused, too_large

STEP: Final = 256 * 1024
"""Bytes unpacked in one go, about a millisecond's work."""


class Inflate:
    """Unpacks one body, fed in any pieces.

    Caps what comes out at `cap` bytes and at `ratio` times what went in; the ratio is
    judged at the end, as how far the output runs ahead depends on where it was cut.
    """

    def __init__(self, encoding: bytes, cap: int, ratio: int) -> None:
        """Raises: Refused, for an encoding that is none of ours."""
        if encoding not in (b"gzip", b"x-gzip", b"deflate"):
            raise unsupported()
        self._gzip = encoding != b"deflate"
        self._cap = cap
        self._ratio = ratio
        self._zlib: zlib._Decompress | None = None
        self._waiting = b""
        self._in = 0
        self._out = 0

    def feed(self, data: bytes) -> None:
        self._in += len(data)
        self._waiting += data

    def read(self) -> bytes:
        """Up to STEP bytes; empty when more must be fed, or at the end.

        Raises: Refused, for a corrupt body or one that grows beyond the caps.
        """
        if self._zlib is None:
            if len(self._waiting) < 2:
                return b""
            self._zlib = zlib.decompressobj(self._window())
        if self._zlib.eof:
            if self._waiting:
                raise corrupt()
            return b""
        try:
            out = self._zlib.decompress(self._waiting, STEP)
        except zlib.error as error:
            raise corrupt() from error
        self._waiting = self._zlib.unconsumed_tail or self._zlib.unused_data
        self._out += len(out)
        if self._out > self._cap:
            raise too_large(self._cap)
        return out

    def finish(self) -> None:
        """The body has ended. Raises: Refused."""
        if self._zlib is None:
            if self._in:
                raise corrupt()
        elif not self._zlib.eof or self._waiting:
            raise corrupt()
        elif self._out > self._in * self._ratio:
            raise too_large(self._in * self._ratio)

    def _window(self) -> int:
        """Of the format; some clients send raw deflate under the name of zlib's."""
        if self._gzip:
            return 16 + zlib.MAX_WBITS
        first, second = self._waiting[:2]
        if first & 0x0F == 8 and (first << 8 | second) % 31 == 0:
            return zlib.MAX_WBITS
        return -zlib.MAX_WBITS


def corrupt() -> Refused:
    """For bytes that do not unpack, or not to their end."""
    message = "the body is not what its content-encoding says"
    return Refused(400, "corrupt_body", message)


class Unpacked:
    """An ASGI `receive` that gives the body unpacked."""

    def __init__(
        self, receive: Receive, inflate: Inflate, refuse: Callable[[Refused], None]
    ) -> None:
        """`refuse` answers the client; the application sees a disconnect."""
        self._receive = receive
        self._inflate = inflate
        self._refuse = refuse
        self._more = True
        self._over = False

    async def __call__(self) -> Message:
        if self._over:
            return await self._receive()
        try:
            return await self._next()
        except Refused as refused:
            self._over = True
            self._refuse(refused)
            return {"type": "http.disconnect"}

    async def _next(self) -> Message:
        while True:
            out = self._inflate.read()
            if len(out) == STEP:
                await asyncio.sleep(0)
                return {"type": "http.request", "body": out, "more_body": True}
            if not self._more:
                self._inflate.finish()
                self._over = True
                return {"type": "http.request", "body": out, "more_body": False}
            if out:
                return {"type": "http.request", "body": out, "more_body": True}
            message = await self._receive()
            if message["type"] != "http.request":
                self._over = True
                return message
            self._inflate.feed(message.get("body", b""))
            self._more = message.get("more_body", False)
