"""The parts -> routes -> one ASGI application."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.catalog import BadCatalog
from adapters.contract import Dialect, Told
from adapters.registry import DIALECTS
from gateway.build import Parts, build
from gateway.config.load import Loaded
from gateway.config.schema import Server
from gateway.config.secrets import SecretError
from gateway.endpoints import (
    azure,
    bedrock,
    chat,
    client_secrets,
    cohere,
    feedback,
    gemini,
    health,
    local,
    media,
    messages,
    models,
    openapi,
    passthrough,
    realtime,
    routing,
    strategies,
    vertex,
)
from gateway.endpoints.door import Door
from gateway.endpoints.native.rows import Natives
from gateway.endpoints.responses import table as responses
from gateway.endpoints.table import Row
from gateway.net.link import Direct
from gateway.net.server import serve
from gateway.release import release
from gateway.store.contract import StoreError
from gateway.telemetry.logs import set_up
from gateway.telemetry.redact import Redactor

log = logging.getLogger(__name__)


class App:
    """The application. Its parts are made when the server's lifespan starts."""

    def __init__(self, loaded: Loaded, version: str, share: Path | None = None) -> None:
        self._loaded = loaded
        self._version = version
        self._share = share
        keys = loaded.config.keys
        self._local_only = not keys.master and not keys.open
        self.direct: dict[tuple[str, str], Direct] = {}
        """Endpoints of (method, path) that our server calls itself; filled when the
        application has started."""
        self._hot: dict[tuple[str, str], ASGIApp] = {}
        self._rest: ASGIApp = _starting
        self.parts: Parts | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self._local_only and not local.is_local(scope):
                await local.refuse(scope, receive, send)
                return
            endpoint = self._hot.get((scope["method"], scope["path"]))
            await (endpoint or self._rest)(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif self._local_only and not local.is_local(scope):
            await local.refuse_socket(receive, send)
        else:
            await self._rest(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            state = scope.get("state", {})
            parts = await build(self._loaded, self._version, state, self._share)
            try:
                self._open(parts)
            except BaseException:
                await parts.close()
                raise
        except (StoreError, SecretError, BadCatalog) as error:
            # The server tells the operator; where in our code is nothing to them.
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        except Exception as error:
            # What is raised from here makes Hypercorn go on without us.
            log.exception("the gateway cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await parts.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _open(self, parts: Parts) -> None:
        """Every route, by what was built."""
        self.parts = parts
        table = routes(parts, self._version)
        self._hot = {
            (row.method, path): row.endpoint
            for row in table
            if row.hot
            for path in row.paths()
        }
        if not self._local_only:  # which is asked of every scope
            self.direct.update(
                (key, endpoint)
                for key, endpoint in self._hot.items()
                if isinstance(endpoint, Door)
            )
        self._rest = starlette(table)


def run(loaded: Loaded, ready: Callable[[list[str]], None] | None = None) -> int:
    """Serve until stopped; the exit code. `ready` is told the addresses.

    Raises:
        OSError: the address cannot be listened on, or must not without a key.
    """
    keys = loaded.config.keys
    server = _resolved(loaded)
    if not keys.master and not keys.open and not local.is_loopback(server.host):
        message = (
            f"{server.host} can be reached from other machines, and there is no key: "
            "set keys.master (or keys.open: true, to serve everyone)"
        )
        raise PermissionError(message)

    def announce(addresses: list[str]) -> None:
        log.info("listening", extra={"addresses": addresses})
        if ready is not None:
            ready(addresses)

    with TemporaryDirectory(prefix="routeiq-") as folder:
        share = None
        if server.workers > 1:
            # The workers log for themselves; this process only watches over them.
            share = Path(folder)
            set_up(loaded.config.logs, Redactor()).start()
        make = partial(App, loaded, release(), share)
        return serve(make, server, ready=announce)


def _resolved(loaded: Loaded) -> Server:
    """The server's settings with the TLS key's password in place of its reference."""
    server = loaded.config.server
    if server.tls is None or not server.tls.key_password:
        return server
    password = loaded.secrets.resolve(server.tls.key_password, "server.tls")
    tls = msgspec.structs.replace(server.tls, key_password=password)
    return msgspec.structs.replace(server, tls=tls)


def routes(parts: Parts, version: str) -> list[Row]:
    """Every route there is."""
    dispatch, propagation = parts.dispatch, parts.propagation
    keyring, directory = dispatch.keyring, dispatch.directory
    kept = client_secrets.Secrets(parts.store)
    page = parts.render_metrics if parts.metrics_page else None
    natives = Natives(dispatch, propagation, parts.accounts, parts.store, parts.engine)
    table = [
        *chat.rows(dispatch, propagation),
        *media.rows(dispatch, propagation),
        *responses.rows(dispatch, propagation, parts.memory),
        *messages.rows(dispatch, propagation),
        *gemini.rows(dispatch, propagation),
        *bedrock.rows(dispatch, propagation),
        *cohere.rows(dispatch, propagation),
        *passthrough.rows(dispatch, propagation, parts.accounts),
        *natives.rows(),
        *realtime.rows(dispatch, propagation, parts.sessions, kept),
        *client_secrets.rows(dispatch, propagation, parts.sessions, kept),
        *azure.rows(dispatch, propagation),
        *vertex.rows(dispatch, propagation),
        *models.rows(directory, keyring, int(time.time())),
        *routing.rows(dispatch, propagation),
        *strategies.rows(parts.lessons, directory, keyring),
        *feedback.rows(parts.store, keyring, parts.redactor, parts.scores),
        *health.rows(directory, parts.store, page, parts.metrics_key),
    ]
    return [*table, openapi.row(table, version)]


def starlette(table: Sequence[Row]) -> Starlette:
    """The router of everything that is not hot, and of what is (other methods)."""
    found: list[BaseRoute] = [
        Route(path, row.endpoint, methods=[row.method])
        for row in table
        for path in row.paths()
    ]
    found += [
        WebSocketRoute(path, row.endpoint)
        for row in table
        if row.socket
        for path in row.paths()
    ]
    made = Starlette(
        routes=found, exception_handlers={404: _not_found, 405: _not_allowed}
    )
    made.router.redirect_slashes = False  # a path is a route or it is not
    return made


async def _not_found(request: Request, _: Exception) -> Response:
    message = f"there is no {request.method} {request.url.path[:200]}"
    return _told(request, Told(404, "invalid_request_error", message, "not_found"))


async def _not_allowed(request: Request, error: Exception) -> Response:
    if request.method == "POST" and ":" in request.url.path.rpartition("/")[2]:
        # Google's methods stand behind a colon: this is one that there is not.
        return await _not_found(request, error)
    message = f"{request.url.path[:200]} does not take {request.method}"
    return _told(
        request, Told(405, "invalid_request_error", message, "method_not_allowed")
    )


def _told(request: Request, told: Told) -> Response:
    body = _dialect(request.url.path).write_error(told)
    return Response(body, told.status, media_type="application/json")


def _dialect(path: str) -> Dialect:
    """Whose error shape fits an unknown path."""
    if path.startswith(("/bedrock", "/model/")):
        return DIALECTS["bedrock.converse"]
    if "/messages" in path or path.startswith("/anthropic"):
        return DIALECTS["anthropic.messages"]
    if "/v1beta" in path or path.startswith(("/genai", "/gemini", "/vertex_ai")):
        return DIALECTS["gemini.generate"]
    if path.startswith(("/cohere", "/v2")):
        return DIALECTS["cohere.rerank"]
    return DIALECTS["openai.chat"]


async def _starting(scope: Scope, _: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    body = msgspec.json.encode({"error": {"message": "the gateway is starting"}})
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
