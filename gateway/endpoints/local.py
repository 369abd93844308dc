"""A gateway without keys serves this machine only, and no web page on it.

A page that a browser shows may send requests to loopback addresses, by itself or after
its name was made to resolve to one (DNS rebinding). Such a request betrays itself by
its `Host` or its `Origin`.
"""

import re
from typing import Final

from starlette.types import Receive, Scope, Send

from adapters.contract import Told
from adapters.registry import DIALECTS

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_V4: Final = re.compile(r"127(?:\.\d{1,3}){3}").fullmatch
"""A name may begin like an address: 127.0.0.1.example.com."""


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    return host in LOOPBACK or _V4(host) is not None


def is_local(scope: Scope) -> bool:
    """Whether a request was meant for this machine by a program on it."""
    for name, value in scope["headers"]:
        if name == b"host" and not is_loopback(_host(value)):
            return False
        if name == b"origin" and not is_loopback(_host(value.partition(b"://")[2])):
            return False
    return True


def _host(authority: bytes) -> str:
    """Without port and brackets."""
    text = authority.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text if "@" in text else text.partition(":")[0]


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """What is said to everyone else."""
    del scope, receive
    await _say("http.response", send)


async def refuse_socket(receive: Receive, send: Send) -> None:
    """The same, in place of a WebSocket: browsers open those to anywhere."""
    await receive()
    await _say("websocket.http.response", send)


async def _say(kind: str, send: Send) -> None:
    told = Told(
        403,
        "permission_error",
        "this gateway has no keys, so it serves programs on its own machine only, by "
        "a loopback name; set keys.master to open it",
        "local_only",
    )
    body = DIALECTS["openai.chat"].write_error(told)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": f"{kind}.start", "status": 403, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
