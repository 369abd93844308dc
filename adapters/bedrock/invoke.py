"""Claude through InvokeModel: the Messages API in Bedrock's wrapping.

The body is that of Messages, but for what stands elsewhere: the model in the path,
streaming in the operation, beta flags in `anthropic_beta`. What Bedrock knows no word
for is left out and named; a cache marker of the whole request goes to its last block,
which is what it means.

Source: docs.aws.amazon.com/bedrock, "Anthropic Claude Messages API"; Anthropic, "Claude
on Amazon Bedrock" (2026-11).
"""

import base64
from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic import request as messages
from adapters.anthropic.wire import DIALECT as MESSAGES
from adapters.anthropic.wire import travels
from adapters.bedrock.models import Model
from adapters.bedrock.wire import call_part, encode, given
from adapters.contract import Headers, Hint, Quirks, Target
from adapters.envelope import fields
from adapters.errors import BadCall, Unsupported
from adapters.normal.chat import ChatCall
from adapters.openai import body as completions_body

VERSION: Final = Raw(b'"bedrock-2023-05-31"')
UNKNOWN: Final = (
    "container",
    "fallbacks",
    "inference_geo",
    "mcp_servers",
    "service_tier",
    "speed",
)
"""Members of Messages that Bedrock refuses."""
BETAS: Final = {
    "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
    "compact-2026-01-12": "compact-2026-01-12",
    "computer-use-2024-10-22": "computer-use-2024-10-22",
    "computer-use-2025-01-24": "computer-use-2025-01-24",
    "computer-use-2025-11-24": "computer-use-2025-11-24",
    "context-1m-2025-08-07": "context-1m-2025-08-07",
    "context-management-2025-06-27": "context-management-2025-06-27",
    "dev-full-thinking-2025-05-14": "dev-full-thinking-2025-05-14",
    "effort-2025-11-24": "effort-2025-11-24",
    "interleaved-thinking-2025-05-14": "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19": "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19": "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29": "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19": "tool-search-tool-2025-10-19",
}
"""Beta flags -> Bedrock's; any other is refused there with the whole call."""
_LEFT_OUT: Final = frozenset(
    {
        "claude-code-20250219",
        "fine-grained-tool-streaming-2025-05-14",
        "oauth-2025-04-20",
        "prompt-caching-2024-07-31",
        "prompt-caching-scope-2026-01-05",
        "extended-cache-ttl-2025-04-11",
        "max-tokens-3-5-sonnet-2024-07-15",
        "messages-2023-12-15",
        "message-batches-2024-09-24",
        "token-counting-2024-11-01",
        "structured-outputs-2025-11-13",
        "structured-outputs-2025-12-15",
    }
)
"""Flags of what Bedrock does without being asked: leaving them out loses nothing."""

_BETA: Final = b"anthropic-beta"
_LEAST: Final = 1024


_COMPLETIONS: Final = Quirks(
    rename={"max_completion_tokens": "max_tokens"},
    system_role="system",
    stream_usage=False,
)


class _Budget(msgspec.Struct, frozen=True):
    budget_tokens: int | None = None


def write(
    call: ChatCall, target: Target, model: Model
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the client's names of what it leaves out.

    Raises:
        Unsupported: Claude cannot be told.
        BadCall: the body does not follow its own dialect.
    """
    own = call.dialect == MESSAGES
    count = call.operation == "count_tokens"
    dropped: list[str] = []
    mended = own and bool(call.raw) and travels(call.raw)
    if own and call.raw and not mended:
        body = call.raw
    else:
        claude = msgspec.structs.replace(target, model=model.bare)
        body, left = messages.write(
            call.conversation(),
            claude,
            own=own,
            stream=False,
            count=False,
            mended=mended,
        )
        dropped += left
    top = fields(body)
    top.pop("model", None)
    top.pop("stream", None)
    for name in UNKNOWN:
        if given(top.pop(name, Raw(b""))):
            dropped.append(name)
    _place_marker(top, dropped)
    _betas(top, call.headers, target.headers, dropped)
    top.setdefault("anthropic_version", VERSION)
    if dropped and target.strict:
        raise Unsupported(f"Bedrock cannot say {dropped[0]}", dropped[0])
    if count:
        _bound(top)
        wrapped = base64.b64encode(encode(top)).decode()
        return encode({"input": {"invokeModel": {"body": wrapped}}}), tuple(dropped)
    return encode(top), tuple(dropped)


def completions(
    call: ChatCall, target: Target, model: Model
) -> tuple[bytes, tuple[str, ...]]:
    """The body of vendors who take a conversation as OpenAI writes it.

    Raises:
        Unsupported: it cannot be told.
    """
    provider = msgspec.structs.replace(target.provider, quirks=_COMPLETIONS)
    asked = msgspec.structs.replace(target, model=model.bare, provider=provider)
    body, dropped = completions_body.write(call, asked)
    top = fields(body)
    for name in ("model", "stream", "stream_options"):
        top.pop(name, None)
    return encode(top), dropped


def unwrapped(body: bytes, hint: Hint) -> tuple[bytes, Hint]:
    """A body of InvokeModel as one of Messages, and what its door knows of it.

    Raises:
        BadCall: it is not Claude's, or no object.
    """
    top = fields(body)
    if "messages" not in top:
        told = "only bodies of Anthropic's Messages are understood: messages is missing"
        raise BadCall(told, "messages")
    top.pop("anthropic_version", None)
    betas = top.pop("anthropic_beta", Raw(b""))
    headers = hint.headers
    if given(betas):
        flags = ",".join(call_part(betas, list[str], "anthropic_beta"))
        headers = (*headers, (_BETA, flags.encode()))
    top["model"] = Raw(encode(hint.model))
    if hint.stream:
        top["stream"] = Raw(b"true")
    return encode(top), msgspec.structs.replace(hint, headers=headers)


def _bound(top: dict[str, Raw]) -> None:
    """A body to be counted must be one that could be answered."""
    if given(top.get("max_tokens", Raw(b""))):
        return
    budget = None
    if given(thinking := top.get("thinking", Raw(b""))):
        budget = call_part(thinking, _Budget, "thinking").budget_tokens
    top["max_tokens"] = Raw(encode((budget or 0) + _LEAST))


def _place_marker(top: dict[str, Raw], dropped: list[str]) -> None:
    """Bedrock knows cache markers of blocks only."""
    marker = top.pop("cache_control", Raw(b""))
    if not given(marker):
        return
    turns = call_part(top["messages"], list[dict[str, Raw]], "messages")
    for turn in reversed(turns):
        content = turn.get("content", Raw(b""))
        if bytes(content)[:1] == b'"':
            text = {"type": "text", "text": content, "cache_control": marker}
            turn["content"] = Raw(encode([text]))
            break
        blocks = call_part(content, list[dict[str, Raw]], "messages.content")
        last = blocks[-1] if blocks else {}
        if last and b"thinking" not in bytes(last.get("type", b"")):
            last["cache_control"] = marker
            turn["content"] = Raw(encode(blocks))
            break
    else:
        dropped.append("cache_control")
        return
    top["messages"] = Raw(encode(turns))


def _betas(
    top: dict[str, Raw], asked: Headers, configured: Headers, dropped: list[str]
) -> None:
    """Flags of the client's header and body, those Bedrock knows; all that the
    configuration names."""
    flags: dict[str, None] = {}
    told = top.pop("anthropic_beta", Raw(b""))
    wanted = [*call_part(told, list[str], "anthropic_beta")] if given(told) else []
    wanted += _split(asked)
    for flag in wanted:
        if flag in BETAS:
            flags[BETAS[flag]] = None
        elif flag not in _LEFT_OUT:
            dropped.append(f"anthropic-beta.{flag}")
    flags |= dict.fromkeys(_split(configured))
    if flags:
        top["anthropic_beta"] = Raw(encode([*flags]))


def _split(headers: Headers) -> list[str]:
    lines = [v.decode("latin-1") for k, v in headers if k.lower() == _BETA]
    return [flag.strip() for line in lines for flag in line.split(",") if flag.strip()]
