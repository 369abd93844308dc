"""The Cohere family: chat, embed and rerank; clients speak embed and rerank to us.

Requests are of v2, whatever version the configured address ends with.
"""

from typing import Final

from adapters import signing
from adapters.cohere import answer, embed, request, rerank, stream
from adapters.cohere.wire import CHAT, EMBED, RERANK, TITLE, encode
from adapters.contract import (
    Call,
    Encoder,
    Hint,
    Operation,
    Result,
    Target,
    Told,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.errors import Unsupported, UpstreamError
from adapters.normal.chat import ChatCall
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.rerank import RerankCall, RerankResult
from adapters.openai import errors

_JSON: Final = ((b"content-type", b"application/json"),)
_VERSIONS: Final = ("/compatibility/v1", "/v1", "/v2")


class Cohere:
    """The half that speaks to providers."""

    dialect = CHAT
    operations = frozenset({Operation.chat, Operation.embed, Operation.rerank})

    def speaks(self, dialect: str) -> bool:
        """Those of its dialects that clients speak."""
        return dialect in (EMBED, RERANK)

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: the API cannot say it.
            BadCall: the body does not follow its own dialect.
        """
        if isinstance(call, EmbedCall):
            body, dropped = embed.write(call, target)
            return WireRequest(_head(target, "/v2/embed"), body, (), dropped)
        if isinstance(call, RerankCall):
            body, dropped = rerank.write(call, target)
            return WireRequest(_head(target, "/v2/rerank"), body, (), dropped)
        if not isinstance(call, ChatCall) or call.operation == "count_tokens":
            raise Unsupported(f"{TITLE} cannot do that", "operation")
        body, dropped = request.write(call, target)
        return WireRequest(_head(target, "/v2/chat"), body, (), dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, EmbedCall):
            return embed.parse(response, call)
        if isinstance(call, RerankCall):
            return rerank.parse(response, call)
        return answer.read(response)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> stream.Events:
        """A decoder for one streamed answer."""
        return stream.Events()


class EmbedDialect:
    """/v2/embed, the half that speaks to clients."""

    name = EMBED

    def read_call(self, body: bytes, hint: Hint) -> EmbedCall:
        """The call. Raises `BadCall`."""
        return embed.read_call(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes:
        """The vectors."""
        if not isinstance(result, EmbedResult) or not isinstance(call, EmbedCall):
            raise TypeError("an embed call is answered with vectors")
        return embed.reply(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """Vectors are not streamed."""
        raise TypeError("vectors are not streamed")

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return write_error(told)


class RerankDialect:
    """/v2/rerank, the half that speaks to clients."""

    name = RERANK

    def read_call(self, body: bytes, hint: Hint) -> RerankCall:
        """The call. Raises `BadCall`."""
        return rerank.read_call(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes:
        """The ranks."""
        if not isinstance(result, RerankResult) or not isinstance(call, RerankCall):
            raise TypeError("a rerank call is answered with ranks")
        return rerank.reply(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """Ranks are not streamed."""
        raise TypeError("ranks are not streamed")

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return write_error(told)


def write_error(told: Told) -> bytes:
    """Cohere's error body, whose SDK tells errors by their status; with OpenAI's beside
    it, for the many clients of others that rerank by the same paths."""
    error = {"message": told.message, "type": told.type, "code": told.code}
    return encode({"id": told.request_id, "message": told.message, "error": error})


def _head(target: Target, path: str) -> WireHead:
    """The head for a path, made once."""
    head = target.heads.get(path)
    if head is None:
        base = target.base_url.rstrip("/")
        for version in _VERSIONS:
            base = base.removesuffix(version)
        lines = signing.headers(_JSON, signing.auth_headers(target), target.headers)
        head = target.heads[path] = WireHead("POST", base + path, lines)
    return head


UPSTREAM: Final = Cohere()
EMBED_DIALECT: Final = EmbedDialect()
RERANK_DIALECT: Final = RerankDialect()
