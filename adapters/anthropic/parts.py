"""Parts -> content blocks of the Messages API."""

import base64
import binascii
from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic import citations
from adapters.anthropic.wire import FAMILY, encode, sign, tool_id
from adapters.errors import Unsupported
from adapters.normal.content import (
    Audio,
    Cache,
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

Json = dict[str, object]
_object: Final = msgspec.json.Decoder(dict[str, Raw])

_MAGIC: Final = {
    "iVBOR": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
}
"""How the base64 of an image begins, for clients that do not say its type."""

_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/yaml")


class Speech:
    """Turns parts into blocks, and remembers what it had to leave out.

    `own`: the call was made in this dialect, so that what only the API understands
    (file ids, empty signatures) is the client's own business.
    """

    def __init__(self, own: bool) -> None:
        self.own = own
        self._dropped: dict[str, None] = {}

    @property
    def dropped(self) -> list[str]:
        """The client's names of what was left out, in order."""
        return [*self._dropped]

    def drop(self, name: str) -> None:
        self._dropped[name] = None

    def block(self, part: Part) -> list[Json | Raw]:
        """The blocks for a part of a message; none if it cannot be said.

        Raises:
            Unsupported: leaving it out would mislead.
        """
        match part:
            case Text() | Refusal():
                return self._text(part if isinstance(part, Text) else Text(part.text))
            case ToolUse():
                return [tool_use(part)]
            case ToolResult():
                return [self._tool_result(part)]
            case Thinking():
                return self._thinking(part)
            case _:
                return self._medium(part)

    def _medium(self, part: Image | Document | Audio | Opaque) -> list[Json | Raw]:
        match part:
            case Image():
                return [self._image(part)]
            case Document():
                return [self._document(part)]
            case Audio():
                if part.transcript and not part.data:
                    return self._text(Text(part.transcript))
                raise Unsupported("Anthropic models take no audio", "input_audio")
            case _ if part.family == FAMILY:
                return [part.raw]
            case _:
                self.drop(part.label)
                return []

    def _text(self, part: Text) -> list[Json | Raw]:
        if not (part.text if self.own else part.text.strip()):
            return []
        out: Json = {"type": "text", "text": part.text}
        told = [c.raw for c in part.citations if c.family == FAMILY and c.raw]
        if told:
            out["citations"] = told
        return [_marked(out, part.cache)]

    def _thinking(self, part: Thinking) -> list[Json | Raw]:
        if part.family == FAMILY and part.redacted:
            return [{"type": "redacted_thinking", "data": part.redacted}]
        if part.family == FAMILY and part.signature:
            return [
                {
                    "type": "thinking",
                    "thinking": part.text,
                    "signature": part.signature,
                }
            ]
        self.drop("thinking" if self.own else "reasoning_content")
        return []

    def _image(self, part: Image) -> Json:
        if part.detail not in ("", "auto"):
            self.drop("image_url.detail")
        source: Json
        if part.data:
            own = self.own and part.media_type
            media = own or sniff(part.data, part.media_type)
            source = {"type": "base64", "media_type": media, "data": part.data}
        elif part.url:
            source = {"type": "url", "url": self._web(part.url, "image_url")}
        else:
            source = {"type": "file", "file_id": self._file(part.file)}
        return _marked({"type": "image", "source": source}, part.cache)

    def _document(self, part: Document) -> Json:
        source: Json
        if part.data:
            source = self._file_data(part)
        elif part.url:
            source = {"type": "url", "url": self._web(part.url, "file")}
        elif part.file:
            source = {"type": "file", "file_id": self._file(part.file)}
        else:
            media = part.media_type if self.own and part.media_type else "text/plain"
            source = {"type": "text", "media_type": media, "data": part.text}
        out: Json = {"type": "document", "source": source}
        if part.title or part.name:
            out["title"] = part.title or part.name
        if part.context:
            out["context"] = part.context
        if part.citations:
            out["citations"] = {"enabled": True}
        return _marked(out, part.cache)

    def _file_data(self, part: Document) -> Json:
        media = part.media_type or "application/pdf"
        if not self.own and media.startswith(_TEXTUAL):
            try:
                text = base64.b64decode(part.data, validate=True).decode()
            except (binascii.Error, UnicodeError) as error:
                raise Unsupported(f"the file is not {media}", "file") from error
            return {"type": "text", "media_type": "text/plain", "data": text}
        if not self.own and media != "application/pdf":
            raise Unsupported(f"Anthropic models do not read {media}", "file")
        return {"type": "base64", "media_type": media, "data": part.data}

    def _web(self, url: str, name: str) -> str:
        if not self.own and not url.startswith(("https://", "http://")):
            raise Unsupported("Anthropic can fetch web addresses only", name)
        return url

    def _file(self, file: str) -> str:
        if not self.own:
            raise Unsupported("a file id of another provider", "file_id")
        return file

    def _tool_result(self, part: ToolResult) -> Json:
        out: Json = {"type": "tool_result", "tool_use_id": tool_id(part.id)}
        blocks = [block for one in part.parts for block in self.block(one)]
        first = part.parts[0] if len(part.parts) == 1 else None
        if isinstance(first, Text) and first.cache is None and blocks:
            out["content"] = first.text
        elif blocks:
            out["content"] = blocks
        if part.is_error:
            out["is_error"] = True
        return _marked(out, part.cache)


def tool_use(part: ToolUse) -> Json:
    """A tool call; its arguments as an object, which the API demands."""
    out: Json = {
        "type": "tool_use",
        "id": tool_id(part.id),
        "name": part.name,
        "input": arguments(part),
    }
    return _marked(out, part.cache)


def arguments(part: ToolUse) -> Raw:
    """The arguments as a JSON object: as generated when they are one, else wrapped.

    A custom tool's free text, and text that is no JSON (an answer that was cut short),
    stand under `input`.
    """
    text = part.arguments.strip()
    if not part.custom:
        if not text:
            return Raw(b"{}")
        try:
            _object.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
        else:
            return Raw(text.encode())
    return Raw(encode({"input": part.arguments}))


def answer_blocks(parts: tuple[Part, ...]) -> list[Json | Raw]:
    """The `content` of an answer for a client, from any family's parts."""
    out: list[Json | Raw] = []
    for part in parts:
        match part:
            case Text() if part.text or part.citations:
                told = [citations.write(c) for c in part.citations]
                block: Json = {"type": "text", "text": part.text}
                out.append({**block, "citations": told} if told else block)
            case Thinking():
                out.append(thinking(part))
            case ToolUse():
                if part.signature:
                    out.append(carrier(part.signature))
                out.append(tool_use(part))
            case Opaque(family="anthropic"):
                out.append(part.raw)
            case _:
                if text := as_text(part):
                    out.append({"type": "text", "text": text})
    return out


def thinking(part: Thinking) -> Json:
    """Thoughts for a client; a foreign signature names its family."""
    if part.redacted:
        data = sign(part.redacted, part.family)
        return {"type": "redacted_thinking", "data": data}
    signature = sign(part.signature, part.family)
    return {"type": "thinking", "thinking": part.text, "signature": signature}


def carrier(signature: str) -> Json:
    """The signature of the tool call after it, in a form that clients send back."""
    return {"type": "redacted_thinking", "data": f"gemini:sign:{signature}"}


def as_text(part: Part) -> str:
    """What an answer in this dialect can say of a part only as text; often nothing."""
    match part:
        case Refusal():
            return part.text
        case Audio():
            return part.transcript
        case Image() if part.url:
            return f"![image]({part.url})"
        case Image() if part.data:
            media = sniff(part.data, part.media_type)
            return f"![image](data:{media};base64,{part.data})"
        case _:
            return ""


def cached(cache: Cache) -> Json:
    """The `cache_control` of a marker."""
    out: Json = {"type": "ephemeral"}
    if cache.ttl:
        out["ttl"] = cache.ttl
    return out


def _marked(block: Json, cache: Cache | None) -> Json:
    if cache is not None:
        block["cache_control"] = cached(cache)
    return block


def sniff(data: str, told: str) -> str:
    """The media type of an image, by how its base64 begins: what clients tell of it is
    often another one, which Anthropic refuses. Of others, what is told."""
    for start, media in _MAGIC.items():
        if data.startswith(start):
            return media
    return told or "image/png"
