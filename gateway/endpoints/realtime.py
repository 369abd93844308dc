"""/v1/realtime and Google's Live: WebSockets between clients and providers.

A client shows its key as at other doors or, where a browser cannot set headers, by the
subprotocol `openai-insecure-api-key.KEY`. What `POST /v1/realtime/client_secrets` gave
it opens the session that it was made for, and nothing else.
"""

import asyncio
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.types import Message, Receive, Scope, Send

from adapters.contract import Headers
from adapters.errors import BadCall
from adapters.realtime import (
    LIVE,
    VERTEX,
    VERTEX_SERVICE,
    native,
    setup_model,
    with_model,
)
from adapters.registry import DIALECTS
from gateway.deployments import Directory
from gateway.endpoints.client_secrets import Opened, Secrets
from gateway.endpoints.door import query_key
from gateway.endpoints.reply import retry_after, served
from gateway.endpoints.table import Row
from gateway.errors import tell
from gateway.net.websocket import LOST, Closed
from gateway.spine.admit import presented
from gateway.spine.begin import begin
from gateway.spine.dispatch import Dispatch
from gateway.spine.exchange import Exchange
from gateway.spine.forward import sendable
from gateway.spine.realtime import FAILED, OPERATION, Asked, Relay, Sessions, short
from gateway.spine.route import resolve
from gateway.store.contract import StoreError
from gateway.telemetry.context import Propagation

PATH: Final = "/v1/realtime"
KEY_PROTOCOL: Final = "openai-insecure-api-key."
POLICY: Final = 1008
SETUP_S: Final = 30.0
"""How long a Live client may take to say which model it wants."""
_OURS: Final = frozenset(
    {"model", "deployment", "key", "api-key", "api_key", "api-version"}
)
"""Query parameters that are for the gateway, not for the provider."""
_IDENTITY: Final = (KEY_PROTOCOL, "openai-organization.", "openai-project.")


def rows(
    dispatch: Dispatch,
    propagation: Propagation,
    sessions: Sessions,
    secrets: Secrets,
) -> list[Row]:
    """OpenAI's SDKs take `/v1`, `/openai/v1`, `/openai` or the bare origin as base."""
    live = f"/ws/{LIVE}.{{version}}.GenerativeService.BidiGenerateContent"
    vertex = f"/ws/{VERTEX}.{{version}}.{VERTEX_SERVICE}"
    openai = ("/realtime", "/openai/realtime", "/openai/v1/realtime")
    return [
        Row(
            method="GET",
            path=PATH,
            aliases=(*openai, *(f"/azure{path}" for path in openai[1:])),
            endpoint=SocketDoor(dispatch, propagation, sessions, secrets, PATH),
            auth="key",
            recorded=True,
            summary="OpenAI realtime (WebSocket)",
            socket=True,
        ),
        Row(
            method="GET",
            path=live,
            aliases=(
                *(f"/genai{live}", f"/gemini{live}"),
                *(vertex, f"/vertex_ai{vertex}"),
            ),
            endpoint=LiveDoor(dispatch, propagation, sessions, secrets, live),
            auth="key",
            recorded=True,
            summary="Gemini Live (WebSocket)",
            socket=True,
        ),
    ]


class Peer:
    """A client of a WebSocket; an `End`."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.accepted = False
        self._over = False

    async def receive(self) -> str | bytes | Closed:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._over = True
            code = message.get("code")
            return Closed(LOST if code is None else code, message.get("reason") or "")
        text = message.get("text")
        data: str | bytes = message["bytes"] if text is None else text
        return data

    async def send(self, message: str | bytes) -> None:
        kind = "text" if isinstance(message, str) else "bytes"
        await self._tell({"type": "websocket.send", kind: message})

    async def accept(self, protocol: str | None, headers: Headers) -> None:
        self.accepted = True
        await self._tell(
            {
                "type": "websocket.accept",
                "subprotocol": protocol,
                "headers": list(headers),
            }
        )

    async def close(self, code: int, reason: str) -> None:
        if not self._over:
            self._over = True
            await self._send(
                {"type": "websocket.close", "code": code, "reason": reason}
            )

    async def reject(self, status: int, headers: Headers, body: bytes) -> None:
        """An HTTP answer in place of the upgrade."""
        await self._tell(
            {
                "type": "websocket.http.response.start",
                "status": status,
                "headers": [*headers, (b"content-length", b"%d" % len(body))],
            }
        )
        await self._tell({"type": "websocket.http.response.body", "body": body})

    async def _tell(self, message: Message) -> None:
        if not self._over:
            await self._send(message)


class SocketDoor:
    """OpenAI's realtime: the query names the model."""

    dialect = DIALECTS["openai.chat"]

    def __init__(
        self,
        dispatch: Dispatch,
        propagation: Propagation,
        sessions: Sessions,
        secrets: Secrets,
        route: str,
    ) -> None:
        self._dispatch = dispatch
        self._propagation = propagation
        self._sessions = sessions
        self._secrets = secrets
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await upgrade(self.dialect.write_error, send)
            return
        headers = dict(scope["headers"])
        exchange = begin(
            headers, self._propagation, self._route, self.dialect, OPERATION
        )
        peer = Peer(receive, send)
        await receive()  # websocket.connect
        key = presented(headers, query_key(scope["query_string"])) or _insecure(scope)

        opened = await self._opened(key)
        if opened is not None:
            exchange.admit(opened.principal)

        async def work() -> None:
            await self._work(exchange, scope, peer, key, opened)

        async def refuse(exchange: Exchange, error: Exception) -> None:
            await self._refuse(exchange, peer, error)

        await self._dispatch.perform(exchange, key, work, refuse)

    async def _work(
        self,
        exchange: Exchange,
        scope: Scope,
        peer: Peer,
        key: bytes,
        opened: Opened | None,
    ) -> None:
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        named = dict(query)
        header = exchange.headers.get(b"x-routeiq-model", b"").decode("latin-1")
        model = named.get("model") or named.get("deployment") or header
        asked = _asked(scope, key, query)
        if opened is not None:
            model = opened.model
            asked = asked._replace(
                credential=opened.credential, deployment=opened.deployment
            )
        exchange.asked = model
        alias = resolve(self.directory, exchange, model)
        found = await self._sessions.open(exchange, alias, asked)
        offered = asked.protocols
        chosen = found.socket.subprotocol
        if chosen not in offered:
            chosen = offered[0] if offered else None
        exchange.status = 101
        try:
            await peer.accept(chosen, tuple(served(exchange)))
        except BaseException:
            found.socket.abort()
            found.book.cancelled()
            raise
        await Relay(exchange, found, peer, self._sessions.settings).run()

    async def _opened(self, key: bytes) -> Opened | None:
        try:
            return await self._secrets.find(key.decode("latin-1"))
        except StoreError:
            return None  # then it is nobody's key

    @property
    def directory(self) -> Directory:
        return self._dispatch.directory

    async def _refuse(self, exchange: Exchange, peer: Peer, error: Exception) -> None:
        told = tell(error, exchange.request_id)
        exchange.status = told.status
        if peer.accepted:
            code = FAILED if told.status >= 500 else POLICY
            await peer.close(code, short(told.message))
            return
        headers: Headers = (
            *served(exchange),
            (b"content-type", b"application/json"),
        )
        if told.retry_after is not None:
            headers += retry_after(told.retry_after)
        await peer.reject(told.status, headers, self.dialect.write_error(told))


class LiveDoor(SocketDoor):
    """Google's Live: the client's first message names the model."""

    dialect = DIALECTS["gemini.generate"]

    async def _work(
        self,
        exchange: Exchange,
        scope: Scope,
        peer: Peer,
        key: bytes,
        opened: Opened | None,
    ) -> None:
        exchange.status = 101
        await peer.accept(None, tuple(served(exchange)))
        try:
            async with asyncio.timeout(SETUP_S):
                first = await peer.receive()
        except TimeoutError:
            raise BadCall(f"no setup came in {SETUP_S:.0f} s", "setup") from None
        if isinstance(first, Closed):
            return
        model = setup_model(first)
        exchange.asked = model
        alias = resolve(self.directory, exchange, model)
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        found = await self._sessions.open(exchange, alias, _asked(scope, key, query))
        name = native(found.book.deployment.target)
        await found.socket.send(with_model(first, name))
        await Relay(exchange, found, peer, self._sessions.settings).run()


def _asked(scope: Scope, key: bytes, query: list[tuple[str, str]]) -> Asked:
    secret = key.decode("latin-1")
    rest = [
        (name, value)
        for name, value in query
        if name not in _OURS and not (secret and secret in value)
    ]
    return Asked(
        headers=sendable(tuple(scope["headers"]), key),
        query=urlencode(rest),
        protocols=tuple(
            each for each in scope["subprotocols"] if not each.startswith(_IDENTITY)
        ),
    )


def _insecure(scope: Scope) -> bytes:
    """The key that a browser shows as a subprotocol."""
    for protocol in scope["subprotocols"]:
        if protocol.startswith(KEY_PROTOCOL):
            return str(protocol.removeprefix(KEY_PROTOCOL)).encode()
    return b""


async def upgrade(write_error: Any, send: Send) -> None:
    """What a plain request is told."""
    body = write_error(tell(BadCall("this is a WebSocket: ask for an upgrade")))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"upgrade", b"websocket"),
    ]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})
