"""One process's server: lifespan, listening, time, and an orderly stop."""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from typing import Any, Final

from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.utils import LifespanFailureError, LifespanTimeoutError
from starlette.types import ASGIApp

from gateway.config.schema import Server
from gateway.net.http1.connection import Connection
from gateway.net.http1.handover import Handed, Handover, configure, wrapped
from gateway.net.http1.site import Site
from gateway.net.http1.state import State

log = logging.getLogger(__name__)

_POLL_S: Final = 0.02
_LATECOMERS_S: Final = 0.5
"""A connection accepted as the stop came may still send its request that long."""
_LAST_WORDS_S: Final = 2.0
"""For exchanges that were cut, to write their records."""
_CLOSED: Final = "Invalid file descriptor: -1"
"""What asyncio says of a socket that is closed."""


class NotStarted(Exception):
    """The server cannot serve; the message says why."""


class Worker:
    """Serves `app` on sockets bound by others."""

    def __init__(self, app: ASGIApp, settings: Server) -> None:
        """To be made in the running loop."""
        self.state = State()
        loop = asyncio.get_running_loop()
        self._config = configure(settings)
        self._handover = Handover(lambda: self.site, self._config)
        self.site = Site(app, settings, self.state, loop, self._handover)
        self._lifespan = Lifespan(
            wrapped(app), self._config, loop, self.site.scope_state
        )
        self._living: asyncio.Task[None] | None = None
        self._servers: list[asyncio.Server] = []
        self._exhausted = -1.0
        """When it was last told that no files were left."""

    async def start(self, sockets: list[socket.socket]) -> None:
        """Start the application, then listen. Raises: NotStarted."""
        site = self.site
        context = tls_context(site.settings)
        site.loop.set_exception_handler(self._unhandled)
        self._living = site.loop.create_task(self._lifespan.handle_lifespan())
        self._living.add_done_callback(_seen)
        try:
            await self._lifespan.wait_for_startup()
        except LifespanTimeoutError as error:
            raise NotStarted(str(error)) from error
        if self._living.done() and (cause := self._living.exception()) is not None:
            raise NotStarted(_why(cause)) from cause
        site.tick()
        secured: dict[str, Any] = {}
        if context is not None:
            secured = {
                "ssl": context,
                "ssl_handshake_timeout": site.settings.header_timeout_s,
                "ssl_shutdown_timeout": 5.0,
            }
        for sock in sockets:
            self._servers.append(
                await site.loop.create_server(
                    lambda: Connection(site),
                    sock=sock,
                    backlog=site.settings.backlog,
                    **secured,
                )
            )

    async def stop(self, at_once: asyncio.Event) -> None:
        """Take no more; let what is under way end, for `drain_s` or until
        `at_once`; then end the application."""
        site = self.site
        self.state.draining = True
        for server in self._servers:
            server.close()
        await self._handover.terminate()
        await self._drain(at_once)
        for connection in list(site.connections):
            connection.abort()
        await self._silence()
        site.stop()
        await self._end_lifespan()

    async def _drain(self, at_once: asyncio.Event) -> None:
        site, state = self.site, self.state
        began = site.loop.time()
        retiring = 0.0
        while state.connections or site.cycles:
            passed = site.loop.time() - began
            if passed >= site.settings.drain_s or at_once.is_set():
                log.warning(
                    "stopping with exchanges under way",
                    extra={"exchanges": len(site.cycles)},
                )
                return
            if passed >= retiring:
                retiring += _LATECOMERS_S
                for connection in list(site.connections):
                    connection.retire()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(at_once.wait(), _POLL_S)

    async def _silence(self) -> None:
        """Wait for the exchanges that were cut, then cancel them."""
        site = self.site
        until = site.loop.time() + _LAST_WORDS_S
        while (site.cycles or site.connections) and site.loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        tasks = [cycle.task for cycle in site.cycles if cycle.task is not None]
        for task in tasks:
            task.cancel()
        for connection in list(site.connections):
            if isinstance(connection, Handed):
                connection.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_WORDS_S)

    async def _end_lifespan(self) -> None:
        living = self._living
        if living is None:
            return
        try:
            await self._lifespan.wait_for_shutdown()
        except LifespanTimeoutError:
            log.warning("the application did not end in time")
        living.cancel()
        try:
            await living
        except asyncio.CancelledError:
            pass
        except LifespanFailureError as error:
            log.warning("the application ended badly", extra={"error": str(error)})

    def _unhandled(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """What clients do to their connections is no error of ours."""
        error = context.get("exception")
        if isinstance(error, ssl.SSLError | ConnectionError):
            log.debug("a connection broke", exc_info=error)
        elif isinstance(error, OSError) and error.errno in (
            errno.EMFILE,
            errno.ENFILE,
        ):
            # asyncio tells it once for every connection that waits.
            if self.site.now - self._exhausted >= 1:
                self._exhausted = self.site.now
                log.warning("no open files are left: accepting pauses")
        elif self.state.draining and str(error) == _CLOSED:
            # After such a pause asyncio listens again, even if we have stopped since.
            log.debug("accepting does not go on")
        else:
            loop.default_exception_handler(context)


def _seen(living: "asyncio.Task[None]") -> None:
    """Who waits for it tells how it ended; a stop during the start does not wait."""
    if not living.cancelled():
        living.exception()


def tls_context(settings: Server) -> ssl.SSLContext | None:
    """Certificate and key, loaded. Raises: NotStarted."""
    if settings.tls is None:
        return None
    try:
        return configure(settings).create_ssl_context()
    except OSError as error:
        files = f"{settings.tls.cert} and {settings.tls.key}"
        raise NotStarted(f"server.tls: cannot use {files}: {error}") from error


def _why(error: BaseException) -> str:
    said = str(error).removeprefix("Lifespan failure in startup. ").strip("'")
    return f"the application did not start: {said}"
