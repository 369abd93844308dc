"""Messages of a chat completion request, read."""

from typing import Final, Literal, cast

import msgspec
from msgspec import Raw

from adapters.errors import BadCall
from adapters.normal.content import (
    Audio,
    Cache,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from adapters.openai import answer, mend, reasoning
from adapters.openai import fields as f
from adapters.openai.wire import ABSENT, FAMILY, present

_ROLES: Final = frozenset({"system", "developer", "user"})
MESSAGE: Final = "message."
"""Before the name of a message's field, as label of an `Opaque`."""


class CacheControl(msgspec.Struct, frozen=True):
    """The marker of LiteLLM, OpenRouter and Vercel: Anthropic's."""

    type: str = "ephemeral"
    ttl: str | None = None


class _Url(msgspec.Struct, frozen=True):
    url: str
    detail: str | None = None


class _AudioIn(msgspec.Struct, frozen=True):
    data: str
    format: str = ""


class _File(msgspec.Struct, frozen=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class _PartIn(msgspec.Struct, frozen=True):
    type: str = "text"
    text: str | None = None
    refusal: str | None = None
    image_url: _Url | str | None = None
    input_audio: _AudioIn | str | None = None
    file: _File | None = None
    file_url: _Url | str | None = None
    document_url: _Url | str | None = None
    thinking: Raw = ABSENT
    signature: str | None = None
    data: str | None = None
    cache_control: CacheControl | None = None
    prompt_cache_breakpoint: Raw = ABSENT


class _Called(msgspec.Struct, frozen=True):
    name: str
    arguments: Raw = ABSENT
    input: str | None = None
    thought_signature: str | None = None


class _CallIn(msgspec.Struct, frozen=True):
    id: str | None = None
    function: _Called | None = None
    custom: _Called | None = None
    extra_content: Raw = ABSENT
    thought_signature: str | None = None
    provider_specific_fields: Raw = ABSENT
    cache_control: CacheControl | None = None


class _AudioId(msgspec.Struct, frozen=True):
    id: str


_part = msgspec.json.Decoder(_PartIn)
_calls = msgspec.json.Decoder(list[_CallIn])
_called = msgspec.json.Decoder(_Called)
_cache = msgspec.json.Decoder(CacheControl)
_audio = msgspec.json.Decoder(_AudioId)


def read(messages: Raw) -> tuple[Message, ...]:
    """All turns; the results of one turn's tools become one message.

    Raises:
        BadCall: one of them is no message; says which.
    """
    out: list[Message] = []
    legacy = 0
    turns: list[f.Fields] = f.decode(f.objects, messages, "messages")
    for number, turn in enumerate(turns):
        at = f"messages[{number}]"
        role = f.take_text(turn, "role", at)
        if role in _ROLES:
            message = _plain(turn, cast(Role, role), at)
        elif role == "assistant":
            called = present(turn.get("function_call", ABSENT))
            message = _assistant(turn, legacy, at)
            legacy += called
        elif role in ("tool", "function"):
            result = _result(turn, legacy, at)
            if out and out[-1].role == "tool":
                message = Message("tool", (*out.pop().parts, result))
            else:
                message = Message("tool", (result,))
        else:
            raise BadCall(f"{at}.role: unknown role {role!r}", f"{at}.role")
        out.append(message)
    return tuple(out)


def cache(found: CacheControl | None) -> Cache | None:
    """A marker; lifetimes that we do not know become the provider's default."""
    if found is None:
        return None
    ttl = found.ttl if found.ttl in ("5m", "1h") else ""
    return Cache(cast(Literal["", "5m", "1h"], ttl))


def _plain(turn: f.Fields, role: Role, at: str) -> Message:
    name = f.take_text(turn, "name", at)
    parts = _content(turn, at)
    return Message(role, tuple(_finished(parts, turn, at)), name)


def _assistant(turn: f.Fields, legacy: int, at: str) -> Message:
    name = f.take_text(turn, "name", at)
    parts: list[Part] = [*reasoning.read(reasoning.take(turn))]
    said = _content(turn, at)
    signature = reasoning.signature(turn.pop("extra_content", ABSENT))
    calls = f.take(turn, "tool_calls", _calls, at) or []
    called = f.take(turn, "function_call", _called, at)
    if signature:
        said = _signed(said, signature)
    parts += said
    if refusal := f.take_text(turn, "refusal", at):
        parts.append(Refusal(refusal))
    if audio := f.take(turn, "audio", _audio, at):
        parts.append(Audio(id=audio.id))
    if called is not None:
        parts.append(ToolUse(_legacy_id(legacy), called.name, _arguments(called)))
    for index, call in enumerate(calls):
        parts.append(_tool_use(call, f"{at}.tool_calls[{index}]"))
    parts = [part for part in parts if part != Text("")] or parts
    return Message("assistant", tuple(_finished(parts, turn, at)), name)


def _result(turn: f.Fields, legacy: int, at: str) -> ToolResult:
    name = f.take_text(turn, "name", at)
    id_ = f.take_text(turn, "tool_call_id", at)
    if not id_:
        if not legacy:
            raise BadCall(f"{at}.tool_call_id: missing", f"{at}.tool_call_id")
        id_ = _legacy_id(legacy - 1)
    parts = _finished(_content(turn, at), turn, at)
    kept = tuple(
        p for p in parts if isinstance(p, Text | Image | Document | Audio | Opaque)
    )
    marker = next((p.cache for p in kept if isinstance(p, Text) and p.cache), None)
    return ToolResult(id_, kept, name, cache=marker)


def _legacy_id(number: int) -> str:
    return f"call_{number}"


def _finished(parts: list[Part], turn: f.Fields, at: str) -> list[Part]:
    """With the message's own cache marker, and the fields that we do not know."""
    marker = f.take(turn, "cache_control", _cache, at)
    if marker is not None and parts:
        last = parts[-1]
        if not isinstance(last, Refusal | Thinking | Opaque):
            parts[-1] = msgspec.structs.replace(last, cache=cache(marker))
    for key, raw in turn.items():
        if not f.says_nothing(raw):
            parts.append(Opaque(FAMILY, MESSAGE + key, raw.copy()))
    return parts


def _content(turn: f.Fields, at: str) -> list[Part]:
    raw = turn.pop("content", ABSENT)
    if not present(raw):
        return []
    if f.is_text(raw):
        return [Text(f.decode(f.text, raw, f"{at}.content"))]
    entries: list[Raw] = f.decode(f.raws, raw, f"{at}.content")
    return [_read_part(e, f"{at}.content[{n}]") for n, e in enumerate(entries)]


def _read_part(raw: Raw, at: str) -> Part:
    if f.is_text(raw):
        return Text(f.decode(f.text, raw, at))
    part = f.decode(_part, raw, at)
    marker = cache(part.cache_control)
    if marker is None and present(part.prompt_cache_breakpoint):
        marker = Cache()
    found = _words(part, marker) or _media(part, marker)
    return found or Opaque(FAMILY, part.type, raw.copy())


def _words(part: _PartIn, marker: Cache | None) -> Part | None:
    match part.type:
        case "text" | "input_text" | "output_text" if part.text is not None:
            return Text(part.text, cache=marker)
        case "refusal" if part.refusal is not None:
            return Refusal(part.refusal)
        case "thinking" | "redacted_thinking":
            return _thought(part)
    return None


def _media(part: _PartIn, marker: Cache | None) -> Part | None:
    match part.type:
        case "image_url" | "input_image" if part.image_url is not None:
            image = answer.image(*_place(part.image_url))
            return msgspec.structs.replace(image, cache=marker)
        case "input_audio" if isinstance(part.input_audio, _AudioIn):
            audio = part.input_audio
            return Audio(audio.data, audio.format, cache=marker)
        case "file" if part.file is not None:
            return _document(part.file, marker)
        case "file_url" | "document_url" if part.file_url or part.document_url:
            place = part.file_url or part.document_url
            url = _place(place)[0] if place else ""
            media_type, data = answer.data_url(url)
            if data:
                return Document(data, media_type, cache=marker)
            return Document(url=url, cache=marker)
    return None


def _place(found: _Url | str) -> tuple[str, str]:
    if isinstance(found, str):
        return found, ""
    return found.url, found.detail or ""


def _document(found: _File, marker: Cache | None) -> Document:
    name = found.filename or ""
    if found.file_id:
        return Document(file=found.file_id, name=name, cache=marker)
    data = found.file_data or ""
    if data.startswith(("http://", "https://")):
        return Document(url=data, name=name, cache=marker)
    media_type, inner = answer.data_url(data)
    if inner:
        return Document(inner, media_type, name=name, cache=marker)
    return Document(data, "application/pdf", name=name, cache=marker)


def _thought(part: _PartIn) -> Part:
    if part.data:
        return Thinking(redacted=part.data, family=reasoning.ANTHROPIC)
    if present(part.thinking):
        inner = f.anything.decode(part.thinking)
        if isinstance(inner, str):
            return Thinking(inner, part.signature or "", family=reasoning.ANTHROPIC)
        return Thinking(mend.flatten([{"type": "thinking", "thinking": inner}])[1])
    return Thinking(part.text or "")


def _signed(parts: list[Part], signature: str) -> list[Part]:
    last = parts[-1] if parts else Text("")
    if isinstance(last, Text):
        signed = msgspec.structs.replace(last, signature=signature)
        return [*parts[:-1], signed]
    return [*parts, Text("", signature=signature)]


def _tool_use(call: _CallIn, at: str) -> ToolUse:
    if not call.id:
        raise BadCall(f"{at}.id: missing", f"{at}.id")
    if call.custom is not None:
        marker = cache(call.cache_control)
        text = call.custom.input or ""
        return ToolUse(call.id, call.custom.name, text, custom=True, cache=marker)
    if call.function is None:
        raise BadCall(f"{at}.function: missing", f"{at}.function")
    signature = (
        reasoning.signature(call.extra_content)
        or call.thought_signature
        or call.function.thought_signature
        or _specific(call.provider_specific_fields)
    )
    return ToolUse(
        call.id,
        call.function.name,
        _arguments(call.function),
        signature,
        cache=cache(call.cache_control),
    )


def _specific(raw: Raw) -> str:
    """LiteLLM's place for Gemini's signatures."""
    found = f.anything.decode(raw) if present(raw) else None
    signature = found.get("thought_signature") if isinstance(found, dict) else None
    return signature if isinstance(signature, str) else ""


def _arguments(called: _Called) -> str:
    """JSON text; some clients send the JSON itself."""
    if not present(called.arguments):
        return "{}"
    if f.is_text(called.arguments):
        return f.text.decode(called.arguments)
    return bytes(called.arguments).decode(errors="replace")
