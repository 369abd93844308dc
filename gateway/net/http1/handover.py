"""Hypercorn's share: HTTP/2, upgrades, or everything when so configured.

Uses internals of Hypercorn 0.18 (`TCPServer`, `WorkerContext`): the pin is on the
minor version, and the tests drive every use.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from starlette.types import ASGIApp

from gateway.config.schema import Server
from gateway.net.http1.shield import STREAMS, Shield
from gateway.net.http1.site import NEVER, Site

FREE_S: Final = 1.0
"""How long, roughly, Hypercorn may take to see that a client is gone."""

PING_S: Final = 30.0
"""Between pings of a WebSocket: what lies between keeps it open, and one whose client
is gone without a word breaks."""

log = logging.getLogger(__name__)


def configure(settings: Server) -> Config:
    """Hypercorn's own configuration."""
    config = Config()
    if settings.tls is not None:
        config.certfile = settings.tls.cert
        config.keyfile = settings.tls.key
        config.keyfile_password = settings.tls.key_password or None
    config.accesslog = None
    config.errorlog = log
    config.include_server_header = False
    config.keep_alive_timeout = settings.keep_alive_s
    # Its HTTP/2 drops the streams under way when it is reached.
    config.keep_alive_max_requests = 2**31
    config.graceful_timeout = settings.drain_s
    config.h11_max_incomplete_size = settings.max_header_bytes
    config.h2_max_concurrent_streams = STREAMS
    config.h2_max_header_list_size = settings.max_header_bytes
    config.websocket_max_message_size = settings.max_body_bytes
    config.websocket_ping_interval = PING_S
    return config


def wrapped(app: ASGIApp) -> ASGIWrapper:
    """As Hypercorn calls it. Its types name every message; ours follow Starlette."""
    return ASGIWrapper(cast(Any, app))


class Handover:
    """Serves what it is given until told to end."""

    def __init__(self, site: Callable[[], Site], config: Config) -> None:
        """`site` is asked later: each needs the other."""
        self._site = site
        self._config = config
        self._context = WorkerContext(None)
        self._app: ASGIWrapper | None = None

    def __call__(
        self, transport: asyncio.Transport, data: bytes, done: Callable[[], None]
    ) -> None:
        site = self._site()
        if self._app is None:
            self._app = wrapped(Shield(site.app, site.settings, site.state))
        loop = site.loop
        reader = asyncio.StreamReader(loop=loop)
        protocol = _Stream(reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        if data:
            reader.feed_data(data)
        server = TCPServer(
            self._app,
            loop,
            self._config,
            self._context,
            site.scope_state,
            reader,
            writer,
        )
        protocol.handed = Handed(site, transport, server, done)

    async def terminate(self) -> None:
        """Idle connections end, others after their answers."""
        await self._context.terminated.set()


class _Stream(asyncio.StreamReaderProtocol):
    """Tells when the client is gone."""

    handed: "Handed | None" = None

    def eof_received(self) -> bool | None:
        if self.handed is not None:
            self.handed.let_go()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.handed is not None:
            self.handed.let_go()
        super().connection_lost(exc)


class Handed:
    """One connection that Hypercorn serves."""

    __slots__ = (
        "_closing",
        "_done",
        "_freeing",
        "_server",
        "_site",
        "_task",
        "_transport",
        "due",
        "write_due",
    )

    def __init__(
        self,
        site: Site,
        transport: asyncio.Transport,
        server: TCPServer,
        done: Callable[[], None],
    ) -> None:
        self._site = site
        self._transport = transport
        self._server = server
        self._freeing: asyncio.Task[None] | None = None
        self._done = done
        self._closing = False
        self.due = site.write_due
        self.write_due = NEVER
        site.connections.add(self)
        self._task = site.loop.create_task(server.run(), context=site.context.copy())
        self._task.add_done_callback(self._over)

    def expire(self) -> None:
        """Hypercorn waits without limit for what it closes to be read."""
        if self._closing:
            self.abort()
        self._closing = self._transport.is_closing()
        self.due = self._site.write_due

    def let_go(self) -> None:
        """The client is gone. Hypercorn would still wait for the end of the
        keep-alive time before it ends an idle connection's tasks."""
        if self._freeing is None and not self._task.done():
            self._freeing = self._site.loop.create_task(self._free())

    async def _free(self) -> None:
        pause_s = 0.01
        while not self._task.done():
            await self._server.idle_task.stop()
            await asyncio.wait((self._task,), timeout=pause_s)
            pause_s *= 2
            if pause_s > FREE_S:
                # It waits for an application that has ended to take more of a body.
                self._task.cancel()

    def retire(self) -> None:
        """Told to all at once: see `Handover.terminate`."""

    def abort(self) -> None:
        self._transport.abort()

    def cancel(self) -> None:
        self._task.cancel()

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._site.connections.discard(self)
        self._transport.abort()
        self._done()
        if not task.cancelled() and task.exception() is not None:
            # Mostly clients that break the protocol where Hypercorn does not expect.
            log.debug("a connection ended badly", exc_info=task.exception())
