"""What is handed on as it is: one request to one account, its answer as it comes.

Admission, record, timings, redaction and egress rules are those of model calls; there
is nothing to translate, and nobody else to ask when it fails.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from adapters.contract import Headers, WireHead, WireRequest, WireResponse
from adapters.errors import UpstreamError
from adapters.meter import Meter
from adapters.signing import auth_headers
from adapters.signing import headers as merged
from gateway.accounts import Account, Accounts
from gateway.net.client import Limits
from gateway.net.hangup import is_unsent
from gateway.net.loopback import Answer
from gateway.net.upload import Upload
from gateway.spine.attempt import MAX_ERROR_BODY
from gateway.spine.book import Try
from gateway.spine.exchange import Exchange
from gateway.telemetry.context import Propagation

MAX_KEPT: Final = 4 * 1024 * 1024
"""Bytes of an answer that are kept for the record."""
DAY_S: Final = 86_400.0
UNAUTHORIZED: Final = 401

_NOT_SENT: Final = frozenset(
    (
        # The client's own identity, here and elsewhere.
        *(b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie"),
        *(b"proxy-authorization", b"proxy-authenticate", b"forwarded", b"via"),
        *(b"openai-organization", b"openai-project", b"x-goog-user-project"),
        # Between the client and us: framing, codings, traces, the address asked for.
        *(b"host", b"content-length", b"transfer-encoding", b"connection", b"te"),
        *(b"keep-alive", b"upgrade", b"trailer", b"expect", b"accept-encoding"),
        *(b"traceparent", b"tracestate", b"baggage", b"x-request-id", b"origin"),
        *(b"referer", b"x-real-ip", b"true-client-ip", b"cf-connecting-ip"),
    )
)
_NOT_SENT_PREFIXES: Final = (b"x-routeiq-", b"x-forwarded-", b"sec-", b"proxy-")
_NOT_TOLD: Final = frozenset(
    (
        *(b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer"),
        *(b"upgrade", b"proxy-authenticate", b"set-cookie", b"alt-svc", b"date"),
        *(b"strict-transport-security", b"www-authenticate", b"x-request-id"),
        *(b"content-encoding", b"server"),
    )
)


class Errand(NamedTuple):
    """One request, as the provider shall have it."""

    method: str
    url: str
    headers: Headers
    """Cleaned: see `sendable`."""
    body: bytes = b""
    upload: Upload | None = None
    """In place of `body`: sent as it comes."""


class Carried:
    """An answer that has begun."""

    def __init__(self, reply: Answer, book: Try, headers: Headers) -> None:
        self.status = reply.status
        self.headers = headers
        """As a client may have them."""
        self.book = book
        self._reply = reply

    async def take(self, *, billed: bool = False) -> bytes:
        """All of it, at most `egress.max_response_bytes`, for who reads it here;
        closes the book. What is `billed` has a cost that nobody knows. Raises
        `UpstreamError`."""
        try:
            data = await self._reply.body()
        except UpstreamError as error:
            self.book.failed(error)
            raise
        except BaseException:
            self.book.cancelled()
            raise
        finally:
            self._reply.close()
        self.book.served(billed=billed)
        return data

    async def cut(self, cap: int) -> bytes:
        """The first `cap` bytes of it. Raises `UpstreamError`."""
        return await self._reply.body(cap)

    async def read(self) -> bytes:
        """More of it; empty at its end. Raises `UpstreamError`."""
        return await self._reply.read()

    def header(self, name: bytes) -> bytes:
        return next((value for key, value in self.headers if key == name), b"")

    def close(self) -> None:
        self._reply.close()


def sendable(headers: Headers, secret: bytes) -> Headers:
    """The client's headers that a provider may see: nothing of the connection, of the
    client's identity, or that holds `secret`, the key it came in with."""
    return tuple(
        (name, value)
        for name, value in headers
        if name not in _NOT_SENT
        and not name.startswith(_NOT_SENT_PREFIXES)
        and not (secret and secret in value)
    )


async def begin(
    exchange: Exchange, account: Account, errand: Errand, propagation: Propagation
) -> Carried:
    """Send it; returns with the head of an answer, whatever its status. The book is
    open: whoever reads the answer closes it.

    Raises:
        UpstreamError: there is none, or the provider refused our own credential.
    """
    exchange.served_by = account
    exchange.tries = 1
    book = Try(exchange, account, propagation.span_id())
    try:
        return await _begin(exchange, errand, book, propagation)
    except asyncio.CancelledError as cancelled:
        book.cancelled(sent=not is_unsent(cancelled))
        raise
    except Exception as error:
        book.failed(error)
        raise


async def _begin(
    exchange: Exchange, errand: Errand, book: Try, propagation: Propagation
) -> Carried:
    account, trace = book.deployment, exchange.trace
    target = account.target
    head = WireHead(
        errand.method,
        errand.url,
        merged(errand.headers, target.headers, auth_headers(target)),
    )
    extra: Headers = ()
    if trace.sampled or trace.parent_id:
        extra = propagation.outgoing(trace, book.span_id)
    # A whole answer has no first byte before its last: only the deadline counts.
    limits = Limits(account.limits.connect_s, DAY_S, account.limits.idle_s)
    reply = await account.client.open(
        WireRequest(head, errand.body), limits, exchange.deadline, extra, errand.upload
    )
    if reply.status == UNAUTHORIZED:
        body = await reply.body(MAX_ERROR_BODY)
        response = WireResponse(reply.status, reply.headers, body)
        raise account.upstream.parse_error(response)
    book.heard(streamed=True)
    redact = account.redactor.data
    told = tuple((n, redact(v)) for n, v in reply.headers if n not in _NOT_TOLD)
    return Carried(reply, book, told)


async def pour(
    exchange: Exchange,
    carried: Carried,
    accounts: Accounts,
    write: Callable[[bytes], Awaitable[None]],
    *,
    free: bool,
) -> None:
    """The answer to the client, counted on the way; closes the book. What is not
    `free` and tells no usage has a cost that nobody knows.

    Raises:
        UpstreamError: it broke; nothing more can be told.
    """
    book = carried.book
    meter = Meter(carried.header(b"content-type"))
    try:
        while data := await carried.read():
            meter.feed(data)
            keep(exchange, data)
            await write(data)
    except UpstreamError as error:
        _count(exchange, book, meter, accounts)
        book.failed(error)
        raise
    except BaseException:
        _count(exchange, book, meter, accounts)
        book.cancelled()
        raise
    finally:
        carried.close()
    _count(exchange, book, meter, accounts)
    book.served(billed=not free or exchange.usage is not None)


async def refusal(exchange: Exchange, carried: Carried) -> bytes:
    """The body of an answer that is an error, clean of what the provider may have
    been sent; closes the book. Raises `UpstreamError`."""
    book, account = carried.book, carried.book.deployment
    try:
        body = await carried.cut(MAX_ERROR_BODY)
    except UpstreamError as error:
        book.failed(error)
        raise
    response = WireResponse(carried.status, carried.headers, body)
    exchange.error = account.upstream.parse_error(response)
    book.failed(exchange.error)
    return account.redactor.data(body)


def keep(exchange: Exchange, data: bytes) -> None:
    """Note bytes of the answer for the record."""
    exchange.response_bytes += len(data)
    exchange.chunks += 1
    if exchange.content and len(exchange.response) < MAX_KEPT:
        exchange.response += data


def _count(exchange: Exchange, book: Try, meter: Meter, accounts: Accounts) -> None:
    """What it used and cost, as far as the answer told."""
    book.usage = exchange.usage = meter.close()
    exchange.served_model = meter.model
    book.price = accounts.price(book.deployment, meter.model)
