"""Clients that hang up: how that is heard, and what it ends."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.types import Receive, Scope

_UNSENT: Final = "nothing of the request was written"


def unsent() -> asyncio.CancelledError:
    """A cancellation before any of the request was written: nobody can have billed it.
    No class of its own: `asyncio.timeout` knows its own cancellation by the very class,
    and would let another one out as if the task were cancelled (Python 3.11)."""
    return asyncio.CancelledError(_UNSENT)


def is_unsent(cancelled: asyncio.CancelledError) -> bool:
    """Whether it came before anything was written."""
    return cancelled.args == (_UNSENT,)


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
