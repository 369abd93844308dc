"""Takes a request to an account and its answer back, as both are."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from adapters.contract import Headers
from gateway.accounts import Account, Accounts
from gateway.endpoints.passthrough import address, query
from gateway.endpoints.visit import Visit
from gateway.spine.forward import (
    Carried,
    Errand,
    begin,
    pour,
    refusal,
    sendable,
)
from gateway.telemetry.context import Propagation

Hear = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any] | None]]
"""Told of a good answer that is a JSON object; gives what is to be said instead of
it, if anything."""

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class Courier:
    """See the module."""

    def __init__(self, propagation: Propagation, accounts: Accounts) -> None:
        self._propagation = propagation
        self._accounts = accounts

    async def send(
        self,
        visit: Visit,
        account: Account,
        path: bytes,
        body: bytes,
        *,
        base: str = "",
        more: bytes = b"",
        headers: Headers = (),
    ) -> Carried:
        """Ask for a path below the account's base URL, or below `base`. `more`: of the
        query; `headers`: in place of the client's.

        Raises:
            Refused: 400 for a path that leads out of it.
            UpstreamError: there is no answer.
        """
        said = more or query(visit)
        url = address(base or account.target.base_url, path, said)
        names = {name for name, _ in headers}
        own = sendable(visit.headers, visit.key)
        sent = (*(h for h in own if h[0] not in names), *headers)
        errand = Errand(visit.method, url, sent, body)
        return await begin(visit.exchange, account, errand, self._propagation)

    async def answer(
        self, visit: Visit, carried: Carried, hear: Hear | None, *, free: bool
    ) -> None:
        """Hand the answer on. What is JSON is read by `hear` first."""
        exchange = visit.exchange
        if carried.status >= 400:
            body = await refusal(exchange, carried)
            await visit.whole(carried.status, carried.headers, body)
            return
        kind = carried.header(b"content-type").partition(b";")[0].strip().lower()
        if hear is not None and kind == b"application/json":
            body = await carried.take(billed=not free)
            said = _object(body)
            if said is not None and (instead := await hear(said)) is not None:
                body = _encode(instead)
            exchange.response_bytes = len(body)
            await visit.whole(carried.status, carried.headers, body)
            return
        try:
            await visit.start(carried.status, carried.headers)
        except BaseException:
            carried.close()
            carried.book.cancelled()
            raise
        await pour(exchange, carried, self._accounts, visit.write, free=free)
        await visit.end()


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said = _decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
