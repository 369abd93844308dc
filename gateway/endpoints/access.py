"""Keys at the doors that are not model calls."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.contract import Dialect
from gateway.errors import Refused, tell
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.spine.admit import identify, presented

Plain = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request, Principal], Awaitable[Response]]


class Endpoint:
    """A handler of requests as an ASGI endpoint."""

    def __init__(self, handler: Plain) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._handler(Request(scope, receive, send))
        await response(scope, receive, send)


def with_master(keyring: Keyring, dialect: Dialect, handler: Handler) -> Endpoint:
    """`handler`, for who runs the gateway; errors in `dialect`."""

    async def mastered(request: Request, principal: Principal) -> Response:
        if not principal.sees_all:
            message = "only the master key may do this"
            raise Refused(403, "permission_error", message, code="master_key_required")
        return await handler(request, principal)

    return with_key(keyring, dialect, mastered)


def with_key(keyring: Keyring, dialect: Dialect, handler: Handler) -> Endpoint:
    """`handler`, for those who present a key that works; errors in `dialect`."""

    async def guarded(request: Request) -> Response:
        key = presented(
            dict(request.scope["headers"]),
            request.query_params.get("key", "").encode("utf-8", "replace"),
        )
        try:
            return await handler(request, await identify(keyring, key))
        except Refused as refused:
            told = tell(refused)
            return Response(
                dialect.write_error(told), told.status, media_type="application/json"
            )

    return Endpoint(guarded)
