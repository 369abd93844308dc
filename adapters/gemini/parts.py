"""The parts of a turn, between Gemini's words and everyone's.

Source: ai.google.dev/api/caching, Part; docs/thought-signatures. A part's own metadata
that has no common word (`partMetadata`, `videoMetadata` of an image) is kept with video
and with parts that only Gemini knows.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.errors import BadCall
from adapters.gemini import media, results, signature
from adapters.gemini.ids import Pairs, is_made
from adapters.gemini.wire import (
    EMPTY,
    FAMILY,
    is_null,
    is_object,
    members,
    pop,
    text_of,
)
from adapters.normal.content import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)

Piece = dict[str, object] | Raw
"""A written part; `Raw` is one that goes back byte for byte."""

_MARKS: Final = frozenset(
    {
        "thought",
        "thoughtSignature",
        "partMetadata",
        "videoMetadata",
        "mediaResolution",
        "mediaProcessing",
        "audioTranscription",
    }
)
"""Members that describe a part and are not one."""

_MEDIA: Final = {"inlineData": media.read_inline, "fileData": media.read_file}


def read(raw: Raw, pairs: Pairs, where: str) -> Part | None:
    """One part; `None` for one that says nothing.

    Raises:
        BadCall: it does not follow the documentation.
    """
    source = members(raw, where)
    signed = pop(source, "thoughtSignature", str, where) or ""
    is_thought = pop(source, "thought", bool, where) or False
    text = pop(source, "text", str, where)
    label = next((name for name in source if name not in _MARKS), "")
    if text is None and label:
        return _other(label, source, raw, signed, "" if is_thought else where, pairs)
    if is_thought:
        return signature.unwrap(text or "", signed)
    if text is None and not signed:
        return Opaque(FAMILY, next(iter(source)), raw) if source else None
    return Text(text or "", signature=signature.own(signed))


def _other(
    label: str, source: dict[str, Raw], raw: Raw, signed: str, where: str, pairs: Pairs
) -> Part:
    """A part that is no text. Media that are thoughts (`where` is empty then), and
    what only Gemini understands, stay whole."""
    at = f"{where}.{label}"
    if label == "functionCall":
        return read_call(source[label], signed, pairs, at)
    if label == "functionResponse":
        return results.read(source[label], pairs, at)
    reader = _MEDIA.get(label)
    if reader is None or not where:
        return Opaque(FAMILY, label if where else "thought", raw)
    part = reader(members(source[label], at), raw, at)
    if not isinstance(part, Image):
        return part
    detail = media.detail(source, where)
    return msgspec.structs.replace(part, signature=signed, detail=detail)


def read_call(raw: Raw, signed: str, pairs: Pairs, where: str) -> ToolUse:
    """A `functionCall` of the history."""
    source = members(raw, where)
    name = pop(source, "name", str, where)
    if not name:
        raise BadCall(f"{where}.name is required", f"{where}.name")
    arguments = source.get("args", EMPTY)
    if not is_object(bytes(arguments)):
        raise BadCall(f"{where}.args must be an object", f"{where}.args")
    id = pairs.call(pop(source, "id", str, where) or "", name)
    return ToolUse(id, name, text_of(arguments), signature.own(signed))


def write(part: Part, where: str, dropped: set[str]) -> Piece | None:
    """One part (results of tools stand in their own turns); `None` when Gemini has no
    word for it, which `dropped` then names.

    Raises:
        Unsupported: it refers to a file of another provider.
    """
    if getattr(part, "cache", None) is not None:
        dropped.add("cache_control")
    match part:
        case Image() | Audio() | Document():
            return _media(part, where, dropped)
        case Opaque() | Thinking() if part.family != FAMILY:
            dropped.add(part.label if isinstance(part, Opaque) else "thinking")
            return None
        case Opaque():
            return part.raw
        case ToolResult():
            raise TypeError("a tool's result stands in a turn of its own")
        case _:
            return _said(part)


def _said(part: Text | Refusal | Thinking | ToolUse) -> dict[str, object]:
    """What the model, or its user, said or called."""
    if isinstance(part, Refusal):
        return {"text": part.text}
    out: dict[str, object] = {}
    if isinstance(part, ToolUse):
        out["functionCall"] = write_call(part)
    else:
        out["text"] = part.text
    if isinstance(part, Thinking):
        out["thought"] = True
    return _signed(out, part.signature)


def write_call(part: ToolUse) -> dict[str, object]:
    """`functionCall`, without an id that we made."""
    call: dict[str, object] = {} if is_made(part.id) else {"id": part.id}
    call["name"] = part.name
    call["args"] = arguments(part)
    return call


def arguments(part: ToolUse) -> object:
    """The arguments as an object, which Gemini needs: text that is none is wrapped,
    so that the model sees what it once wrote."""
    text = part.arguments.strip()
    if part.custom:
        return {"input": part.arguments}
    if not text:
        return {}
    raw = text.encode(errors="replace")
    if is_object(raw):
        return Raw(raw)
    return {} if is_null(Raw(raw)) else {"arguments": part.arguments}


def _signed(part: dict[str, object], signed: str) -> dict[str, object]:
    if signed:
        part["thoughtSignature"] = signed
    return part


def _media(
    part: Image | Audio | Document, where: str, dropped: set[str]
) -> dict[str, object] | None:
    match part:
        case Image():
            if part.detail not in ("", "auto"):
                dropped.add("detail")
            return _signed(media.write(part, where), part.signature)
        case Audio():
            return _audio(part, where, dropped)
        case Document():
            for name in ("title", "context", "citations"):
                if getattr(part, name):
                    dropped.add(f"document.{name}")
            return media.write(part, where)


def _audio(part: Audio, where: str, dropped: set[str]) -> dict[str, object] | None:
    if part.data or part.url:
        return media.write(part, where)
    if part.transcript:
        return {"text": part.transcript}
    dropped.add("audio.id")
    return None
