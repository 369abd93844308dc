"""The client of families that answer by themselves: no network behind it."""

from collections.abc import Iterator
from typing import Protocol

from adapters.contract import Headers, WireRequest, WireResponse
from adapters.echo import family as echo
from gateway.net.client import Limits
from gateway.net.upload import Upload


class Answer(Protocol):
    """A streamed answer, as far as whoever reads it must know."""

    status: int
    headers: Headers

    async def read(self) -> bytes:
        """All bytes at hand; empty at the end of the answer and only then."""
        ...

    def unspoken(self) -> None:
        """What was read so far says nothing: the first token is still waited for."""
        ...

    async def body(self, cap: int | None = None) -> bytes:
        """All the rest."""
        ...

    def close(self) -> None:
        """Give the connection back, or cut it when the answer is not over."""
        ...


class Asker(Protocol):
    """Who can be asked: the pooled client, or this loopback."""

    async def ask(
        self, wire: WireRequest, limits: Limits, deadline: float, extra: Headers = ()
    ) -> WireResponse: ...

    async def open(
        self,
        wire: WireRequest,
        limits: Limits,
        deadline: float,
        extra: Headers = (),
        upload: Upload | None = None,
    ) -> Answer: ...


class Loopback:
    """Asks the echo family in this process."""

    async def ask(
        self,
        wire: WireRequest,
        limits: Limits,
        deadline: float,
        extra: Headers = (),
    ) -> WireResponse:
        return echo.respond(wire)

    async def open(
        self,
        wire: WireRequest,
        limits: Limits,
        deadline: float,
        extra: Headers = (),
        upload: Upload | None = None,
    ) -> Answer:
        if echo.streams(wire):
            return _Pieces(b"text/event-stream", echo.stream(wire))
        return _Pieces(b"application/json", iter((echo.respond(wire).body,)))


class _Pieces:
    """An iterator of pieces as a streamed answer."""

    def __init__(self, kind: bytes, pieces: Iterator[bytes]) -> None:
        self.status = 200
        self.headers: Headers = ((b"content-type", kind),)
        self._pieces = pieces

    async def read(self) -> bytes:
        return next(self._pieces, b"")

    def unspoken(self) -> None:
        """Nobody waits here."""

    async def body(self, cap: int | None = None) -> bytes:
        return b"".join(self._pieces)[:cap]

    def close(self) -> None:
        self._pieces = iter(())
