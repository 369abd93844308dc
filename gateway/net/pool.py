"""The connections to one origin: the last one used is the next one taken.

Taking an idle connection is a call, not a wait. Only when one has to be opened, or
when there are too many, does the caller wait: first come, first served.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from adapters.errors import Timeout, Unreachable
from gateway.net.address import Origin
from gateway.net.connection import Connection
from gateway.net.dial import Dialer

FORGET_S: Final = 600.0
"""After so long without a connection, an origin's pool is let go."""


class Counts(msgspec.Struct, frozen=True):
    """What a pool has to tell."""

    origin: Origin
    opened: int
    """Connections, since the pool exists."""
    reused: int
    """Requests that went out on a connection used before."""
    in_use: int
    idle: int
    waiting: int


class Pool:
    """Connections of one origin. Implements the connections' `Keeper`."""

    def __init__(
        self,
        origin: Origin,
        dialer: Dialer,
        most: int,
        buffer: Callable[[], memoryview],
    ) -> None:
        """`most`: connections at a time; `buffer` gives a connection what it reads
        into."""
        self.origin = origin
        self.busy: set[Connection] = set()
        self.opened = 0
        self.reused = 0
        self.emptied_at = 0.0
        self._idle: dict[Connection, None] = {}
        self._opening = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._dialer = dialer
        self._most = most
        self._buffer = buffer
        self._time = asyncio.get_running_loop().time
        self._closed = False

    def counts(self) -> Counts:
        return Counts(
            self.origin,
            self.opened,
            self.reused,
            len(self.busy),
            len(self._idle),
            sum(not each.done() for each in self._waiters),
        )

    @property
    def empty(self) -> bool:
        return not (self.busy or self._idle or self._opening or self._waiters)

    def take(self) -> Connection | None:
        """An idle connection, the last one used; now the caller's."""
        idle = self._idle
        while idle:
            connection, _ = idle.popitem()
            if connection.alive:
                self.busy.add(connection)
                self.reused += 1
                return connection
        return None

    async def acquire(
        self, connect_s: float, deadline: float, *, fresh: bool = False
    ) -> Connection:
        """A connection, opened now or given back by somebody; now the caller's.

        `fresh`: rather not one that lay idle.

        Raises:
            Timeout: code `connect` or `total`; type `pool` when it was for want of a
                free place.
            Unreachable: as the dialer says.
        """
        until = min(deadline, self._time() + connect_s)
        queued = False
        try:
            async with asyncio.timeout_at(until):
                if fresh and self._size() >= self._most and self._idle:
                    next(iter(self._idle)).cut()
                if self._size() < self._most:
                    self._opening += 1
                else:
                    queued = True
                    connection = await self._queue()
                    if connection is not None:
                        return connection
                    queued = False
                return await self._open()
        except TimeoutError:
            raise Timeout(
                f"no connection to {self.origin.host} in time",
                code="total" if until == deadline and not queued else "connect",
                type_="pool" if queued else None,
            ) from None

    def give_back(self, connection: Connection) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self.reused += 1
                waiter.set_result(connection)  # it stays among the busy ones
                return
        self.busy.discard(connection)
        connection.expires = self._time() + connection.keep_s
        self._idle[connection] = None

    def forget(self, connection: Connection) -> None:
        if connection in self.busy:
            self.busy.discard(connection)
        elif connection in self._idle:
            del self._idle[connection]
        else:
            return
        self._free()

    def sweep(self, now: float) -> None:
        """Enforce the limits of what is on the way, and close what lies too long."""
        for connection in [*self.busy]:
            connection.check(now)
        for connection in [each for each in self._idle if each.expires <= now]:
            connection.cut()
        if not self.empty:
            self.emptied_at = now

    def close(self) -> None:
        """Cut everything."""
        self._closed = True
        while self._waiters:
            self._free_for(self._waiters.popleft())
        for connection in [*self._idle, *self.busy]:
            reply = connection.reply
            if reply is not None:
                reply.close()
            connection.cut()

    def _size(self) -> int:
        return len(self.busy) + len(self._idle) + self._opening

    async def _open(self) -> Connection:
        """The place is already counted in `_opening`."""
        if self._closed:
            self._opening -= 1
            raise Unreachable("the client is closed", code="closed")
        try:
            connection = await self._dialer.dial(self._make)
        except BaseException:
            self._opening -= 1
            self._free()
            raise
        self._opening -= 1
        self.opened += 1
        self.busy.add(connection)
        if self._closed or not connection.alive:
            connection.cut()
            raise Unreachable(f"{self.origin.host} hung up at once", code="closed")
        return connection

    def _make(self) -> Connection:
        return Connection(self, self._buffer())

    async def _queue(self) -> Connection | None:
        """A connection, or `None`: there is a place, counted in `_opening`."""
        while True:
            waiter: asyncio.Future[Connection | None]
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                connection = await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._decline(waiter.result())
                else:
                    with suppress(ValueError):  # passed over, in the meantime
                        self._waiters.remove(waiter)
                raise
            if connection is None or connection.alive:
                return connection

    def _decline(self, connection: Connection | None) -> None:
        """What was given to a waiter that is gone."""
        if connection is None:
            self._opening -= 1
            self._free()
        elif connection.alive:
            self.give_back(connection)

    def _free(self) -> None:
        """A place became free: it is the next waiter's."""
        while self._waiters and self._size() < self._most:
            if self._free_for(self._waiters.popleft()):
                return

    def _free_for(self, waiter: "asyncio.Future[Connection | None]") -> bool:
        if waiter.done():
            return False
        self._opening += 1
        waiter.set_result(None)
        return True
