"""Answers of the Responses API, read."""

from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import WireResponse
from adapters.errors import Garbled
from adapters.normal.chat import ChatResult, Choice, StopReason, TokenCount
from adapters.normal.content import (
    Citation,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from adapters.openai import errors, wire
from adapters.openai.responses import usage as counts
from adapters.openai.usage import served
from adapters.openai.wire import ABSENT, RESPONSES, present


class Incomplete(msgspec.Struct, frozen=True):
    """Why an answer is not complete."""

    reason: str = ""


class Response(msgspec.Struct, frozen=True):
    """What is asked of a response object."""

    id: str = ""
    model: str = ""
    created_at: float = 0
    status: str | None = None
    object: str | None = None
    error: Raw = ABSENT
    incomplete_details: Incomplete | None = None
    service_tier: str | None = None
    output: list[Raw] | None = None
    usage: counts.Tokens | None = None
    store: bool | None = None


class Note(msgspec.Struct, frozen=True):
    """An annotation of a text."""

    type: str = ""
    url: str = ""
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _PartOut(msgspec.Struct, frozen=True):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[Note] | None = None
    logprobs: Raw = ABSENT


class Item(msgspec.Struct, frozen=True):
    """What is asked of an output item that speaks."""

    type: str = ""
    id: str | None = None
    content: list[_PartOut] | None = None
    summary: list[_PartOut] | None = None
    encrypted_content: str | None = None
    call_id: str = ""
    name: str = ""
    arguments: str | None = None
    input: str | None = None
    result: str | None = None
    output_format: str | None = None


class _Count(msgspec.Struct, frozen=True):
    input_tokens: int


class _Kind(msgspec.Struct, frozen=True):
    object: str | None = None
    choices: Raw = ABSENT


class _Type(msgspec.Struct, frozen=True):
    type: str = ""


_kind: Final = msgspec.json.Decoder(_Kind)
_type: Final = msgspec.json.Decoder(_Type)
_SPEAK: Final = frozenset(
    {
        "message",
        "reasoning",
        "function_call",
        "custom_tool_call",
        "image_generation_call",
    }
)
"""Items that are read; of any other no more than its type."""
response: Final = msgspec.json.Decoder(Response)
_item: Final = msgspec.json.Decoder(Item)
_count: Final = msgspec.json.Decoder(_Count)


def item(raw: Raw) -> Item:
    """What an output item says. Raises `msgspec.ValidationError`."""
    kind = _type.decode(raw).type
    return _item.decode(raw) if kind in _SPEAK else Item(kind)


def known(body: bytes) -> bool:
    """Whether a body is of this API, and not a chat completion."""
    try:
        told = _kind.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return (told.object or "").startswith("response") or not present(told.choices)


def read(answered: WireResponse) -> ChatResult:
    """A 2xx answer.

    Raises:
        UpstreamError: an error inside the 200, or something that is no response.
    """
    body = answered.body
    try:
        told = response.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise errors.garbled(f"no response ({error})", body) from error
    raise_failed(told, body)
    if told.output is None:
        raise errors.garbled("the response has no output", body)
    counted = None
    if told.usage is not None:
        counted = served(counts.read(told.usage), told.service_tier)
    items = _items(told.output, body)
    calls = any(found.type.endswith("_call") and found.call_id for found in items)
    stop = stopped(told, calls=calls)
    return ChatResult(
        id=told.id,
        model=told.model,
        created=int(told.created_at),
        usage=counted,
        raw=body,
        dialect=RESPONSES,
        read=partial(_choices, told, stop),
        stops=() if stop is None else (stop,),
    )


def _items(output: list[Raw], body: bytes) -> list[Item]:
    try:
        return [item(raw) for raw in output]
    except msgspec.ValidationError as error:
        raise errors.garbled(f"no output item ({error})", body) from error


def raise_failed(told: Response, body: bytes) -> None:
    """Raises the error that a response ended with, if it did."""
    if not present(told.error) and told.status != "failed":
        return
    found = wire.value.decode(told.error) if present(told.error) else None
    inner = found or {"message": "the provider failed", "code": "server_error"}
    error = errors.inside({"error": inner}, body)
    if error is not None:
        raise error


def read_count(answered: WireResponse) -> TokenCount:
    """The answer to a token count. Raises `Garbled`."""
    try:
        told = _count.decode(answered.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Garbled(f"no token count: {error}", body=answered.body) from error
    return TokenCount(told.input_tokens, raw=answered.body, dialect=RESPONSES)


def stopped(told: Response, *, calls: bool) -> StopReason | None:
    """Why it ended; `None` where it has not, or was cancelled."""
    match told.status:
        case "incomplete":
            reason = told.incomplete_details.reason if told.incomplete_details else ""
            return "filtered" if reason == "content_filter" else "length"
        case "in_progress" | "queued" | "cancelled":
            return None
    return "tool_use" if calls else "end"


def _choices(told: Response, stop: StopReason | None, _: bytes) -> tuple[Choice, ...]:
    parts = [part for raw in told.output or () for part in parts_of(raw)]
    logprobs = [
        entry
        for raw in told.output or ()
        for part in item(raw).content or ()
        for entry in likely(part.logprobs)
    ]
    native = told.incomplete_details.reason if told.incomplete_details else ""
    return (
        Choice(
            parts=tuple(parts),
            stop=stop,
            native_stop=native or told.status or "",
            logprobs=chat_logprobs(logprobs),
        ),
    )


def likely(raw: Raw) -> list[Any]:
    """Log probabilities, as written."""
    return wire.value.decode(raw) if present(raw) else []


def chat_logprobs(entries: list[Any]) -> Raw:
    """OpenAI's chat object of log probabilities; empty without any."""
    return Raw(wire.encode({"content": entries, "refusal": None}) if entries else b"")


def parts_of(raw: Raw) -> list[Part]:
    """The parts that an output item stands for."""
    found = item(raw)
    match found.type:
        case "message":
            return [_said(part, raw) for part in found.content or ()]
        case "reasoning":
            return [*thoughts(found)]
        case "function_call":
            return [ToolUse(found.call_id, found.name, found.arguments or "{}")]
        case "custom_tool_call":
            text = found.input or ""
            return [ToolUse(found.call_id, found.name, text, custom=True)]
        case "image_generation_call" if found.result:
            return [Image(found.result, f"image/{found.output_format or 'png'}")]
    return [Opaque(RESPONSES, found.type, raw.copy())]


def _said(part: _PartOut, raw: Raw) -> Part:
    if part.type == "refusal":
        return Refusal(part.refusal or "")
    if part.type in ("output_text", "text"):
        cited = tuple(c for n in part.annotations or () if (c := citation(n)))
        return Text(part.text or "", cited)
    return Opaque(RESPONSES, part.type, raw.copy())


def citation(note: Note) -> Citation | None:
    """A source, where it is an address."""
    if note.type != "url_citation":
        return None
    return Citation(note.url, note.title or "", "", note.start_index, note.end_index)


def thoughts(found: Item) -> list[Thinking]:
    """A reasoning item: its summary or text, and what is encrypted."""
    id_ = found.id or ""
    text = "\n\n".join(part.text or "" for part in found.summary or ())
    if not text:
        text = "".join(part.text or "" for part in found.content or ())
    out = [Thinking(text, family=RESPONSES, id=id_)] if text else []
    if found.encrypted_content:
        redacted = found.encrypted_content
        out.append(Thinking(redacted=redacted, family=RESPONSES, id=id_))
    return out
