"""The one place that sends requests to providers.

    client = Client(config.egress, allow_hosts=[("10.0.0.7", 8000)])
    response = await client.ask(wire, limits, deadline)

A request costs no task, lock or timer: connections are kept per origin, and one ticker
of the client looks after the limits of all that is on the way, ten times a second.
Belongs to the loop on which it is first used.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from typing import Final

import httpx
import msgspec

from adapters.contract import Headers, WireRequest, WireResponse
from adapters.errors import Timeout, Unreachable
from gateway.config.schema import Egress
from gateway.net.address import Origin
from gateway.net.connection import Connection
from gateway.net.detour import Detours
from gateway.net.dial import Dialer, Resolve, Trust, system_names
from gateway.net.guard import Guard
from gateway.net.hangup import unsent
from gateway.net.head import Heads, locate
from gateway.net.limits import Limits
from gateway.net.pool import FORGET_S, Counts, Pool
from gateway.net.reply import Reply
from gateway.net.transport import PooledTransport
from gateway.net.upload import Upload, framed, gathered, pour
from gateway.net.websocket import Socket, opened

__all__ = ["Client", "Counts", "Limits", "Reply"]

TICK_S: Final = 0.1
REST_S: Final = 1.0
"""Between ticks while nothing is on the way."""
BUFFER: Final = 64 * 1024


class Client:
    """See the module."""

    def __init__(
        self,
        settings: Egress,
        *,
        allow_hosts: Collection[tuple[str, int]] = (),
        proxies: Mapping[str, str] = {},
        resolve: Resolve = system_names,
    ) -> None:
        """`allow_hosts`: hosts and ports of configured deployments, allowed though
        private. `proxies`: origin (`https://host:port`) -> URL of the proxy that leads
        there; such requests go by stock httpx."""
        self.cap = settings.max_response_bytes
        self._settings = settings
        self._guard = Guard(settings, allow_hosts)
        self._trust = Trust(settings.ca_file)
        self._resolve = resolve
        self._heads = Heads()
        self._pools: dict[Origin, Pool] = {}
        self._sockets: set[Socket] = set()
        self.detours = Detours(settings, self._guard, proxies, resolve)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._buffer: memoryview | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._resting = False
        self._next_tick = 0.0
        self._closed = False

    async def ask(
        self, wire: WireRequest, limits: Limits, deadline: float, extra: Headers = ()
    ) -> WireResponse:
        """The whole answer, whatever its status; `deadline` in the loop's time.

        Raises:
            Timeout: code `connect`, `first_token`, `idle` or `total`.
            Unreachable: no connection, or one that broke; code `dns`, `blocked`,
                `connect`, `tls`, `closed` or `reset`.
            Garbled: the answer breaks HTTP, is too large or cannot be decoded.
            BadRequest: a header that cannot be sent.
        """
        reply = await self._send(wire, limits, deadline, extra, whole=True)
        return WireResponse(reply.status, reply.headers, await reply.read())

    async def open(
        self,
        wire: WireRequest,
        limits: Limits,
        deadline: float,
        extra: Headers = (),
        upload: Upload | None = None,
    ) -> Reply:
        """The answer as it comes; returns with its head. To be closed by the caller.
        `upload` is the body in place of the wire's; it is sent once.

        Raises: as `ask`.
        """
        return await self._send(
            wire, limits, deadline, extra, whole=False, upload=upload
        )

    async def socket(
        self,
        url: str,
        headers: Headers,
        protocols: Sequence[str],
        connect_s: float,
        max_message: int,
    ) -> Socket:
        """A WebSocket to an `http(s)` URL, its handshake done; to be closed by the
        caller. `max_message`: bytes of one message.

        Raises:
            Rejected: the provider answered, but would not.
            Timeout, Unreachable, Garbled, BadRequest: as `ask`.
        """
        origin, target = locate(url)
        if self._closed or self.detours.proxied(origin):
            why = "is closed" if self._closed else "takes no WebSocket by a proxy"
            raise Unreachable(f"the client {why}", code="connect")
        dialer = Dialer(origin, self._guard, self._trust, self._resolve)

        def shake(made: Socket) -> Awaitable[None]:
            return made.open(origin, target, headers, protocols)

        return await opened(dialer, shake, self._sockets, connect_s, max_message)

    def transport(self) -> httpx.AsyncBaseTransport:
        """These pools, limits and rules for an `httpx.AsyncClient`."""
        return PooledTransport(self)

    def counters(self) -> list[Counts]:
        """What each origin's pool has to tell. A pool that was long empty is let go,
        and begins anew at 0."""
        return [pool.counts() for pool in self._pools.values()]

    async def aclose(self) -> None:
        """Cut every connection; whoever waits for an answer gets `Unreachable`."""
        self._closed = True
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        for pool in self._pools.values():
            pool.close()
        for socket in [*self._sockets]:
            socket.abort()
        self._pools.clear()
        await self.detours.aclose()
        for _ in range(3):  # transports close their sockets a turn later
            await asyncio.sleep(0)

    async def _send(
        self,
        wire: WireRequest,
        limits: Limits,
        deadline: float,
        extra: Headers,
        *,
        whole: bool,
        upload: Upload | None = None,
    ) -> Reply:
        prepared = self._heads.find(wire.head)
        body = wire.body
        size = len(body) if upload is None else upload.size
        head = prepared.head(wire.headers, extra, size)
        if self.detours.any and self.detours.takes(prepared.origin):
            if upload is not None:
                wire = msgspec.structs.replace(wire, body=await gathered(upload))
            return await self.detours.send(wire, limits, deadline, extra, whole=whole)
        bodiless = prepared.method == "HEAD"
        return await self.exchange(
            prepared.origin,
            head,
            body,
            limits,
            deadline,
            whole=whole,
            bodiless=bodiless,
            upload=None if upload is None else framed(upload),
        )

    async def exchange(
        self,
        origin: Origin,
        head: bytes,
        body: bytes,
        limits: Limits,
        deadline: float,
        *,
        whole: bool = False,
        bodiless: bool = False,
        upload: AsyncIterator[bytes] | None = None,
    ) -> Reply:
        """Send serialized bytes and return as `ask` and `open` do; for the transport.

        `upload`: pieces that follow, framed already. Sent once more, on a new
        connection, when a kept one had been closed by the other side unheard.
        """
        loop = self._loop or self._bind()
        now = loop.time()
        if now >= deadline:
            raise Timeout("no time left to send it", code="total")
        pool = self._pools.get(origin) or self._pool(origin)
        fresh = upload is not None
        while True:
            connection = None if fresh else pool.take()
            if connection is None:
                connection = await self._acquire(pool, limits, deadline, fresh=fresh)
                now = loop.time()
            reply = Reply(
                origin.host,
                origin.port,
                self.cap,
                whole=whole,
                bodiless=bodiless,
                loop=loop,
            )
            connection.first_token_s = limits.first_token_s
            connection.idle_s = limits.idle_s
            connection.deadline = deadline
            connection.start(reply, head, body, now)
            if self._ticker is None or self._resting:
                self._wind()
            try:
                if upload is not None:
                    await pour(connection, reply, upload, limits)
                await reply.arrive()
            except Unreachable:
                if not reply.stale or fresh:
                    raise
                fresh = True
            else:
                return reply

    async def _acquire(
        self, pool: Pool, limits: Limits, deadline: float, *, fresh: bool
    ) -> Connection:
        try:
            return await pool.acquire(limits.connect_s, deadline, fresh=fresh)
        except BaseException as error:
            if pool.empty and not pool.opened:  # hosts that lead nowhere leave nothing
                self._pools.pop(pool.origin, None)
            if isinstance(error, asyncio.CancelledError):
                raise unsent() from None
            raise

    def _bind(self) -> asyncio.AbstractEventLoop:
        loop = self._loop = asyncio.get_running_loop()
        # Loops that wait for readiness fill the buffer and tell of it in one breath,
        # so one is enough for all; a completion port keeps many in use at a time.
        if sys.platform != "win32":
            self._buffer = memoryview(bytearray(BUFFER))
        return loop

    def _pool(self, origin: Origin) -> Pool:
        if self._closed:
            raise Unreachable("the client is closed", code="closed")
        dialer = Dialer(origin, self._guard, self._trust, self._resolve)
        pool = Pool(origin, dialer, self._settings.max_connections, self._read_buffer)
        self._pools[origin] = pool
        return pool

    def _read_buffer(self) -> memoryview:
        return self._buffer or memoryview(bytearray(BUFFER))

    def _wind(self) -> None:
        """Let the ticker run at its quick pace."""
        if self._ticker is not None:
            self._ticker.cancel()
        self._resting = False
        self._schedule(TICK_S)

    def _schedule(self, seconds: float) -> None:
        assert self._loop is not None
        self._next_tick = self._loop.time() + seconds
        self._ticker = self._loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        if now - self._next_tick > 5 * TICK_S:
            # The loop was held up: let it read what has come before judging silence.
            self._schedule(TICK_S / 10)
            return
        busy = False
        for origin, pool in [*self._pools.items()]:
            pool.sweep(now)
            busy = busy or bool(pool.busy)
            if pool.empty and now - pool.emptied_at > FORGET_S:
                del self._pools[origin]
        if not busy and all(pool.empty for pool in self._pools.values()):
            self._ticker = None
            return
        self._resting = not busy
        self._schedule(TICK_S if busy else REST_S)
