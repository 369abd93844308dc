"""Requests to the Responses API: where it is spoken, and what is sent there."""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.contract import Operation, Target, WireHead, WireRequest
from adapters.errors import BadCall, Unsupported
from adapters.normal.chat import ChatCall
from adapters.openai import request, wire
from adapters.openai.responses import compose, seal
from adapters.openai.wire import RESPONSES

OPERATION: Final = "responses"
"""In a provider's row: it has this API."""
_APART: Final = frozenset({Operation.count_tokens, Operation.compact})
"""Operations with a path of their own."""


class _Item(msgspec.Struct, frozen=True):
    type: str | None = None
    encrypted_content: str | None = None


_items: Final = msgspec.json.Decoder(list[Raw])
_item: Final = msgspec.json.Decoder(_Item)


def native(target: Target, operation: str) -> bool:
    """Whether the target has this API, and this operation of it."""
    operations = target.provider.operations
    if target.base_url.partition("?")[0].endswith("/models"):
        return False  # Azure's model inference API, which has only chat
    return OPERATION in operations and (
        operation not in _APART or operation in operations
    )


def build(call: ChatCall, target: Target) -> WireRequest:
    """The call, for the target: as the client wrote it but for the model, where it
    speaks this API. A target that cannot compact is asked for a summary in words.

    Raises:
        Unsupported: the API cannot say it.
        BadCall: the body does not follow its own dialect.
    """
    dropped: tuple[str, ...] = ()
    apart = call.operation in _APART
    if apart and call.operation not in target.provider.operations:
        if call.operation == Operation.count_tokens:
            raise Unsupported("the provider counts no tokens", "operation")
        apart = False
    if call.dialect == RESPONSES and call.raw and apart == (call.operation in _APART):
        body = call.raw
        if seal.travels(body):
            body, dropped = _unsealed(body, target)
        body = envelope.splice(body, b"model", call.model, target.model)
    else:
        body, dropped = compose.write(call, target)
    operation = call.operation if apart else OPERATION
    head = request.head(target, operation, stream=call.stream)
    return WireRequest(head, body, call.headers, dropped)


def stored(
    target: Target, method: str, id: str, more: str = "", query: str = ""
) -> WireRequest:
    """A request about a response that the provider keeps. `more`: the rest of its path
    (`/cancel`); `query` without its mark."""
    made = request.head(target, OPERATION)
    url, mark, old = made.url.partition("?")
    query = "&".join(part for part in (old, query) if part)
    mark = "?" if query else ""
    head = WireHead(
        method, f"{url}/{quote(id, safe='')}{more}{mark}{query}", made.headers
    )
    return WireRequest(head, b"")


def _unsealed(body: bytes, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body without other families' signatures, which OpenAI would refuse."""
    top = envelope.fields(body)
    kept: list[Any] = []
    dropped: list[str] = []
    try:
        found = _items.decode(top.get("input", b"[]"))
    except msgspec.MsgspecError as error:
        raise BadCall(f"input: {error}", "input") from error
    for raw in found:
        item = _item.decode(raw)
        sealed = seal.read(item.encrypted_content or "")
        if sealed is None:
            kept.append(raw)
        elif sealed.kind == "summary":
            kept.append({"role": "user", "content": seal.told(sealed)})
        elif "reasoning" not in dropped:
            dropped.append("reasoning")
    request.refuse(dropped, target)
    top["input"] = Raw(wire.encode(kept))
    return wire.encode(top), tuple(dropped)
