"""The Ollama family: what `ollama serve` speaks besides its copy of OpenAI's API.

Its own API carries what the copy has no words for: `num_ctx` and the other options,
`keep_alive`, whether to think, tool results by name.
"""

from typing import Final

from adapters import signing
from adapters.contract import (
    Call,
    Operation,
    Result,
    Target,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.errors import Unsupported, UpstreamError
from adapters.normal.chat import ChatCall
from adapters.normal.embed import EmbedCall
from adapters.ollama import answer, embed, request
from adapters.ollama.wire import CHAT, TITLE
from adapters.openai import errors

_JSON: Final = ((b"content-type", b"application/json"),)


class Ollama:
    """The half that speaks to providers; no client speaks it to us."""

    dialect = CHAT
    operations = frozenset({Operation.chat, Operation.complete, Operation.embed})

    def speaks(self, dialect: str) -> bool:
        """No client's dialect."""
        return dialect == CHAT

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: Ollama cannot say it.
            BadCall: the body does not follow its own dialect.
        """
        if isinstance(call, EmbedCall):
            body, dropped = embed.write(call, target)
            return WireRequest(_head(target, "/api/embed"), body, (), dropped)
        if not isinstance(call, ChatCall) or call.operation == "count_tokens":
            raise Unsupported(f"{TITLE} cannot do that", "operation")
        body, path, dropped = request.write(call, target)
        return WireRequest(_head(target, path), body, (), dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, EmbedCall):
            return embed.read(response, call)
        return answer.read(response)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> answer.Lines:
        """A decoder for one streamed answer."""
        return answer.Lines()


def _head(target: Target, path: str) -> WireHead:
    """The head for a path, made once. An address that ends as the one of its copy of
    OpenAI's API does is understood, too."""
    head = target.heads.get(path)
    if head is None:
        base = target.base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")
        lines = signing.headers(_JSON, signing.auth_headers(target), target.headers)
        head = target.heads[path] = WireHead("POST", base + path, lines)
    return head


UPSTREAM: Final = Ollama()
