"""One try of one deployment: ask, until an answer has begun."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple, NoReturn
from urllib.parse import parse_qsl, urlencode

import msgspec

from adapters import envelope, estimate
from adapters.contract import (
    Call,
    Decoder,
    Headers,
    Operation,
    Result,
    Stepwise,
    WireRequest,
    WireResponse,
)
from adapters.errors import ByAddress, Garbled, Uncounted, Unsupported, UpstreamError
from adapters.framing import multipart
from adapters.names import spoken
from adapters.normal.chat import ChatCall, TokenCount
from adapters.normal.delta import Failed, Frame, Used
from adapters.normal.fold import unfold
from gateway.deployments import Deployment
from gateway.net.client import Limits
from gateway.net.hangup import is_unsent
from gateway.net.loopback import Answer
from gateway.spine.book import Try
from gateway.spine.exchange import Exchange
from gateway.spine.fetch import Fetcher
from gateway.spine.portions import apart, together
from gateway.spine.steps import followed, stepwise
from gateway.telemetry.context import Propagation

MAX_ERROR_BODY: Final = 256 * 1024
"""Bytes of an error answer that are read at all."""


ALLOWANCE: Final = (b"x-ratelimit-", b"anthropic-ratelimit-")
"""Headers of providers that clients and their SDKs read too."""
LEAST_WAIT_S: Final = 0.05
"""What is left for a try when the client's own wait is over."""
MAX_SILENT: Final = 1024 * 1024
"""Bytes of a stream of words that may pass before it says anything."""
MAX_MEDIUM: Final = 64 * 1024 * 1024
"""The same where an event may hold a picture."""
_STREAMED: Final = (b"event-stream", b"ndjson", b"jsonl")
"""Content types of answers that come piece by piece."""
_WHOLE: Final = (b"{", b"[", b"<")
"""How an answer begins that is no stream, whatever its type says."""


class Stream:
    """A streamed answer that has begun: the first frame that speaks is at hand."""

    __slots__ = (
        "_decoder",
        "_reply",
        "book",
        "content_type",
        "ended",
        "frames",
        "source",
    )

    def __init__(
        self,
        book: Try,
        frames: list[Frame],
        source: str,
        reply: Answer | None,
        decoder: Decoder | None,
        content_type: bytes = b"",
    ) -> None:
        self.book = book
        self.content_type = content_type
        """As the provider said it."""
        self.frames = frames
        """Those read so far, in order."""
        self.source = source
        """The dialect of the frames' `raw`."""
        self._reply = reply
        self._decoder = decoder
        self.ended = reply is None

    async def read(self) -> list[Frame]:
        """More frames; sets `ended` with the last ones.

        Raises:
            UpstreamError: the connection broke or stalled.
        """
        if self._reply is None or self._decoder is None:
            return []
        data = await self._reply.read()
        if data:
            return self._decoder.feed(data)
        self.ended = True
        return self._decoder.close()

    def close(self) -> None:
        """Let go of the connection; cuts it when the answer is not over."""
        if self._reply is not None:
            self._reply.close()


class Broken(Exception):
    """An attempt that failed, with its book; never leaves this package's files."""

    def __init__(self, book: Try, error: UpstreamError) -> None:
        super().__init__(error.message)
        self.book = book
        self.error = error


class Whole(NamedTuple):
    """A whole answer."""

    result: Result
    deployment: Deployment
    book: Try | None
    """`None`: nobody was asked, we answered by ourselves."""


Answered = Whole | Stream


class Means(NamedTuple):
    """What an attempt needs besides its deployment."""

    propagation: Propagation
    fetcher: Fetcher


async def attempt(
    exchange: Exchange,
    call: Call,
    deployment: Deployment,
    means: Means,
    *,
    hedge: bool = False,
) -> Answered:
    """Ask one deployment.

    Raises:
        Broken: it did not serve; the book is closed.
        Unsupported, BadCall: the call cannot be asked there; nothing was sent.
    """
    counts = exchange.operation is Operation.count_tokens
    if counts and Operation.count_tokens not in deployment.upstream.operations:
        return Whole(_estimated(call), deployment, None)
    try:
        portions, wires = await _worded(exchange, call, deployment, means)
    except Unsupported:
        if not counts:
            raise
        return Whole(_estimated(call), deployment, None)
    book = Try(exchange, deployment, means.propagation.span_id(), hedge=hedge)
    wire = wires[0]
    if wire.dropped:
        book.dropped = _spoken(wire.dropped, call.dialect)
    extra = _traced(exchange, means.propagation, book)
    deadline = min(exchange.deadline, book.started + deployment.total_s)
    try:
        steps = stepwise(call, deployment)
        if call.stream and steps is None:
            return await _open(exchange, portions[0], book, wire, deadline, extra)
        ask = partial(_ask, book, deadline, extra, steps)
        result = await together(ask, portions, wires, book)
        return _complete(result, call, book)
    except asyncio.CancelledError as cancelled:
        book.cancelled(sent=not is_unsent(cancelled))
        raise
    except UpstreamError as error:
        book.failed(error)
        if isinstance(error, Uncounted):
            return Whole(_estimated(call), deployment, None)
        raise Broken(book, error) from error
    except Exception as error:
        book.failed(error)
        raise


def _complete(result: Result, call: Call, book: Try) -> Answered:
    """What was answered whole, as a stream for who wants one."""
    book.heard(streamed=call.stream)
    if call.stream:
        return Stream(book, unfold(result), "", None, None)
    return Whole(result, book.deployment, book)


async def _worded(
    exchange: Exchange, call: Call, deployment: Deployment, means: Means
) -> tuple[Sequence[Call], list[WireRequest]]:
    """The call in the deployment's words, in portions where it must be; what is named
    by address is fetched where only its data is taken."""
    portions = apart(call, deployment)
    try:
        return portions, [_wire(portion, deployment) for portion in portions]
    except ByAddress as unsupported:
        if exchange.operation is Operation.count_tokens:
            raise
        needed = unsupported
    try:
        call = await means.fetcher.inline(exchange, call, needed)
    finally:
        del needed  # its traceback holds this very frame
    portions = apart(call, deployment)
    return portions, [_wire(portion, deployment) for portion in portions]


def _spoken(names: tuple[str, ...], dialect: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([spoken(name, dialect) for name in names]))


def _traced(exchange: Exchange, propagation: Propagation, book: Try) -> Headers:
    trace = exchange.trace
    if trace.sampled or trace.parent_id:
        return propagation.outgoing(trace, book.span_id)
    return ()


def _estimated(call: Call) -> TokenCount:
    """A token count by ourselves, for a family that cannot count."""
    if not isinstance(call, ChatCall):
        raise Unsupported("only the tokens of a conversation can be counted", "model")
    return TokenCount(estimate.conversation(call.conversation()), estimated=True)


async def _ask(
    book: Try,
    deadline: float,
    extra: Headers,
    steps: Stepwise | None,
    call: Call,
    wire: WireRequest,
) -> Result:
    deployment = book.deployment
    # A whole answer has no first token before its last: only the deadline counts.
    limits = Limits(deployment.limits.connect_s, 86_400.0, 86_400.0)
    response = await deployment.client.ask(wire, limits, deadline, extra)
    if steps is not None:
        ask = partial(deployment.client.ask, limits=limits, deadline=deadline)
        response = await followed(steps, wire, response, deployment, ask, deadline)
    if not 200 <= response.status < 300:
        raise deployment.upstream.parse_error(response)
    book.allowance = _allowance(response.headers)
    result = deployment.upstream.parse_response(response, call)
    book.used(result.usage)
    return result


async def _open(
    exchange: Exchange,
    call: Call,
    book: Try,
    wire: WireRequest,
    deadline: float,
    extra: Headers,
) -> Stream:
    deployment = book.deployment
    limits = deployment.limits
    if exchange.first_token_limit is not None:
        left = exchange.began + exchange.first_token_limit - book.started
        first = min(limits.first_token_s, max(left, LEAST_WAIT_S))
        limits = Limits(limits.connect_s, first, limits.idle_s)
    reply = await deployment.client.open(wire, limits, deadline, extra)
    try:
        if not 200 <= reply.status < 300:
            await _refused(reply, deployment)
        book.allowance = _allowance(reply.headers)
        kind = _kind(reply.headers)
        streams = any(word in kind for word in _STREAMED)
        if b"json" in kind and not streams:
            return await _whole_as_stream(call, book, reply, b"")
        head = b""
        if not streams and call.events:
            head = await reply.read()
        if head and head[:64].lstrip()[:1] in _WHOLE:
            return await _whole_as_stream(call, book, reply, head)
        decoder = deployment.upstream.parse_stream(call)
        silent = MAX_SILENT if isinstance(call, ChatCall) else MAX_MEDIUM
        frames, ended = await _peek(reply, decoder, book, head, silent)
    except BaseException:
        reply.close()
        raise
    # A place that speaks several grammars tells with its first frame which one it is.
    source = getattr(decoder, "dialect", deployment.upstream.dialect)
    stream = Stream(book, frames, source, reply, decoder, kind)
    stream.ended = ended
    return stream


async def _refused(reply: Answer, deployment: Deployment) -> NoReturn:
    body = await reply.body(MAX_ERROR_BODY)
    response = WireResponse(reply.status, reply.headers, body)
    raise deployment.upstream.parse_error(response)


async def _peek(
    reply: Answer, decoder: Decoder, book: Try, head: bytes, silent: int
) -> tuple[list[Frame], bool]:
    """Frames up to the first read that speaks, and whether the stream is over.

    Providers answer 200 and then send an error event: until something was said, such
    an error is as good as a status, and the next deployment may be tried.
    """
    frames: list[Frame] = []
    kept = 0
    while True:
        data = head or await reply.read()
        head = b""
        kept += len(data)
        if kept > silent:
            raise Garbled(f"the stream said nothing in {silent} bytes")
        got = decoder.feed(data) if data else decoder.close()
        for place, frame in enumerate(got):
            frames.append(frame)
            if frame.speaks:
                book.heard(streamed=True)
                return frames + got[place + 1 :], not data
            _silent(frame, book)
        if not data:
            raise Garbled("the stream ended without an answer")
        reply.unspoken()


def _silent(frame: Frame, book: Try) -> None:
    """What a frame tells before the answer begins."""
    for delta in frame.deltas:
        if isinstance(delta, Failed):
            raise delta.error
        if isinstance(delta, Used):
            book.usage = delta.usage


async def _whole_as_stream(call: Call, book: Try, reply: Answer, head: bytes) -> Stream:
    """A provider that ignored `stream` and answered whole."""
    body = head + await reply.body()
    reply.close()
    upstream = book.deployment.upstream
    response = WireResponse(reply.status, reply.headers, body)
    result = upstream.parse_response(response, call)
    book.heard(streamed=True)
    kind = getattr(result, "media_type", "").encode("latin-1")
    return Stream(book, unfold(result), "", None, None, kind)


def _allowance(headers: Headers) -> Headers:
    """What the provider says is left of our rate limits there."""
    return tuple([h for h in headers if h[0].startswith(ALLOWANCE)])


def _kind(headers: Headers) -> bytes:
    """The content type, in lower case; empty when there is none."""
    for name, value in headers:
        if name == b"content-type":
            return value.lower()
    return b""


def _wire(call: Call, deployment: Deployment) -> WireRequest:
    wire = deployment.upstream.build_request(call, deployment.target)
    if not deployment.params and not deployment.drop:
        return wire
    if wire.boundary:
        return _form(wire, deployment)
    if wire.body[:64].lstrip()[:1] != b"{":
        return _asked(wire, deployment)
    top = envelope.fields(wire.body)
    changes = {
        name: filled
        for name, value in deployment.params.items()
        if (filled := envelope.filled(top.get(name), value)) is not None
    }
    gone = deployment.drop.intersection(top)
    if not changes and not gone:
        return wire
    body = envelope.replace(wire.body, changes, gone)
    dropped = (*wire.dropped, *sorted(gone))
    return msgspec.structs.replace(wire, body=body, dropped=dropped)


def _asked(wire: WireRequest, deployment: Deployment) -> WireRequest:
    """The same where the body is a file: its settings stand in the address."""
    url, _, query = wire.head.url.partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in deployment.params.items():
        if name not in asked:
            asked[name] = bytes(multipart.fields(name, value)[0].data).decode()
    kept = {name: value for name, value in asked.items() if name not in deployment.drop}
    head = msgspec.structs.replace(wire.head, url=f"{url}?{urlencode(kept)}")
    return msgspec.structs.replace(wire, head=head)


def _form(wire: WireRequest, deployment: Deployment) -> WireRequest:
    """The same for a body that is a form."""
    parts = multipart.read(wire.body, wire.boundary)
    names = {part.name.removesuffix("[]") for part in parts}
    added = [
        field
        for name, value in deployment.params.items()
        if name not in names
        for field in multipart.fields(name, value)
    ]
    gone = deployment.drop.intersection(names)
    if not added and not gone:
        return wire
    kept = [part for part in parts if part.name.removesuffix("[]") not in gone]
    body, boundary = multipart.write([*kept, *added])
    return msgspec.structs.replace(
        wire,
        body=body,
        boundary=boundary,
        headers=multipart.retyped(wire.headers, boundary),
        dropped=(*wire.dropped, *sorted(gone)),
    )
