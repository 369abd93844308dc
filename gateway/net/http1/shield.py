"""Our limits around the application, for connections that Hypercorn parses.

Where Hypercorn is laxer than our own parser and tells of it in the scope, the request
is refused here; bodies are capped, unpacked and timed alike.
"""

import asyncio
import contextlib
import logging
import re
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.config.schema import Server
from gateway.net.hangup import ClientGone
from gateway.net.http1.body import SLOWEST
from gateway.net.http1.cycle import FAIR
from gateway.net.http1.head import Head, aim, is_target, oversized, watch, without
from gateway.net.http1.inflate import Inflate, Unpacked
from gateway.net.http1.refusal import Refused, malformed, slow, too_large
from gateway.net.http1.state import State

log = logging.getLogger(__name__)

STREAMS: Final = 100
"""HTTP/2 streams of one connection at a time."""

_GRACE_S: Final = 2.0
"""How long the rest of a body, or of a WebSocket, is read that the application did not
ask for."""

_value: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").fullmatch
_target: Final = re.compile(
    rb"[\x21\x24-\x3b\x3d\x3f-\x5b\x5d-\x5f\x61-\x7e]+"
).fullmatch


class Shield:
    """The application, guarded; ASGI."""

    def __init__(self, app: ASGIApp, settings: Server, state: State) -> None:
        self._app = app
        self._settings = settings
        self._state = state
        self._streams: dict[Any, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _converse(self._app, scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        running = self._streams.get(client, 0) + 1
        self._streams[client] = running
        guarded = _Guarded(self._settings, self._state, scope, receive, send)
        try:
            _check_streams(running)
            head = _read(scope, self._settings)
            await self._serve(guarded, scope, head)
        except Refused as refused:
            guarded.refuse(refused)
        except ClientGone:
            log.debug("an exchange ended with its client", exc_info=True)
        finally:
            if running := self._streams[client] - 1:
                self._streams[client] = running
            else:
                del self._streams[client]
            await guarded.finish()

    async def _serve(self, guarded: "_Guarded", scope: Scope, head: Head) -> None:
        """Raises: Refused."""
        settings = self._settings
        if head.length > settings.max_body_bytes:
            raise too_large(settings.max_body_bytes)
        receive: Receive = guarded.receive
        if head.encoding:
            inflate = Inflate(
                head.encoding, settings.max_body_bytes, settings.max_decompressed_ratio
            )
            receive = Unpacked(receive, inflate, guarded.refuse)
            head.headers = without(head.headers, b"content-encoding", b"content-length")
        seen = {
            **scope,
            "headers": head.headers,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
        }
        self._state.requests += 1
        await self._app(seen, receive, guarded.send)


async def _converse(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """A WebSocket's application; where it closed, what the client had sent by then is
    taken, too. Hypercorn waits for that without limit before it ends a connection."""
    seen: set[str] = set()

    async def heard() -> Message:
        message = await receive()
        seen.add(message["type"])
        return message

    async def told(message: Message) -> None:
        seen.add(message["type"])
        await send(message)

    await app(scope, heard, told)
    if not seen >= {"websocket.accept", "websocket.close"}:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            while "websocket.disconnect" not in seen:
                await heard()


def _check_streams(running: int) -> None:
    """A client that resets its streams as fast as it opens them leaves their
    exchanges behind: they end, but not at once. Raises: Refused."""
    if running > 2 * STREAMS:
        message = "too many streams of this connection are still under way"
        raise Refused(503, "too_many_streams", message)


def _read(scope: Scope, settings: Server) -> Head:
    """The scope's head, held to our rules. Raises: Refused."""
    fields = scope["headers"]
    if len(fields) > settings.max_headers:
        raise oversized(f"more than {settings.max_headers} headers")
    if sum(len(n) + len(v) + 4 for n, v in fields) > settings.max_header_bytes:
        raise oversized(f"more than {settings.max_header_bytes} bytes of headers")
    head = Head(scope["method"], 0 if scope["http_version"] == "1.0" else 1)
    for name, value in fields:
        if not _value(value):
            raise malformed("a header's value is malformed")
        head.on_header(name, value)
    watch(head)
    target: bytes = scope["raw_path"]
    if query := scope["query_string"]:
        target += b"?" + query
    if not is_target(target):
        raise malformed("the request's target is malformed")
    aim(head, target)
    return head


class _Guarded:
    """`receive` and `send` of one exchange."""

    def __init__(
        self,
        settings: Server,
        state: State,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._settings = settings
        self._state = state
        self._closes = scope["http_version"] < "2"
        self._receive = receive
        self._send = send
        self._received = 0
        self._waited_s = 0.0
        """For pieces of the body."""
        self._over = False
        """The body's end, or the client's, was seen."""
        self._begun = False
        self._turns = 0
        queue = getattr(receive, "__self__", None)
        self._queue = queue if isinstance(queue, asyncio.Queue) else None
        """Hypercorn's: what waits in it after the body's end is a disconnect."""
        self._refused: Refused | None = None

    def refuse(self, refused: Refused) -> None:
        """To be answered when the application has let go."""
        self._state.count(refused.code)
        self._refused = refused

    async def receive(self) -> Message:
        if self._over:
            return await self._receive()
        if self._refused is not None:
            return {"type": "http.disconnect"}
        began = asyncio.get_running_loop().time()
        granted = self._settings.body_timeout_s
        left = granted + self._received / SLOWEST - self._waited_s
        try:
            async with asyncio.timeout(min(granted, left)):
                message = await self._receive()
        except TimeoutError:
            self.refuse(slow("request's body"))
            self._over = True
            return {"type": "http.disconnect"}
        self._waited_s += asyncio.get_running_loop().time() - began
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._settings.max_body_bytes:
                self.refuse(too_large(self._settings.max_body_bytes))
                return {"type": "http.disconnect"}
            self._over = not message.get("more_body", False)
        else:
            self._over = True
        return message

    async def send(self, message: Message) -> None:
        """Raises: ClientGone, also when the client does not read."""
        if self._refused is not None:
            return
        self._turns += 1
        if not self._turns % FAIR:
            await asyncio.sleep(0)
        if self._over and self._queue is not None and not self._queue.empty():
            raise ClientGone("the client is gone")
        if message["type"] == "http.response.start":
            self._begun = True
            if self._state.draining and self._closes:
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
        elif not self._closes and not message.get("more_body", False):
            await self._exhaust()
        try:
            async with asyncio.timeout(self._settings.write_timeout_s):
                await self._deliver(message)
        except TimeoutError as error:
            self._state.count("write_timeout")
            raise ClientGone("the client does not read its answer") from error

    async def finish(self) -> None:
        """Answer what was refused, and read what is left."""
        refused = self._refused
        if refused is not None and not self._begun:
            body = refused.body
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                *refused.headers,
            ]
            if self._closes:
                headers.append((b"connection", b"close"))
            else:
                await self._exhaust()
            await self._send(
                {
                    "type": "http.response.start",
                    "status": refused.status,
                    "headers": headers,
                }
            )
            await self._deliver({"type": "http.response.body", "body": body})
        await self._exhaust()

    async def _deliver(self, message: Message) -> None:
        """Send. With an answer's end Hypercorn waits until what came of the body was
        taken, so that is done meanwhile."""
        ends = message["type"] == "http.response.body" and not message.get("more_body")
        if self._over or not self._closes or not ends:
            await self._send(message)
            return
        taking = asyncio.create_task(self._exhaust())
        try:
            await self._send(message)
        finally:
            await taking

    async def _exhaust(self) -> None:
        """Read the body to its end. Over HTTP/1.1 after the answer, or Hypercorn
        waits for it to be read and never closes; over HTTP/2 before the answer's end,
        or what still comes of the body ends the whole connection."""
        try:
            async with asyncio.timeout(_GRACE_S):
                while not self._over:
                    message = await self._receive()
                    self._over = not message.get("more_body", False)
        except TimeoutError:
            self._over = True
