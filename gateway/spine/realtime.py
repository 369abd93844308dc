"""A realtime session: found, connected, and relayed until either side ends it."""

import asyncio
import time
from typing import Final, Literal, NamedTuple, Protocol

from adapters.contract import Headers, Target, WireHead, WireRequest
from adapters.errors import Unreachable, UpstreamError
from adapters.realtime import Tally, address
from adapters.signing import auth_headers
from adapters.signing import headers as merged
from gateway.config.stateful import Realtime
from gateway.credentials.signing import REFUSED
from gateway.deployments import Alias, Deployment
from gateway.errors import Refused
from gateway.net.client import Client
from gateway.net.websocket import LOST, NORMAL, TOO_BIG, Closed, Rejected, Socket
from gateway.spine.book import Try
from gateway.spine.exchange import Exchange
from gateway.spine.tries import none_left
from gateway.spine.way import Way
from gateway.spine.wishes import bound
from gateway.telemetry.context import Propagation
from routing.types import NO_WISHES, Query

OPERATION: Final = "realtime"
GOING_AWAY: Final = 1001
FAILED: Final = 1011
MAX_REASON: Final = 120
"""Bytes of a close frame's reason."""
_ERROR_WITHIN: Final = 200
"""Characters of a message within which an error event shows that it is one."""


class Asked(NamedTuple):
    """What a client wants of a session's provider, besides the model."""

    headers: Headers = ()
    query: str = ""
    protocols: tuple[str, ...] = ()
    credential: str = ""
    """In place of the deployment's own: one that the provider made for this session."""
    deployment: str = ""
    """The only one that may be asked."""


class End(Protocol):
    """The client's end of a session."""

    async def receive(self) -> str | bytes | Closed: ...

    async def send(self, message: str | bytes) -> None:
        """Waits while the client does not read."""
        ...

    async def close(self, code: int, reason: str) -> None: ...


class Found(NamedTuple):
    """A session that a provider has opened."""

    socket: Socket
    book: Try


class Sessions:
    """Opens sessions with providers."""

    def __init__(
        self, client: Client, way: Way, propagation: Propagation, settings: Realtime
    ) -> None:
        self.settings = settings
        self._client = client
        self._way = way
        self._propagation = propagation

    async def open(self, exchange: Exchange, alias: Alias, asked: Asked) -> Found:
        """A session with the first deployment that opens one, best first.

        Raises:
            UpstreamError, Refused: none did.
        """
        told: UpstreamError | None = None
        line = self.plan(exchange, alias)
        if asked.deployment:
            line = [each for each in line if each.id == asked.deployment]
        for deployment in line[: alias.retries.attempts]:
            book = Try(exchange, deployment, self._propagation.span_id())
            try:
                socket = await self._connect(exchange, deployment, book, asked)
            except asyncio.CancelledError:
                book.cancelled()
                raise
            except UpstreamError as error:
                book.failed(error)
                told = told or error
                if self._way.penalise(exchange, alias, book, error).fallback != "any":
                    raise
            else:
                book.heard(streamed=True)
                exchange.served_by, exchange.serving = deployment, alias
                exchange.tries = len(exchange.attempts) + 1
                exchange.first_token = book.first_token
                return Found(socket, book)
        raise told or Refused(
            503,
            "server_error",
            "the deployment that this session was made for is not available now",
            code="no_deployment_available",
        )

    def plan(self, exchange: Exchange, alias: Alias) -> list[Deployment]:
        """Who may open a session, best first; never nobody.

        Raises:
            Refused: there is no one.
        """
        now = time.monotonic()
        principal = exchange.principal
        query = Query(
            alias=alias.name,
            operation=OPERATION,
            stream=True,
            id=exchange.id,
            key=principal.id if principal is not None else "",
            wishes=bound(NO_WISHES, alias.model.require),
            may=principal.providers if principal is not None else None,
        )
        planned = alias.plan(query, now)
        exchange.alias, exchange.plan = alias, planned
        if not planned.order:
            raise none_left(alias, planned, now)
        return [alias.deployment(step.candidate) for step in planned.order]

    async def _connect(
        self, exchange: Exchange, deployment: Deployment, book: Try, asked: Asked
    ) -> Socket:
        target = deployment.target
        url = address(target, asked.query)
        wire = WireRequest(WireHead("GET", url, _headers(target, asked)), b"")
        extra: Headers = ()
        trace = exchange.trace
        if trace.sampled or trace.parent_id:
            extra = self._propagation.outgoing(trace, book.span_id)
        signer = None if asked.credential else deployment.signer
        again = True
        while True:
            signed = wire if signer is None else await signer.sign(wire)
            try:
                return await self._client.socket(
                    signed.head.url,
                    (*signed.head.headers, *signed.headers, *extra),
                    asked.protocols,
                    deployment.limits.connect_s,
                    self.settings.message_bytes,
                )
            except Rejected as rejected:
                said = rejected.response
            if not again or signer is None or said.status not in REFUSED:
                raise deployment.upstream.parse_error(said)
            if not signer.refused(signed, said.status, said.headers):
                raise deployment.upstream.parse_error(said)
            again = False


def _headers(target: Target, asked: Asked) -> Headers:
    own = auth_headers(target)
    if asked.credential:
        own = ((b"authorization", b"Bearer " + asked.credential.encode()),)
    return merged(asked.headers, target.headers, own)


Side = Literal["client", "provider", "gateway"]


class Relay:
    """One session under way."""

    def __init__(
        self, exchange: Exchange, found: Found, client: End, settings: Realtime
    ) -> None:
        self._exchange = exchange
        self._socket, self._book = found
        self._client = client
        self._settings = settings
        self._tally = Tally()
        self._last = time.monotonic()

    async def run(self) -> None:
        """Hand messages on, both ways and as they are, until either side ends it or a
        limit runs out; then end the other side and close the book."""
        side: Side
        try:
            side, closed = await self._until_closed()
        except BaseException:
            self._socket.abort()
            self._keep_books()
            self._book.cancelled()
            raise
        self._keep_books()
        if side == "provider":
            reason = self._book.deployment.redactor.text(closed.reason)
            await self._client.close(sendable(closed.code), short(reason))
        elif side == "client":
            await self._socket.close(NORMAL)
        else:
            await self._client.close(closed.code, closed.reason)
            await self._socket.close(NORMAL)
        self._socket.abort()
        if side == "provider" and closed.code == LOST:
            error = Unreachable("the provider's connection broke", code="reset")
            self._exchange.error = error
            self._book.failed(error)
            return
        # A client that leaves is how sessions end; Hypercorn does not tell how.
        self._book.served(billed=self._tally.usage is not None)

    def _keep_books(self) -> None:
        book, exchange = self._book, self._exchange
        book.usage = exchange.usage = self._tally.usage
        exchange.served_model = book.deployment.target.model

    async def _until_closed(self) -> tuple[Side, Closed]:
        settings = self._settings
        ends = time.monotonic() + settings.session_s
        up = asyncio.create_task(self._up())
        down = asyncio.create_task(self._down())
        try:
            while True:
                now = time.monotonic()
                idle_ends = self._last + settings.idle_s
                if now >= ends:
                    return "gateway", Closed(GOING_AWAY, "the session's time is over")
                if now >= idle_ends:
                    return "gateway", Closed(GOING_AWAY, "nothing was said for long")
                await asyncio.wait(
                    (up, down),
                    timeout=min(ends, idle_ends) - now,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if down.done():
                    return down.result()
                if up.done():
                    return up.result()
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _up(self) -> tuple[Side, Closed]:
        most = self._settings.message_bytes
        while True:
            message = await self._client.receive()
            if isinstance(message, Closed):
                return "client", message
            self._last = time.monotonic()
            if len(message) > most:
                return "gateway", Closed(
                    TOO_BIG, f"a message of more than {most} bytes"
                )
            await self._socket.send(message)

    async def _down(self) -> tuple[Side, Closed]:
        exchange = self._exchange
        while True:
            message = await self._socket.receive()
            if isinstance(message, Closed):
                return "provider", message
            self._last = time.monotonic()
            self._tally.hear(message)
            if isinstance(message, str) and '"error"' in message[:_ERROR_WITHIN]:
                message = self._book.deployment.redactor.text(message)
            exchange.chunks += 1
            exchange.response_bytes += len(message)
            await self._client.send(message)


def sendable(code: int) -> int:
    """A close code that may stand in a frame (RFC 6455 section 7.4)."""
    if code in {1005, 1015} or code < NORMAL:
        return NORMAL
    if code in {1004, LOST} or code > 4999:
        return FAILED
    return code


def short(reason: str) -> str:
    """As much of a reason as a close frame holds."""
    return reason.encode()[:MAX_REASON].decode("utf-8", "ignore")
