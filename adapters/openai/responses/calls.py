"""Heads of Responses calls, and what their answers repeat of them."""

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.contract import Hint, Operation
from adapters.errors import BadCall
from adapters.normal.chat import Asked, ChatCall
from adapters.openai import wire
from adapters.openai.calls import bad_call, forwarded
from adapters.openai.responses import conversation
from adapters.openai.wire import ABSENT, present


class _Head(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    model: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    user: str | None = None
    metadata: Raw = Raw(b"")
    input: Raw = ABSENT
    prompt: Raw = ABSENT
    previous_response_id: str | None = None
    conversation: Raw = ABSENT


_head = msgspec.json.Decoder(_Head)
_STARTS = (b'"', b"[")


class ResponsesCall(ChatCall):
    """A call of this dialect. `raw` may hold turns that the gateway kept, where the
    client named them only."""

    __slots__ = ("id", "shown")

    id: str
    """Of the answer, where the family has to give it one; empty: made of the
    provider's."""
    shown: dict[str, Raw]
    """Fields of the response object that differ from what `raw` says."""


def read(body: bytes, hint: Hint) -> ResponsesCall:
    """A call of `POST /v1/responses`, or of its token count.

    Raises:
        BadCall: not one; says where.
    """
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise bad_call(error) from error
    if present(head.input):
        if bytes(memoryview(head.input)[:1]) not in _STARTS:
            raise BadCall("input: expected a text or a list of items", "input")
    elif not (
        present(head.prompt) or head.previous_response_id or present(head.conversation)
    ):
        raise BadCall("input: missing", "input")
    if not head.model and hint.model:
        body = envelope.replace(body, {"model": wire.encode(hint.model)})
    operation: Asked = "chat"
    reader = conversation.read
    if hint.operation is Operation.count_tokens:
        operation = "count_tokens"
    elif hint.operation is Operation.compact:
        operation, reader = "compact", conversation.read_for_summary
    call = ResponsesCall(
        model=head.model or hint.model,
        dialect=wire.RESPONSES,
        raw=body,
        operation=operation,
        stream=bool(head.stream) and operation == "chat",
        include_usage=True,
        max_tokens=head.max_output_tokens,
        user=head.user or "",
        metadata=bytes(head.metadata),
        headers=forwarded(hint.headers),
        read=reader,
    )
    call.id, call.shown = "", {}
    return call
