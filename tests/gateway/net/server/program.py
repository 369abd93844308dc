"""A program that serves: `python -m tests.gateway.net.server.program APP SETTINGS`.

It leaves a file in the folder `SIGNS` for each thing it begins to wait in, and goes on
once there is one called `go`.
"""

import asyncio
import os
import sys
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from gateway.config.schema import Server
from gateway.net.server import serve
from tests.gateway.net.server.support import lifespan, reply, whole

SIGNS = Path(os.environ["SIGNS"])


class Program:
    """Applications with a mind of their own, by path."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        await whole(receive)
        path, server = scope["path"], scope["state"]["server"]
        if path == "/slow":
            await self._wait()
            await reply(send, b"slow, draining" if server.draining else b"slow")
        elif path == "/forever":
            task = asyncio.current_task()
            assert task is not None
            self._begun()
            scope["extensions"]["routeiq.hangup"](task.cancel)
            await asyncio.sleep(60)
        elif path == "/stream":
            await self._stream(send)
        elif path == "/crash":
            os._exit(7)
        else:
            await reply(send, b"%d" % os.getpid())

    async def _live(self, receive: Any, send: Any) -> None:
        if self.kind == "broken":
            await receive()
            message = "the store is on fire"
            await send({"type": "lifespan.startup.failed", "message": message})
            return
        if self.kind == "slow":
            self._begun()
            await asyncio.sleep(30)
        await lifespan(receive, send)
        os.write(1, b"ended\n")

    def _begun(self) -> None:
        (SIGNS / uuid.uuid4().hex).touch()

    async def _wait(self) -> None:
        self._begun()
        while not (SIGNS / "go").exists():
            await asyncio.sleep(0.01)

    async def _stream(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for n in range(10):
            body = b"data: %d\n\n" % n
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if n == 4:
                await self._wait()
        await send({"type": "http.response.body", "body": b""})


def ready(addresses: list[str]) -> None:
    print(addresses[0], flush=True)


if __name__ == "__main__":
    settings = msgspec.json.decode(sys.argv[2], type=Server)
    sys.exit(serve(partial(Program, sys.argv[1]), settings, ready=ready))
