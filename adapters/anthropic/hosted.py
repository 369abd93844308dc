"""The Messages API at hosts that put the model into the path.

Beside that a host wants its own version word in the body, and refuses beta flags and
fields of Anthropic's own service. Sources: anthropic-sdk-python 2.12.0 (`lib/vertex`);
docs.claude.com, Claude on Vertex AI; LiteLLM 1.109's table of beta flags.
"""

from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Raw

from adapters import envelope, signing
from adapters.anthropic import family
from adapters.contract import Call, Headers, Target, WireHead, WireRequest
from adapters.errors import BadCall, ByAddress, Unsupported
from adapters.normal.chat import ChatCall

_BETA: Final = b"anthropic-beta"
_VERSION: Final = b"anthropic-version"
_JSON: Final[Headers] = ((b"content-type", b"application/json"),)


class Host(msgspec.Struct, frozen=True):
    """How a host deviates."""

    title: str
    version: str
    """`anthropic_version` of the body."""
    betas: tuple[str, ...]
    """Beginnings of the beta flags that it knows."""
    renamed: dict[str, str]
    """Beta flags under another name."""
    drop: frozenset[str]
    """Top-level fields that it refuses."""
    path: str
    path_stream: str
    path_count: str


VERTEX: Final = Host(
    title="Anthropic on Vertex AI",
    version="vertex-2023-10-16",
    betas=(
        "compact-",
        "computer-use-",
        "context-1m-",
        "context-management-",
        "interleaved-thinking-",
        "tool-search-tool-",
        "web-search-",
    ),
    renamed={"advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19"},
    drop=frozenset(
        {
            *("cache_control", "container", "fallbacks", "inference_geo"),
            *("mcp_servers", "service_tier", "speed"),
        }
    ),
    path="/publishers/anthropic/models/{model}:rawPredict",
    path_stream="/publishers/anthropic/models/{model}:streamRawPredict",
    path_count="/publishers/anthropic/models/count-tokens:rawPredict",
)


class Hosted(family.Messages):
    """The half that speaks to such a host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: the host cannot say it.
            BadCall: the body does not follow its own dialect.
        """
        plain = super().build_request(call, target)
        if not isinstance(call, ChatCall):
            raise Unsupported("Anthropic has no embeddings", "input")
        count = call.operation == "count_tokens"
        kept, gone = self._betas(target, plain)
        body, dropped = self._body(plain.body, count)
        if (dropped or gone) and target.strict:
            first = (*dropped, *gone)[0]
            raise Unsupported(f"{self.host.title} knows no {first}", first)
        headers = tuple(p for p in plain.headers if p[0] not in (_BETA, _VERSION))
        if kept:
            headers = (*headers, (_BETA, ",".join(kept).encode()))
        return WireRequest(
            self._head(target, stream=call.stream, count=count),
            body,
            headers,
            (*plain.dropped, *dropped, *gone),
        )

    def _body(self, body: bytes, count: bool) -> tuple[bytes, list[str]]:
        """The body with the host's version, and what of it the host refuses."""
        top = envelope.fields(body)
        if b'"url"' in body and _has_url(top):
            told = f"{self.host.title} takes no pictures or documents by their address"
            raise ByAddress(f"{told}: send them as base64", "messages")
        gone = [name for name in top if name in self.host.drop]
        changes = {"anthropic_version": msgspec.json.encode(self.host.version)}
        remove = {*gone} if count else {"model", *gone}
        return envelope.replace(body, changes, frozenset(remove)), gone

    def _betas(self, target: Target, plain: WireRequest) -> tuple[list[str], list[str]]:
        """Beta flags of the configuration and the client: those the host knows, and
        the others."""
        lines = [v for k, v in (*target.headers, *plain.headers) if k.lower() == _BETA]
        flags = (f.strip() for line in lines for f in line.decode("latin-1").split(","))
        kept: dict[str, None] = {}
        gone: dict[str, None] = {}
        for flag in filter(None, flags):
            name = self.host.renamed.get(flag, flag)
            known = name.startswith(self.host.betas)
            (kept if known else gone)[name if known else f"anthropic-beta: {flag}"] = (
                None
            )
        return [*kept], [*gone]

    def _head(self, target: Target, *, stream: bool, count: bool) -> WireHead:
        host = self.host
        path = host.path_stream if stream else host.path
        path = host.path_count if count else path
        head = target.heads.get(path)
        if head is None:
            if not target.model or "/" in target.model:
                raise BadCall(f"{target.model!r} is not the name of a model", "model")
            path_ = path.replace("{model}", quote(target.model, safe="@-._~"))
            extra = tuple(p for p in target.headers if p[0].lower() != _BETA)
            lines = signing.headers(_JSON, signing.auth_headers(target), extra)
            head = WireHead("POST", target.base_url + path_, lines)
            target.heads[path] = head
        return head


class _Source(msgspec.Struct, frozen=True):
    type: str = ""


class _Block(msgspec.Struct, frozen=True):
    source: _Source | str | None = None
    content: Raw = Raw(b"")


class _Turn(msgspec.Struct, frozen=True):
    content: Raw = Raw(b"")


_turns = msgspec.json.Decoder(list[_Turn])
_blocks = msgspec.json.Decoder(list[_Block])


def _has_url(top: dict[str, Raw]) -> bool:
    """Whether a picture or document is told by its address, in a turn or in what a
    tool gave back."""
    try:
        turns = _turns.decode(top.get("messages", Raw(b"[]")))
        return any(_in_blocks(turn.content) for turn in turns)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False  # the host will say what is wrong with it


def _in_blocks(content: Raw) -> bool:
    if bytes(memoryview(content)[:1]) != b"[":
        return False
    for block in _blocks.decode(content):
        if isinstance(block.source, _Source) and block.source.type == "url":
            return True
        if block.content and _in_blocks(block.content):
            return True
    return False


ON_VERTEX: Final = Hosted(VERTEX)
