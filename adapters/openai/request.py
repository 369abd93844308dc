"""Requests to OpenAI-shaped providers that clients of the same dialect wrote.

The client's bytes go on; only the model changes, usage is asked for in streams (the
gateway keeps count, whether the client wants it or not), and what a provider is known
to reject is bent (`adapters.quirks`).
"""

from typing import Final
from urllib.parse import quote

from msgspec import Raw

from adapters import envelope, quirks, signing
from adapters.contract import Target, WireHead
from adapters.errors import Unsupported
from adapters.normal.chat import ChatCall
from adapters.openai import fields as f
from adapters.openai import wire
from adapters.openai.words import reasons

_ASKING: Final = Raw(b'{"include_usage":true}')
_PATHS: Final = {
    "chat": "/chat/completions",
    "complete": "/completions",
    "embed": "/embeddings",
    "images_generate": "/images/generations",
    "images_edit": "/images/edits",
    "images_vary": "/images/variations",
    "speech": "/audio/speech",
    "transcribe": "/audio/transcriptions",
    "translate_audio": "/audio/translations",
    "moderate": "/moderations",
    "responses": "/responses",
    "count_tokens": "/responses/input_tokens",
    "compact": "/responses/compact",
    "rerank": "/rerank",
}
_ABOVE: Final = frozenset({"responses", "count_tokens", "compact"})
"""Operations that Azure has beside its deployments, not below them."""


def same(call: ChatCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The client's body for the target, and what had to be left out.

    Raises:
        BadCall: it is no JSON object after all.
        Unsupported: something must be left out, and the target is strict.
    """
    bent = target.provider.quirks
    ask = call.stream and not call.include_usage and bent.stream_usage
    odd = quirks.any_of(bent)
    older = call.max_tokens is not None and _newer(call, target)
    if not ask and not odd and not older:
        return envelope.splice(call.raw, b"model", call.model, target.model), ()
    top = envelope.fields(call.raw)
    top["model"] = f.plain(target.model)
    if older and "max_completion_tokens" not in top and "max_tokens" in top:
        top["max_completion_tokens"] = top.pop("max_tokens")
    if ask:
        options = top.get("stream_options")
        top["stream_options"] = _ASKING if options is None else _asking(options)
    return finished(top, target) if odd else (wire.encode(top), ())


def _newer(call: ChatCall, target: Target) -> bool:
    """Whether the limit must have its newer name: reasoning models of OpenAI answer
    400 to the older one, which every other model takes."""
    return call.operation == "chat" and reasons(target)


def finished(top: dict[str, Raw], target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body of these fields, bent for the target, and what had to be left out.

    Raises:
        Unsupported: something must be left out, and the target is strict.
    """
    dropped = quirks.apply(top, target.provider.quirks)
    refuse(dropped, target)
    return wire.encode(top), tuple(dropped)


def refuse(dropped: list[str], target: Target) -> None:
    """Raises `Unsupported` for a strict target when something is dropped."""
    if dropped and target.strict:
        title = target.provider.title or target.provider.id
        told = f"{title} cannot be asked for {dropped[0]}"
        raise Unsupported(told, dropped[0])


def _asking(options: Raw) -> Raw:
    found = wire.value.decode(options)
    options_ = found if isinstance(found, dict) else {}
    return Raw(wire.encode({**options_, "include_usage": True}))


def head(target: Target, operation: str, *, stream: bool = False) -> WireHead:
    """Address and constant headers, built once."""
    key = f"{operation}.stream" if stream else operation
    found = target.heads.get(key)
    if found is None:
        found = target.heads[key] = _head(target, operation, stream=stream)
    return found


def _head(target: Target, operation: str, *, stream: bool) -> WireHead:
    base, mark, query = target.base_url.partition("?")
    if operation in _ABOVE:
        base = base.replace("/deployments/{model}", "")
    base = base.replace("{model}", quote(target.model, safe=""))
    words = target.provider.quirks.extra
    path = words.get(f"path.{operation}", _PATHS[operation])
    if stream:
        path = words.get(f"path.{operation}.stream", path)
    accept = b"text/event-stream" if stream else b"application/json"
    return WireHead(
        "POST",
        f"{base.rstrip('/')}{path}{mark}{query}",
        signing.headers(
            ((b"content-type", b"application/json"), (b"accept", accept)),
            signing.auth_headers(target),
            target.headers,
        ),
    )
