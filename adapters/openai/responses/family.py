"""The Responses API, both halves.

`UPSTREAM` speaks it to providers whatever the client speaks; the family `openai` does
so for clients of this dialect only, where the provider's row says `responses`.
"""

from typing import Final

from adapters.contract import (
    Call,
    Decoder,
    Hint,
    Operation,
    Result,
    Target,
    Told,
    WireRequest,
    WireResponse,
)
from adapters.errors import Unsupported, UpstreamError
from adapters.framing.sse import MAX_EVENT
from adapters.normal.chat import ChatCall
from adapters.normal.delta import Frame
from adapters.openai import errors, wire
from adapters.openai.responses import answer, asked, calls, replies
from adapters.openai.responses.stream import ResponsesDecoder
from adapters.openai.stream import StreamDecoder


class Responses:
    """The half that speaks to providers."""

    dialect = wire.RESPONSES
    operations = frozenset(
        {Operation.chat, Operation.complete, Operation.count_tokens, Operation.compact}
    )

    def speaks(self, dialect: str) -> bool:
        """Its own."""
        return dialect == wire.RESPONSES

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: the API cannot say it.
            BadCall: the body does not follow its own dialect.
        """
        if not isinstance(call, ChatCall):
            raise Unsupported("the Responses API has no such call", "operation")
        return asked.build(call, target)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, ChatCall) and call.operation == Operation.count_tokens:
            return answer.read_count(response)
        return answer.read(response)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for one streamed answer."""
        return ResponsesDecoder(call)


class EitherDecoder:
    """A stream of this API or of chat completions: which, its first event tells."""

    __slots__ = ("_call", "_decoder", "_held", "_plain")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._held = b""
        self._decoder: Decoder | None = None
        self._plain = False
        """The bytes are no client's of this call."""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`."""
        if self._decoder is None:
            self._held += data
            at = self._held.find(b"data:")
            whole = at >= 0 and self._held.find(b"\n", at) >= 0
            if not whole and len(self._held) < MAX_EVENT:
                return []
            data, self._held = self._held, b""
            return self._bare(self._chosen(data).feed(data))
        return self._bare(self._decoder.feed(data))

    def close(self) -> list[Frame]:
        """The last frames."""
        held, self._held = self._held, b""
        decoder = self._decoder or self._chosen(held)
        return self._bare([*decoder.feed(held), *decoder.close()])

    def _chosen(self, data: bytes) -> Decoder:
        self._plain = b'"chat.completion' in data or b'"choices"' in data
        decoder: Decoder = (
            StreamDecoder(self._call) if self._plain else ResponsesDecoder(self._call)
        )
        self._decoder = decoder
        return decoder

    def _bare(self, frames: list[Frame]) -> list[Frame]:
        if not self._plain:
            return frames
        return [Frame(b"", frame.deltas) for frame in frames]


class ResponsesDialect:
    """The half that speaks to clients."""

    name = wire.RESPONSES

    def read_call(self, body: bytes, hint: Hint) -> ChatCall:
        """The head of the call. Raises `BadCall`."""
        return calls.read(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes:
        """The whole answer."""
        return replies.whole(result, _chat_call(call))

    def write_stream(self, call: Call, source: str) -> replies.ResponsesEncoder:
        """An encoder for a stream. The decoders of this family leave no `raw` in
        frames that are not of the call's own dialect."""
        return replies.ResponsesEncoder(_chat_call(call), source)

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return errors.write(told)


def _chat_call(call: Call) -> ChatCall:
    if not isinstance(call, ChatCall):
        raise TypeError("not a responses call")
    return call


UPSTREAM: Final = Responses()
RESPONSES: Final = ResponsesDialect()
