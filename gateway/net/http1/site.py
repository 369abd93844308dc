"""What all connections of one worker share."""

import asyncio
import contextvars
import logging
import sys
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any, Final, Protocol

from starlette.types import ASGIApp

from gateway.config.schema import Server
from gateway.net.http1.known import Heads
from gateway.net.http1.state import State
from gateway.net.link import Direct

log = logging.getLogger(__name__)

EAGER: Final = sys.version_info >= (3, 12)
"""Tasks may run their first step at once."""

NEVER: Final = float("inf")


class Timed(Protocol):
    """A connection, as the tick sees it."""

    due: float
    """On the site's clock: when its client has had time enough."""
    write_due: float
    """The same for a client that does not read."""

    def expire(self) -> None:
        """Some limit has passed."""
        ...

    def retire(self) -> None:
        """The server stops: end now if idle, after the answer otherwise."""
        ...

    def abort(self) -> None:
        """End at once."""
        ...


class Running(Protocol):
    """An exchange under way, as a stop sees it."""

    task: "asyncio.Task[None] | None"


class Site:
    """The application, the limits and one clock for every time limit.

    The clock moves in ticks, so that a request costs no timer: limits hold to within
    one tick, never early.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Server,
        state: State,
        loop: asyncio.AbstractEventLoop,
        hand_over: Callable[[asyncio.Transport, bytes, Callable[[], None]], None],
    ) -> None:
        """`hand_over(transport, data, done)` gives a connection to Hypercorn with
        what was read of it; `done` is called when it is over."""
        self.app = app
        self.direct: Mapping[tuple[str, str], Direct] = getattr(app, "direct", {})
        """Endpoints of (method, path) that the application need not be asked for."""
        self.heads = Heads(settings, self.direct)
        self.settings = settings
        self.state = state
        self.loop = loop
        self.hand_over = hand_over
        self.scope_state: dict[str, Any] = {"server": state}
        """Of the lifespan; every request gets a copy."""
        self.context = contextvars.copy_context()
        """What work begins in that no client's bytes have just started."""
        self.connections: set[Timed] = set()
        self.cycles: set[Running] = set()
        limits = (
            settings.header_timeout_s,
            settings.body_timeout_s,
            settings.write_timeout_s,
            settings.keep_alive_s or 1.0,
        )
        self.tick_s = max(0.02, min(1.0, *(limit / 5 for limit in limits)))
        self.now = 0.0
        self.date = b""
        self.idle_due = self.header_due = self.body_due = self.write_due = 0.0
        self._second = 0
        self._complained = NEVER
        self._timer: asyncio.TimerHandle | None = None

    def tick(self) -> None:
        """Move the clock, then cut off whoever is out of time."""
        self.now = now = self.loop.time()
        self._timer = self.loop.call_later(self.tick_s, self.tick)
        settings, late = self.settings, now + self.tick_s
        self.idle_due = late + settings.keep_alive_s
        self.header_due = late + settings.header_timeout_s
        self.body_due = late + settings.body_timeout_s
        self.write_due = late + settings.write_timeout_s
        if int(now) != self._second:
            self._second = int(now)
            self.date = b"date: %b\r\n" % formatdate(usegmt=True).encode()
        expired = [
            connection
            for connection in self.connections
            if connection.due < now or connection.write_due < now
        ]
        for connection in expired:
            connection.expire()

    def complain(self) -> None:
        """Say that clients are turned away, once a second."""
        if not 0 <= self.now - self._complained < 1:
            self._complained = self.now
            log.warning(
                "too many connections: new ones are turned away",
                extra={
                    "connections": self.settings.max_connections,
                    "refused": self.state.refused.get("too_many_connections", 0),
                },
            )

    def stop(self) -> None:
        """No more ticks."""
        if self._timer is not None:
            self._timer.cancel()
