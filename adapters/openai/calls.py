"""The heads of client requests: what routing and admission ask, and nothing more."""

import re
from typing import Final

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.contract import Headers, Hint
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall
from adapters.openai import conversation, prompts, wire

FORWARDED: Final = frozenset(
    {b"openai-beta", b"idempotency-key", b"x-client-request-id"}
)
"""Client headers that a provider is given; organization and project are ours."""


class _StreamOptions(msgspec.Struct, frozen=True, gc=False):
    include_usage: bool | None = None


class _Head(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    user: str | None = None
    metadata: Raw = Raw(b"")
    messages: Raw


class _TextHead(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    n: int | None = None
    user: str | None = None
    prompt: Raw = Raw(b"null")


_head = msgspec.json.Decoder(_Head)
_text_head = msgspec.json.Decoder(_TextHead)
_LIST: Final = ord("[")
_AT: Final = re.compile(r" - at `\$\.?([^`]*)`")
_MISSING: Final = re.compile(r"missing required field `([^`]*)`")


def read_chat(body: bytes, hint: Hint) -> ChatCall:
    """A chat completion call.

    Raises:
        BadCall: not one; says where.
    """
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise bad_call(error) from error
    if memoryview(head.messages)[0] != _LIST:
        raise BadCall("messages: expected a list", "messages")
    if hint.model or not head.model:
        body = with_model(body, head.model, hint)
    options = head.stream_options
    limit = head.max_completion_tokens
    return ChatCall(
        model=hint.model or head.model or "",
        dialect=wire.CHAT,
        raw=body,
        stream=head.stream or False,
        include_usage=options is not None and options.include_usage is True,
        max_tokens=head.max_tokens if limit is None else limit,
        user=head.user or "",
        metadata=bytes(head.metadata),
        headers=forwarded(hint.headers),
        read=conversation.read,
    )


def read_text(body: bytes, hint: Hint) -> ChatCall:
    """A legacy completion call.

    Raises:
        BadCall: not one; says where.
    """
    try:
        head = _text_head.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise bad_call(error) from error
    if hint.model or not head.model:
        body = with_model(body, head.model, hint)
    options = head.stream_options
    return ChatCall(
        model=hint.model or head.model or "",
        dialect=wire.COMPLETIONS,
        operation="complete",
        raw=body,
        stream=head.stream or False,
        include_usage=options is not None and options.include_usage is True,
        max_tokens=head.max_tokens,
        user=head.user or "",
        headers=forwarded(hint.headers),
        read=prompts.read,
    )


def bad_call(error: Exception) -> BadCall:
    """The error of a decoder, with the path that it names."""
    told = str(error)
    if isinstance(error, msgspec.ValidationError):
        where = _AT.search(told)
        path = where[1] if where else ""
        lacks = _MISSING.search(told)
        if lacks:
            path = f"{path}.{lacks[1]}" if path else lacks[1]
        told = _AT.sub("", told)
        return BadCall(f"{path}: {told}" if path else told, path or None)
    return BadCall(f"the body is not a JSON object: {told}")


def forwarded(headers: Headers) -> Headers:
    """The client's headers that a provider is given."""
    return tuple([pair for pair in headers if pair[0] in FORWARDED])


def with_model(body: bytes, told: str | None, hint: Hint) -> bytes:
    """The body with the model of the path, which stands whatever the body has told."""
    if not hint.model:
        raise BadCall("model: missing", "model")
    if told == hint.model:
        return body
    return envelope.replace(body, {"model": wire.encode(hint.model)})
