"""One line of a batch -> one exchange, on the way of every other."""

from typing import Final, NamedTuple

import msgspec

from adapters.contract import Dialect, Hint, Medium, Operation, Result
from adapters.errors import BadCall, UpstreamError
from adapters.registry import DIALECTS
from gateway.errors import tell
from gateway.govern.principal import Principal
from gateway.spine.attempt import Stream
from gateway.spine.begin import begin
from gateway.spine.dispatch import Dispatch
from gateway.spine.exchange import Exchange
from gateway.telemetry.context import Propagation

ROUTE: Final = "/v1/batches"
ENDPOINTS: Final = {
    "/v1/chat/completions": ("openai.chat", Operation.chat),
    "/v1/responses": ("openai.responses", Operation.chat),
    "/v1/completions": ("openai.completions", Operation.complete),
    "/v1/embeddings": ("openai.embeddings", Operation.embed),
    "/v1/moderations": ("openai.moderations", Operation.moderate),
    "/v1/messages": ("anthropic.messages", Operation.chat),
}
"""What a batch may ask -> dialect and operation."""
MAY_PASS: Final = frozenset({408, 409, 429, 500, 502, 503, 504})
"""Statuses after which a line may be run again."""


class Said(NamedTuple):
    """What a line was answered."""

    status: int
    body: bytes
    request_id: str
    exchange: Exchange
    retry_after: float | None = None
    """Seconds; set where it may be asked again."""

    @property
    def ok(self) -> bool:
        return self.status == 200


class _Streams(msgspec.Struct, frozen=True):
    stream: object = None


_streams: Final = msgspec.json.Decoder(_Streams).decode


class Caller:
    """Runs lines."""

    def __init__(self, dispatch: Dispatch, propagation: Propagation) -> None:
        self._dispatch = dispatch
        self._propagation = propagation

    async def call(
        self, endpoint: str, body: bytes, principal: Principal | None, key: str
    ) -> Said:
        """Ask as `principal` (`None`: one that is no more, which is refused).

        `key` names the line to providers that know one when it comes again.
        """
        name, operation = ENDPOINTS[endpoint]
        dialect = DIALECTS[name]
        exchange = begin({}, self._propagation, ROUTE, dialect, operation)
        if principal is not None:
            exchange.admit(principal)
        outlet = _Kept(dialect)
        headers = ((b"idempotency-key", key.encode()),)
        hint = Hint(operation=operation, headers=headers)

        async def read() -> bytes:
            if _asks_for_stream(body):
                raise BadCall("a batch cannot be streamed", "stream")
            return body

        await self._dispatch.serve(exchange, b"", read, hint, outlet)
        return Said(
            exchange.status,
            outlet.body,
            exchange.request_id,
            exchange,
            outlet.retry_after,
        )


class _Kept:
    """An `Outlet` that keeps the answer."""

    def __init__(self, dialect: Dialect) -> None:
        self.body = b""
        self.retry_after: float | None = None
        self._dialect = dialect

    async def whole(self, exchange: Exchange, result: Result) -> None:
        assert exchange.call is not None
        body = self._dialect.write_result(result, exchange.call)
        self.body = body.body if isinstance(body, Medium) else body
        exchange.status = 200
        exchange.response_bytes = len(self.body)
        if exchange.content:
            exchange.response += self.body

    async def stream(self, exchange: Exchange, stream: Stream) -> UpstreamError | None:
        raise TypeError("a batch cannot be streamed")

    async def explained(self, exchange: Exchange, decision: bytes) -> None:
        raise TypeError("a line of a batch has no headers that could ask for it")

    async def refuse(self, exchange: Exchange, error: Exception) -> None:
        told = tell(error, exchange.request_id)
        exchange.status = told.status
        self.body = self._dialect.write_error(told)
        if told.status in MAY_PASS:
            self.retry_after = told.retry_after or 0.0


def _asks_for_stream(body: bytes) -> bool:
    try:
        return bool(_streams(body).stream)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False  # the dialect will say what is wrong
