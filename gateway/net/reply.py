"""One answer, from the first byte on the wire to whoever reads it.

The connection (or any other `Source`) feeds it, synchronously; one task reads it. A
reply that wants the whole answer wakes its task once.
"""

import asyncio
from enum import IntEnum
from typing import Final, Protocol

from adapters.contract import Headers
from adapters.errors import Garbled, Unreachable, UpstreamError
from gateway.net.coding import BadCoding, Inflater

HIGH_WATER: Final = 64 * 1024
"""Bytes of a stream that wait for their reader before the sender is made to wait."""
_IDENTITY: Final = (b"", b"identity")


class Source(Protocol):
    """Where the bytes come from."""

    def cut(self) -> None:
        """End it; nothing more is fed. May be called at any time, more than once."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class _Want(IntEnum):
    """What the reading task waits for."""

    end = 0
    head = 1
    data = 2


class Reply:
    """A streamed answer. Whoever got it closes it, however it ended."""

    __slots__ = (
        "_cap",
        "_chunks",
        "_inflater",
        "_limit",
        "_loop",
        "_size",
        "_truncate",
        "_waiter",
        "_want",
        "begun",
        "bodiless",
        "done",
        "error",
        "headed",
        "headers",
        "host",
        "paused",
        "port",
        "source",
        "stale",
        "status",
    )

    def __init__(
        self,
        host: str,
        port: int,
        cap: int,
        *,
        whole: bool = False,
        bodiless: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`cap`: bytes of a body that is read whole, and of what a compressed stream
        may come to; `bodiless`: the answer to a HEAD; `loop`: the running one, where
        it is at hand (to ask costs a system call before Python 3.12)."""
        self.status = 0
        self.headers: Headers = ()
        self.host = host
        self.port = port
        self.source: Source | None = None
        self.headed = False
        """The head is there."""
        self.begun = False
        """The body has begun, as far as its reader knows: see `unspoken`."""
        self.done = False
        """Nothing more will come."""
        self.error: UpstreamError | None = None
        """Why it ended, when it did not end well."""
        self.stale = False
        """It failed because a kept connection had been closed, unheard."""
        self.paused = False
        self.bodiless = bodiless
        self._loop = loop or asyncio.get_running_loop()
        self._cap = cap
        self._limit = cap if whole else HIGH_WATER
        self._want = _Want.end if whole else _Want.head
        self._truncate = False
        self._chunks: list[bytes] = []
        self._size = 0
        self._inflater: Inflater | None = None
        self._waiter: asyncio.Future[None] | None = None

    # the reader's side

    async def read(self) -> bytes:
        """All bytes at hand, decoded; empty at the end of the answer and only then.

        Raises:
            Timeout, Unreachable, Garbled: after what had come before.
        """
        while not self._chunks:
            if self.done:
                if self.error is not None:
                    raise self.error
                return b""
            self._want = _Want.data
            await self._wait()
        return self._take()

    def unspoken(self) -> None:
        """What was read so far says nothing (comments, an empty opening): the limit
        of the first token still runs, and not yet that of silence."""
        self.begun = False

    async def body(self, cap: int | None = None) -> bytes:
        """All the rest. With a `cap`, the first so many bytes: what is beyond is cut
        off, and the connection with it. Without, at most `egress.max_response_bytes`.

        Raises:
            Timeout, Unreachable, Garbled: among others for a body that is too large.
        """
        self._want = _Want.end
        self._truncate = cap is not None
        self._limit = self._cap if cap is None else cap
        if self._size > self._limit and (not self.done or self._truncate):
            self._brim()
        elif self.paused:
            self._resume()
        await self.arrive()
        data = self._take()
        return data if cap is None else data[:cap]

    async def arrive(self) -> None:
        """Return when the head is there, or for a whole answer the end.

        Raises:
            Timeout, Unreachable, Garbled: it did not come to that.
        """
        while not self.done and (self._want is _Want.end or not self.headed):
            await self._wait()
        if self.error is not None and (self._want is _Want.end or not self.headed):
            raise self.error

    def close(self) -> None:
        """Let go of it: a connection whose answer is not over is cut."""
        if not self.done:
            self.fail(Unreachable("the answer was let go before its end"))
        self._chunks.clear()
        self._size = 0

    def waits_for_reader(self) -> bool:
        """Whether bytes lie here that nobody fetched: a silence of our own making."""
        return self.paused or (self._want is not _Want.end and bool(self._chunks))

    def _take(self) -> bytes:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self.paused:
            self._resume()
        return data

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise

    def _resume(self) -> None:
        self.paused = False
        if self.source is not None:
            self.source.resume()

    # the source's side

    def begin(self, status: int, headers: Headers, coding: bytes | None) -> None:
        """The head. Raises `BadCoding` for a coding we cannot take off."""
        self.status = status
        if coding is not None and coding.strip().lower() not in _IDENTITY:
            if not self.bodiless:
                self._inflater = Inflater(coding, self._cap)
            gone = (b"content-encoding", b"content-length")
            headers = tuple(pair for pair in headers if pair[0] not in gone)
        self.headers = headers
        self.headed = True

    def feed(self, data: bytes) -> None:
        """Bytes of the body, as they come off the wire."""
        if self.done:
            return
        self.begun = True
        if self._inflater is None:
            self._keep(data)
            return
        try:
            for piece in self._inflater.feed(data):
                if self._keep(piece):
                    return
        except BadCoding as error:
            self.fail(Garbled(str(error)))

    def finish(self) -> None:
        """The end, as it should be."""
        if self.done:
            return
        if self._inflater is not None:
            try:
                self._inflater.close()
            except BadCoding as error:
                self.fail(Garbled(str(error)))
                return
        self.done = True
        self.source = None

    def fail(self, error: UpstreamError) -> None:
        """The end, as it should not be; cuts the source."""
        if self.done:
            return
        self.done = True
        self.error = error
        if self._want is _Want.end:
            # Nobody will read half an answer, and the error's traceback keeps us.
            self._chunks.clear()
            self._size = 0
        source, self.source = self.source, None
        if source is not None:
            source.cut()
        self.settle()

    def settle(self) -> None:
        """Wake the reading task when there is what it waits for."""
        waiter = self._waiter
        if waiter is not None and (
            self.done
            or (self._want is _Want.data and self._chunks)
            or (self._want is _Want.head and self.headed)
        ):
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _keep(self, data: bytes) -> bool:
        """Whether that was one too many."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self._brim()
        return self.done

    def _brim(self) -> None:
        if self._want is not _Want.end:
            if not self.paused and self.source is not None:
                self.paused = True
                self.source.pause()
        elif self._truncate:
            self.done = True
            self.error = None
            source, self.source = self.source, None
            if source is not None:
                source.cut()
        else:
            self.fail(Garbled(f"the body is larger than {self._limit} bytes"))
