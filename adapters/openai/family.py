"""The OpenAI family: chat and legacy completions, embeddings, responses; both halves.

Source: platform.openai.com/docs/api-reference, openai-python 3.54.0. Spoken, with many
accents, by most providers there are: what differs is data (`contract.Quirks`), or
tolerated and mended (`adapters.openai.mend`).
"""

from typing import Final

from adapters import ranks
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
from adapters.normal.chat import ChatCall
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.rerank import RerankCall
from adapters.openai import (
    answer,
    body,
    calls,
    embeddings,
    errors,
    reasoning,
    replies,
    request,
    wire,
)
from adapters.openai import fields as f
from adapters.openai.encode import ChatEncoder, TextEncoder
from adapters.openai.media import family as media
from adapters.openai.responses import answer as responses_answer
from adapters.openai.responses import asked
from adapters.openai.responses import family as responses
from adapters.openai.stream import StreamDecoder
from adapters.openai.words import DATA_ONLY, official

_OURS: Final = frozenset(
    {wire.CHAT, wire.COMPLETIONS, wire.EMBEDDINGS, wire.RESPONSES, *wire.MEDIA}
)


class OpenAI:
    """The half that speaks to providers."""

    dialect = wire.CHAT
    operations = frozenset(
        {
            Operation.chat,
            Operation.complete,
            Operation.embed,
            Operation.count_tokens,
            Operation.compact,
            Operation.rerank,
            *media.OPERATIONS,
        }
    )

    def speaks(self, dialect: str) -> bool:
        """All of its own."""
        return dialect in _OURS

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target. A legacy completion goes to the chat API where the
        provider has no other, and so does a call of the Responses API where the
        provider's row does not say that it has it.

        Raises:
            Unsupported: the API cannot say it.
            BadCall: the body does not follow its own dialect.
        """
        if isinstance(call, EmbedCall):
            written, dropped = embeddings.build(call, target)
            headers = call.headers if call.dialect in _OURS else ()
            return WireRequest(request.head(target, "embed"), written, headers, dropped)
        if isinstance(call, RerankCall):
            return _rerank(call, target)
        if not isinstance(call, ChatCall):
            return media.build(call, target)
        if call.dialect == wire.RESPONSES and asked.native(target, call.operation):
            return asked.build(call, target)
        if call.operation == "count_tokens":
            raise Unsupported("chat completions count no tokens", "operation")
        operation = "chat"
        if call.dialect == wire.CHAT and call.raw and not _carries(call, target):
            written, dropped = request.same(call, target)
        elif call.dialect == wire.COMPLETIONS and call.raw and _completes(target):
            operation = "complete"
            written, dropped = request.same(call, target)
        else:
            written, dropped = body.write(call, target)
        head = request.head(target, operation, stream=call.stream)
        headers = call.headers if call.headers and call.dialect in _OURS else ()
        return WireRequest(head, written, headers, dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, EmbedCall):
            return embeddings.parse(response, call)
        if isinstance(call, RerankCall):
            return ranks.read(response, call)
        if not isinstance(call, ChatCall):
            return media.parse(response, call)
        if call.dialect == wire.RESPONSES and responses_answer.known(response.body):
            return responses.UPSTREAM.parse_response(response, call)
        return answer.read(response, call.model, call.operation)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for one streamed answer."""
        if not isinstance(call, ChatCall):
            return media.decoder(call)
        if call.dialect == wire.RESPONSES:
            return responses.EitherDecoder(call)
        return StreamDecoder(call)


def _rerank(call: RerankCall, target: Target) -> WireRequest:
    """Not OpenAI's own: what many who copy it have copied from Cohere."""
    body = ranks.body(call, target.model, objects=True)
    if call.max_tokens_per_doc is not None:
        body["max_tokens_per_doc"] = call.max_tokens_per_doc
    top = {name: f.plain(value) for name, value in {**body, **call.extra}.items()}
    written, dropped = request.finished(top, target)
    return WireRequest(request.head(target, "rerank"), written, (), dropped)


def _carries(call: ChatCall, target: Target) -> bool:
    """Whether the body holds what we gave the client for another family's sake, and
    OpenAI itself would not take; or pictures by address, for who takes none."""
    raw, provider = call.raw, target.provider
    if provider.id in DATA_ONLY and b'"image_url"' in raw:
        return b'"http' in raw
    return official(provider, target.base_url) and reasoning.travels(raw)


def _completes(target: Target) -> bool:
    return Operation.complete in target.provider.operations


class ChatDialect:
    """Chat completions, the half that speaks to clients."""

    name = wire.CHAT

    def read_call(self, body: bytes, hint: Hint) -> ChatCall:
        """The head of the call. Raises `BadCall`."""
        return calls.read_chat(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes:
        """The whole answer."""
        return replies.chat(result, _chat_call(call))

    def write_stream(self, call: Call, source: str) -> ChatEncoder:
        """An encoder for a stream whose frames' `raw` is of dialect `source`."""
        return ChatEncoder(_chat_call(call), relay=source == wire.CHAT)

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return errors.write(told)


class CompletionsDialect:
    """Legacy completions, the half that speaks to clients."""

    name = wire.COMPLETIONS

    def read_call(self, body: bytes, hint: Hint) -> ChatCall:
        """The head of the call. Raises `BadCall`."""
        return calls.read_text(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes:
        """The whole answer."""
        return replies.text(result, _chat_call(call))

    def write_stream(self, call: Call, source: str) -> TextEncoder:
        """An encoder for a stream. This family's decoder leaves no `raw` in frames
        that are not of the call's own dialect."""
        return TextEncoder(_chat_call(call), relay=source in _OURS)

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return errors.write(told)


class EmbeddingsDialect:
    """Embeddings, the half that speaks to clients."""

    name = wire.EMBEDDINGS

    def read_call(self, body: bytes, hint: Hint) -> EmbedCall:
        """The call. Raises `BadCall`."""
        return embeddings.read_call(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes:
        """The vectors."""
        if not isinstance(result, EmbedResult) or not isinstance(call, EmbedCall):
            raise TypeError("an embeddings call is answered with vectors")
        return embeddings.write(result, call)

    def write_stream(self, call: Call, source: str) -> ChatEncoder:
        """Vectors are not streamed."""
        raise TypeError("vectors are not streamed")

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return errors.write(told)


def _chat_call(call: Call) -> ChatCall:
    if not isinstance(call, ChatCall):
        raise TypeError("not a chat call")
    return call


UPSTREAM: Final = OpenAI()
CHAT: Final = ChatDialect()
COMPLETIONS: Final = CompletionsDialect()
EMBEDDINGS: Final = EmbeddingsDialect()
RESPONSES: Final = responses.RESPONSES
RESPONSES_UPSTREAM: Final = responses.UPSTREAM
