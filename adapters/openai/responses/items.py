"""Input items of a Responses request -> messages.

A turn of the model is a run of its items: reasoning, messages, calls. Results of calls
that follow each other are one turn.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.errors import BadCall
from adapters.normal.content import (
    Audio,
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
from adapters.openai import fields as f
from adapters.openai.answer import data_url, image
from adapters.openai.responses import seal
from adapters.openai.wire import ABSENT, RESPONSES, present

ROLES: Final[dict[str, Role]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
}


class _Sound(msgspec.Struct, frozen=True):
    data: str = ""
    format: str = ""


class _PartIn(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: _Sound | None = None


class _Said(msgspec.Struct, frozen=True):
    text: str = ""


class _Item(msgspec.Struct, frozen=True):
    type: str | None = None
    role: str | None = None
    content: Raw = ABSENT
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Raw = ABSENT
    input: str | None = None
    output: Raw = ABSENT
    summary: list[_Said] | None = None
    encrypted_content: str | None = None


_item = msgspec.json.Decoder(_Item)
_part = msgspec.json.Decoder(_PartIn)
_saids = msgspec.json.Decoder(list[_Said])
_Seen = Text | Image | Document | Audio | Opaque


def read(raw: Raw, at: str = "input") -> tuple[Message, ...]:
    """The messages of `input`, a text or a list of items.

    Raises:
        BadCall: it does not follow the dialect; says where.
    """
    if not present(raw):
        return ()
    if f.is_text(raw):
        return (Message("user", (Text(f.decode(f.text, raw, at)),)),)
    reader = _Reader()
    entries: list[Raw] = f.decode(f.raws, raw, at)
    for number, entry in enumerate(entries):
        reader.add(entry, f"{at}[{number}]")
    return tuple(reader.done())


class _Reader:
    """Gathers items into turns."""

    def __init__(self) -> None:
        self._messages: list[tuple[Role, list[Part]]] = []
        self._signature = ""
        """Of the call that comes next."""

    def add(self, raw: Raw, at: str) -> None:
        item = f.decode(_item, raw, at)
        match item.type or ("message" if item.role else ""):
            case "message":
                self._message(item, at)
            case "reasoning":
                self._reasoning(item, at)
            case "function_call":
                self._call(item, _arguments(item.arguments), at)
            case "custom_tool_call":
                self._call(item, item.input or "", at, custom=True)
            case "function_call_output" | "custom_tool_call_output":
                self._result(item, at)
            case "compaction" | "compaction_summary" if self._summary(item):
                pass
            case "":
                raise BadCall(f"{at}.type: missing", f"{at}.type")
            case kind:
                self._to("assistant").append(Opaque(RESPONSES, kind, raw.copy()))

    def done(self) -> list[Message]:
        return [Message(role, tuple(parts)) for role, parts in self._messages]

    def _to(self, role: Role) -> list[Part]:
        """The parts of the turn that is going on, or of a new one."""
        if not self._messages or self._messages[-1][0] != role:
            self._messages.append((role, []))
        return self._messages[-1][1]

    def _message(self, item: _Item, at: str) -> None:
        role = ROLES.get(item.role or "")
        if role is None:
            raise BadCall(f"{at}.role: unknown role {item.role!r}", f"{at}.role")
        parts = content(item.content, f"{at}.content")
        if role == "assistant":
            self._to(role).extend(part for part in parts if part != Text(""))
        else:
            self._messages.append((role, parts))

    def _reasoning(self, item: _Item, at: str) -> None:
        sealed = seal.read(item.encrypted_content or "")
        text = "\n\n".join(part.text for part in item.summary or ())
        if not text and present(item.content):
            told = f.decode(_saids, item.content, f"{at}.content")
            text = "".join(part.text for part in told)
        parts = self._to("assistant")
        id_ = item.id or ""
        if sealed is None:
            if text:
                parts.append(Thinking(text, family=RESPONSES, id=id_))
            if item.encrypted_content:
                redacted = item.encrypted_content
                parts.append(Thinking(redacted=redacted, family=RESPONSES, id=id_))
        elif sealed.kind == "redacted":
            parts.append(Thinking(redacted=sealed.opaque, family=sealed.family))
        elif sealed.kind == "signature":
            parts.append(Thinking(text, sealed.opaque, family=sealed.family))
        else:
            if text:
                parts.append(Thinking(text, family=sealed.family))
            self._signed(sealed, parts)

    def _signed(self, sealed: seal.Seal, parts: list[Part]) -> None:
        """A signature of what stands beside the reasoning."""
        if sealed.kind == "call":
            self._signature = sealed.opaque
            return
        for at in range(len(parts) - 1, -1, -1):
            part = parts[at]
            if isinstance(part, Text):
                parts[at] = msgspec.structs.replace(part, signature=sealed.opaque)
                return

    def _summary(self, item: _Item) -> bool:
        """A compaction of ours: what was said before, in short."""
        sealed = seal.read(item.encrypted_content or "")
        if sealed is None or sealed.kind != "summary":
            return False
        self._messages.append(("user", [Text(seal.told(sealed))]))
        return True

    def _call(
        self, item: _Item, arguments: str, at: str, *, custom: bool = False
    ) -> None:
        if not item.call_id:
            raise BadCall(f"{at}.call_id: missing", f"{at}.call_id")
        if not item.name:
            raise BadCall(f"{at}.name: missing", f"{at}.name")
        signature, self._signature = self._signature, ""
        self._to("assistant").append(
            ToolUse(item.call_id, item.name, arguments, signature, custom)
        )

    def _result(self, item: _Item, at: str) -> None:
        if not item.call_id:
            raise BadCall(f"{at}.call_id: missing", f"{at}.call_id")
        parts = content(item.output, f"{at}.output")
        kept = tuple(part for part in parts if isinstance(part, _Seen))
        self._to("tool").append(ToolResult(item.call_id, kept))


def _arguments(raw: Raw) -> str:
    """JSON text; some clients send the JSON itself."""
    if not present(raw):
        return "{}"
    if f.is_text(raw):
        return f.decode(f.text, raw, "arguments")
    return bytes(raw).decode(errors="replace")


def content(raw: Raw, at: str) -> list[Part]:
    """The parts of a message or a result: a text, or a list of parts."""
    if not present(raw):
        return []
    if f.is_text(raw):
        return [Text(f.decode(f.text, raw, at))]
    if bytes(memoryview(raw)[:1]) != b"[":  # a result that is JSON
        return [Text(bytes(raw).decode(errors="replace"))]
    entries: list[Raw] = f.decode(f.raws, raw, at)
    return [_read_part(entry, f"{at}[{n}]") for n, entry in enumerate(entries)]


def _read_part(raw: Raw, at: str) -> Part:
    if f.is_text(raw):
        return Text(f.decode(f.text, raw, at))
    part = f.decode(_part, raw, at)
    return _words(part) or _media(part, at) or Opaque(RESPONSES, part.type, raw.copy())


def _words(part: _PartIn) -> Part | None:
    match part.type:
        case "input_text" | "output_text" | "text" if part.text is not None:
            return Text(part.text)
        case "refusal" if part.refusal is not None:
            return Refusal(part.refusal)
    return None


def _media(part: _PartIn, at: str) -> Part | None:
    match part.type:
        case "input_image" if part.image_url:
            return image(part.image_url, part.detail or "")
        case "input_image" if part.file_id:
            return Image(file=part.file_id, detail=part.detail or "")
        case "input_file":
            return _document(part, at)
        case "input_audio" if part.input_audio is not None:
            return Audio(part.input_audio.data, part.input_audio.format)
    return None


def _document(part: _PartIn, at: str) -> Document:
    name = part.filename or ""
    if part.file_id:
        return Document(file=part.file_id, name=name)
    if part.file_url:
        return Document(url=part.file_url, name=name)
    if not part.file_data:
        raise BadCall(f"{at}: a file needs file_id, file_url or file_data", at)
    media_type, data = data_url(part.file_data)
    if data:
        return Document(data, media_type, name=name)
    return Document(part.file_data, "application/pdf", name=name)
