"""The echo family: a real family without a network.

Its requests go through the translation of every client dialect like anyone's; what
comes back is computed here (`respond`, `stream`), by whoever holds the client seam, for
wire requests whose address is `echo:`. For the demo, benchmarks and tests, and to show
a newcomer what a family is.
"""

import base64
import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from adapters import estimate
from adapters.contract import (
    Call,
    Operation,
    Result,
    Target,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.echo import answer, media, wire
from adapters.errors import BadRequest, Garbled, Unsupported, UpstreamError
from adapters.framing import sse
from adapters.normal.chat import ChatCall, ChatResult, Conversation, TokenCount
from adapters.normal.delta import Failed, Frame
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.usage import Usage

URL: Final = "echo:"
_JSON: Final = ((b"content-type", b"application/json"),)
_WORDS: Final = frozenset(
    {Operation.chat, Operation.complete, Operation.embed, Operation.count_tokens}
)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Echo:
    """The half that speaks to the provider; there is no other."""

    dialect = answer.FAMILY
    operations = _WORDS | media.OPERATIONS

    def speaks(self, dialect: str) -> bool:
        """No client's dialect."""
        return dialect == self.dialect

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: more choices or dimensions than it makes.
            BadCall: the body does not follow its own dialect.
        """
        if isinstance(call, EmbedCall):
            ask, dropped = _embedding(call, target.model), tuple(call.extra)
        elif not isinstance(call, ChatCall):
            ask, dropped = media.ask(call, target.model)
        else:
            asked = call.conversation()
            if (asked.n or 1) > answer.MAX_CHOICES:
                raise Unsupported(f"n is at most {answer.MAX_CHOICES}", "n")
            ask = wire.Ask(
                operation=Operation(call.operation),
                model=target.model,
                stream=call.stream,
                conversation=asked,
            )
            dropped = _unsaid(asked)
        if dropped and target.strict:
            raise Unsupported(f"the echo family cannot say {dropped[0]}", dropped[0])
        head = target.heads.get(URL)
        if head is None:
            head = target.heads[URL] = WireHead("POST", URL, _JSON)
        return WireRequest(head, wire.write(ask), dropped=dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer."""
        try:
            said = wire.read_said(response.body)
        except _UNREADABLE as error:
            raise Garbled(f"not an answer of the echo family: {error}") from error
        if isinstance(call, EmbedCall):
            return EmbedResult(vectors=said.vectors, usage=said.usage, model=said.model)
        if not isinstance(call, ChatCall):
            return media.result(said, call)
        if call.operation == "count_tokens":
            return TokenCount(said.usage.input)
        return ChatResult(
            id=said.id, model=said.model, usage=said.usage, choices=said.choices
        )

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        try:
            message = wire.read_wrong(response.body).error
        except _UNREADABLE:
            message = "the echo family could not answer"
        return BadRequest(message, status=response.status, body=response.body)

    def parse_stream(self, call: Call) -> "EchoDecoder":
        """A decoder for one streamed answer."""
        return EchoDecoder()


class EchoDecoder:
    """Events named after deltas -> frames."""

    __slots__ = ("_events", "_over")

    def __init__(self) -> None:
        self._events = sse.Splitter()
        self._over = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`."""
        frames: list[Frame] = []
        try:
            for event in self._events.feed(data):
                if self._over:
                    break
                self._take(event, frames)
        except UpstreamError as error:
            self._over = True
            frames.append(Frame(deltas=(Failed(error),)))
        return frames

    def close(self) -> list[Frame]:
        """Nothing, unless `end` never came."""
        if self._over:
            return []
        self._over = True
        error = Garbled("the stream ended before its end")
        return [Frame(deltas=(Failed(error),))]

    def _take(self, event: sse.Event, frames: list[Frame]) -> None:
        if event.name == wire.END:
            self._over = True
            return
        try:
            if event.name == wire.ERROR:
                raise BadRequest(wire.read_wrong(event.data).error, status=400)
            delta = wire.read_delta(event.name, event.data)
        except _UNREADABLE as error:
            raise Garbled(f"an unreadable event: {error}") from error
        if delta is not None:
            frames.append(Frame(deltas=(delta,)))


def respond(request: WireRequest) -> WireResponse:
    """The whole answer to a request; 400 for one that is not of this family."""
    try:
        ask = wire.read_ask(request.body)
    except _UNREADABLE as error:
        wrong = wire.write(wire.Wrong(f"not a request of the echo family: {error}"))
        return WireResponse(400, _JSON, wrong)
    return WireResponse(200, _JSON, wire.write(_said(ask, request.body)))


def streams(request: WireRequest) -> bool:
    """Whether the answer can come a piece at a time."""
    try:
        return wire.read_ask(request.body).operation not in media.OPERATIONS
    except _UNREADABLE:
        return True


def stream(request: WireRequest) -> Iterator[bytes]:
    """The answer to a chat request, an event at a time."""
    try:
        ask = wire.read_ask(request.body)
    except _UNREADABLE as error:
        wrong = wire.Wrong(f"not a request of the echo family: {error}")
        yield sse.write(wire.write(wrong), wire.ERROR)
        return
    said = _said(ask, request.body)
    yield from wire.events(answer.deltas(said.id, said.model, said.choices, said.usage))


def _said(ask: wire.Ask, body: bytes) -> wire.Said:
    id = answer.id_of(body)
    if ask.operation is Operation.embed:
        vectors: tuple[tuple[float, ...] | str, ...] = answer.vectors(
            ask.inputs, ask.dimensions
        )
        if ask.encoding == "base64":
            vectors = tuple(_packed(v) for v in vectors if not isinstance(v, str))
        return wire.Said(
            model=ask.model,
            vectors=vectors,
            usage=Usage(input=answer.input_tokens(ask.inputs)),
        )
    if ask.operation in media.OPERATIONS:
        return media.said(ask, id)
    asked = ask.conversation or Conversation()
    if ask.operation is Operation.count_tokens:
        counted = Usage(input=estimate.conversation(asked))
        return wire.Said(model=ask.model, usage=counted)
    choices = answer.chat(asked, ask.model, id)
    used = answer.usage(asked, choices)
    return wire.Said(id=id, model=ask.model, choices=choices, usage=used)


def _embedding(call: EmbedCall, model: str) -> wire.Ask:
    if (call.dimensions or 0) > answer.MAX_DIMENSIONS:
        most = answer.MAX_DIMENSIONS
        raise Unsupported(f"dimensions is at most {most}", "dimensions")
    return wire.Ask(
        operation=Operation.embed,
        model=model,
        inputs=call.inputs,
        dimensions=call.dimensions,
        encoding=call.encoding,
    )


def _unsaid(asked: Conversation) -> tuple[str, ...]:
    """What is asked that it has no notion of."""
    unsaid = list(asked.extra)
    if "audio" in asked.modalities:
        unsaid.append("modalities")
    if any(tool.kind == "opaque" for tool in asked.tools):
        unsaid.append("tools")
    return tuple(unsaid)


def _packed(vector: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


UPSTREAM: Final = Echo()
