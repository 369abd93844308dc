"""GET /health/live and /health/ready, /metrics: for those who run us."""

import hmac
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.deployments import Directory
from gateway.endpoints.access import Endpoint, Plain
from gateway.endpoints.table import Row
from gateway.store.contract import Store, StoreError

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


def rows(
    directory: Directory,
    store: Store,
    render: Callable[[str], Awaitable[tuple[str, bytes]]] | None,
    metrics_key: str,
) -> list[Row]:
    """`render(accept)` gives content type and body of the metrics page; `None`: there
    is no such page."""
    table = [
        _row("/health/live", _live, "The process runs"),
        _row("/health/ready", _ready(directory, store), "It can take requests"),
    ]
    if render is not None:
        page = _metrics(render, metrics_key)
        table.append(_row("/metrics", page, "Prometheus metrics", auth="metrics"))
    return table


async def _live(_: Request) -> Response:
    return _json(200, {"status": "ok"})


def _ready(directory: Directory, store: Store) -> Plain:

    async def ready(request: Request) -> Response:
        server = request.scope.get("state", {}).get("server")
        if server is not None and server.draining:
            return _json(503, {"status": "draining"})
        try:
            await store.get("health", "ready")
        except StoreError as error:
            log.warning("the store is not ready", extra={"error": str(error)})
            return _json(503, {"status": "unavailable"})
        now = time.monotonic()
        out = sum(
            all(d.health.blocked(now) for d in alias.deployments)
            for alias in directory.aliases()
        )
        # Models that are out do not make the gateway unfit: the others still serve.
        status = "degraded" if out else "ok"
        return _json(200, {"status": status, "models_out": out})

    return ready


def _metrics(
    render: Callable[[str], Awaitable[tuple[str, bytes]]], metrics_key: str
) -> Plain:
    async def metrics(request: Request) -> Response:
        if metrics_key:
            said = request.headers.get("authorization", "")
            key = said[7:] if said[:7].lower() == "bearer " else ""
            if not hmac.compare_digest(key.encode(), metrics_key.encode()):
                return _json(401, {"error": {"message": "the metrics key is wrong"}})
        kind, body = await render(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": kind})

    return metrics


def _row(
    path: str,
    handler: Plain,
    summary: str,
    auth: str = "none",
) -> Row:
    return Row(
        method="GET",
        path=path,
        endpoint=Endpoint(handler),
        auth="metrics" if auth == "metrics" else "none",
        recorded=False,
        summary=summary,
        tag="operations",
    )


def _json(status: int, value: object) -> Response:
    return Response(_encode(value), status, media_type="application/json")
