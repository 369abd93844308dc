"""The anthropic family: the Messages API, spoken to providers and to clients.

Source: Messages and token counting, version header 2023-06-01. A request whose client
speaks this dialect goes out as it came, with another model and another key; an answer
to such a client comes back as it came.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters import envelope, signing
from adapters.anthropic import answer, errors, request
from adapters.anthropic.conversation import read as read_conversation
from adapters.anthropic.decoder import MessagesDecoder
from adapters.anthropic.encoder import MessagesEncoder, Relay
from adapters.anthropic.wire import DIALECT, NONE, VERSION, call_part, travels
from adapters.contract import (
    Call,
    Encoder,
    Headers,
    Hint,
    Operation,
    Result,
    Target,
    Told,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.errors import BadCall, Unsupported, UpstreamError
from adapters.normal.chat import ChatCall, ChatResult, TokenCount

_OAUTH: Final = "sk-ant-oat"
_OAUTH_FLAG: Final = b"oauth-2025-04-20"
"""Without it the API refuses OAuth tokens (seen 2026-03)."""
_BETA: Final = b"anthropic-beta"
_VERSION: Final = b"anthropic-version"
_FORWARDED: Final = frozenset({_BETA, _VERSION, b"idempotency-key"})
_CURRENT: Final = (_VERSION, VERSION.encode())
_LIST: Final = ord("[")
_NO_TOOLS: Final[frozenset[str]] = frozenset()


class _Metadata(msgspec.Struct, frozen=True):
    user_id: str | None = None


class _Head(msgspec.Struct, frozen=True):
    model: str = ""
    stream: bool = False
    max_tokens: int | None = None
    metadata: _Metadata | None = None
    messages: Raw = NONE


_head = msgspec.json.Decoder(_Head)


class Messages:
    """The half that speaks to providers."""

    dialect = DIALECT
    operations = frozenset({Operation.chat, Operation.count_tokens})

    def speaks(self, dialect: str) -> bool:
        """Its own dialect only."""
        return dialect == DIALECT

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: the API cannot say it.
            BadCall: the body does not follow its own dialect.
        """
        if not isinstance(call, ChatCall):
            raise Unsupported("Anthropic has no embeddings", "input")
        count = call.operation == "count_tokens"
        own = call.dialect == DIALECT
        dropped: tuple[str, ...] = ()
        mended = own and bool(call.raw) and travels(call.raw)
        if own and call.raw and not mended:
            body = envelope.splice(call.raw, b"model", call.model, target.model)
        else:
            body, dropped = request.write(
                call.conversation(),
                target,
                own=own,
                stream=call.stream,
                count=count,
                mended=mended,
            )
            if dropped and target.strict:
                told = f"Anthropic cannot say {dropped[0]}"
                raise Unsupported(told, dropped[0])
        quirks = target.provider.quirks
        if quirks.drop or quirks.rename:
            body = _bent(body, target)
        beta = own and "beta=true" in call.query
        headers = call.headers if own else ()
        if headers:
            headers = tuple(pair for pair in headers if pair != _CURRENT)
        return WireRequest(
            _wire_head(target, count, beta, headers),
            body,
            _combined(target, headers) if headers else (),
            dropped,
        )

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, ChatCall) and call.operation == "count_tokens":
            return answer.read_count(response)
        return answer.read(response, _custom(call))

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> MessagesDecoder:
        """A decoder for one streamed answer."""
        return MessagesDecoder(_custom(call))


class MessagesDialect:
    """The half that speaks to clients."""

    name = DIALECT

    def read_call(self, body: bytes, hint: Hint) -> ChatCall:
        """The head of the call.

        Raises:
            BadCall: not a Messages request; says where.
        """
        try:
            head = _head.decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            head = call_part(body, _Head)
        model = hint.model or head.model
        if not model:
            raise BadCall("model: a model is required", "model")
        if hint.model:
            body = _unhosted(body, hint.model)
        if not head.messages or memoryview(head.messages)[0] != _LIST:
            raise BadCall("messages: a list of messages is required", "messages")
        count = hint.operation == Operation.count_tokens
        user = head.metadata.user_id if head.metadata is not None else None
        headers = hint.headers
        return ChatCall(
            model=model,
            dialect=DIALECT,
            raw=body,
            operation="count_tokens" if count else "chat",
            stream=not count and (head.stream if hint.stream is None else hint.stream),
            include_usage=True,
            max_tokens=head.max_tokens,
            user=user or "",
            headers=tuple([h for h in headers if h[0] in _FORWARDED]),
            query=hint.query,
            read=read_conversation,
        )

    def write_result(self, result: Result, call: Call) -> bytes:
        """The whole answer."""
        if isinstance(result, TokenCount):
            return answer.write_count(result)
        if not isinstance(result, ChatResult) or not isinstance(call, ChatCall):
            raise TypeError("vectors have no form in the Messages API")
        return answer.write(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """An encoder for a stream from `source`."""
        if source == DIALECT:
            return Relay()
        if not isinstance(call, ChatCall):
            raise TypeError("vectors do not stream")
        return MessagesEncoder(call)

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return errors.write(told)


def _unhosted(body: bytes, model: str) -> bytes:
    """A body that was written for a host with the model in its path, as Anthropic's
    own service takes it."""
    named = {"model": msgspec.json.encode(model)}
    return envelope.replace(body, named, frozenset({"anthropic_version"}))


def _custom(call: Call) -> frozenset[str]:
    """Names of the tools that take free text: other dialects have such."""
    if not isinstance(call, ChatCall) or call.dialect == DIALECT:
        return _NO_TOOLS
    tools = call.conversation().tools
    return frozenset(t.name for t in tools if t.kind == "custom")


def _bent(body: bytes, target: Target) -> bytes:
    quirks = target.provider.quirks
    renamed = {
        new: bytes(raw)
        for name, raw in envelope.fields(body).items()
        if (new := quirks.rename.get(name))
    }
    return envelope.replace(body, renamed, quirks.drop | frozenset(quirks.rename))


def _wire_head(target: Target, count: bool, beta: bool, headers: Headers) -> WireHead:
    """The head for this kind of request, made once for a target.

    What the client's own headers replace or extend is left out of it, under a key of
    its own.
    """
    versioned = joined = False
    for name, _ in headers:
        versioned |= name == _VERSION
        joined |= name == _BETA
    key = f"{DIALECT}{count:d}{beta:d}{versioned:d}{joined:d}"
    head = target.heads.get(key)
    if head is None:
        path = "/messages/count_tokens" if count else "/messages"
        query = "?beta=true" if beta else ""
        ours: Headers = ((b"content-type", b"application/json"), *_auth(target))
        betas = [] if joined else _betas(target)
        if betas:
            ours = (*ours, (_BETA, b",".join(betas)))
        if not versioned:
            ours = (*ours, _CURRENT)
        extra = [
            (name.lower(), value)
            for name, value in target.headers
            if name.lower() != _BETA and not (versioned and name.lower() == _VERSION)
        ]
        url = target.base_url + path + query
        lines = signing.headers(ours, tuple(extra))
        head = target.heads[key] = WireHead("POST", url, lines)
    return head


def _is_oauth(target: Target) -> bool:
    return target.credential.strip().startswith(_OAUTH)


def _auth(target: Target) -> Headers:
    """The credential; an OAuth token goes as one, whatever the provider's row says."""
    if _is_oauth(target) and target.provider.auth != "none":
        provider = msgspec.structs.replace(target.provider, auth="bearer")
        target = msgspec.structs.replace(target, provider=provider)
    return signing.auth_headers(target)


def _betas(target: Target, headers: Headers = ()) -> list[bytes]:
    """The beta flags of the configuration, of the credential and of the client."""
    lines = [v for k, v in (*target.headers, *headers) if k.lower() == _BETA]
    if _is_oauth(target):
        lines.append(_OAUTH_FLAG)
    flags = (flag.strip() for line in lines for flag in line.split(b","))
    return list(dict.fromkeys(flag for flag in flags if flag))


def _combined(target: Target, headers: Headers) -> Headers:
    """The client's headers, its beta flags joined with ours."""
    if not any(name == _BETA for name, _ in headers):
        return headers
    rest = tuple(pair for pair in headers if pair[0] != _BETA)
    return (*rest, (_BETA, b",".join(_betas(target, headers))))


UPSTREAM: Final = Messages()
MESSAGES: Final = MessagesDialect()
