"""Clients that hang up: how that is heard, and what it ends."""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope


class Unsent(asyncio.CancelledError):
    """Cancelled before any of the request was written: nobody can have billed it."""


class ClientGone(ConnectionResetError):
    """What a server's `send` raises to an application whose client is lost."""


def watch(
    scope: Scope, receive: Receive, callback: Callable[[], None]
) -> Callable[[], None]:
    """Call `callback` once when the client is gone; the result ends the watch.

    To be called after the request body was read. Our own server registers the
    callback with the connection; any other ASGI server is asked for the
    `http.disconnect` message, by a task.
    """
    register = scope.get("extensions", {}).get("routeiq.hangup")
    if register is not None:
        register(callback)
        return lambda: register(None)
    task = asyncio.ensure_future(_wait(receive, callback))
    return lambda: _end(task)


async def _wait(receive: Receive, callback: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    callback()


def _end(task: "asyncio.Future[None]") -> None:
    task.cancel()
