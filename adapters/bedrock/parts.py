"""Parts -> content blocks of the Converse API."""

import base64
import re
from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic.parts import arguments, as_text, sniff
from adapters.anthropic.wire import FAMILY as CLAUDE
from adapters.anthropic.wire import sign
from adapters.bedrock import blocks, citations
from adapters.bedrock.models import Model
from adapters.bedrock.wire import (
    FAMILY,
    Block,
    encode,
    tool_id,
    tool_name,
    wrapped,
)
from adapters.errors import ByAddress, Unsupported
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
SIGNATURE: Final = "gemini:sign:"
"""Starts the encrypted thought in which a foreign tool call's signature travels."""

_IMAGES: Final = {"image/jpg": "jpeg"}
_SOUNDS: Final = {"pcm16": "pcm", "x-wav": "wav", "mpeg": "mp3"}
_FORMATS: Final = {media: word for word, media in blocks.DOCUMENTS.items()} | {
    "application/xhtml+xml": "html",
    "application/json": "txt",
    "text/xml": "txt",
    "application/xml": "txt",
    "application/yaml": "txt",
}
_FIT: Final = re.compile(r"[^a-zA-Z0-9\-()\[\] ]+")
_SPACES: Final = re.compile(r" {2,}")
_LONGEST: Final = 200


class Speech:
    """Turns parts into blocks, and remembers what it had to leave out."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._dropped: dict[str, None] = {}
        self._files: set[str] = set()

    @property
    def dropped(self) -> list[str]:
        """The client's names of what was left out, in order."""
        return [*self._dropped]

    def drop(self, name: str) -> None:
        self._dropped[name] = None

    def blocks(self, part: Part) -> list[Json | Raw]:
        """The blocks for a part of a message, a cache point after them; none if it
        cannot be said.

        Raises:
            Unsupported: leaving it out would mislead.
        """
        found = self._blocks(part)
        marker = getattr(part, "cache", None)
        if isinstance(part, ToolResult) and marker is None:
            inner = [getattr(one, "cache", None) for one in part.parts]
            marker = next((one for one in reversed(inner) if one is not None), None)
        return [*found, *self.point(marker)] if found else found

    def point(self, marker: Cache | None) -> list[Json | Raw]:
        """The cache point of a marker, where the model knows them."""
        if marker is None:
            return []
        if not self.model.caches:
            self.drop("cache_control")
            return []
        point: Json = {"type": "default"}
        if marker.ttl and self.model.nova:
            self.drop("cache_control.ttl")
        elif marker.ttl:
            point["ttl"] = marker.ttl
        return [{"cachePoint": point}]

    def _blocks(self, part: Part) -> list[Json | Raw]:
        found: list[Json | Raw] = []
        match part:
            case Text() | Refusal():
                if part.text.strip():  # blank text is refused
                    found = [{"text": part.text}]
            case ToolUse():
                found = [tool_use(part)]
            case ToolResult():
                found = [self._tool_result(part)]
            case Thinking():
                found = self._thinking(part)
            case Opaque() if part.family == FAMILY:
                found = [part.raw]
            case Opaque():
                self.drop(part.label)
            case _:
                found = [self._medium(part)]
        return found

    def _thinking(self, part: Thinking) -> list[Json | Raw]:
        known = part.family == CLAUDE and self.model.vendor in {"", "anthropic"}
        if known and (part.signature or part.redacted):
            return [thinking(part)]
        self.drop("reasoning_content")
        return []

    def _medium(self, part: Image | Document | Audio) -> Json:
        match part:
            case Image():
                return self._image(part)
            case Document():
                return self._document(part)
            case Audio():
                return self._audio(part)

    def _image(self, part: Image) -> Json:
        if part.detail not in ("", "auto"):
            self.drop("image_url.detail")
        media = sniff(part.data, part.media_type) if part.data else part.media_type
        word = _IMAGES.get(media, media.partition("/")[2])
        if part.data and word not in {"png", "jpeg", "gif", "webp"}:
            raise Unsupported(f"Bedrock models see no {media}", "image_url")
        source = _source(part.data, part.url, part.file, "image_url")
        return {"image": {"format": word or _ending(part.url, "png"), "source": source}}

    def _audio(self, part: Audio) -> Json:
        if part.transcript and not part.data:
            return {"text": part.transcript}
        if self.model.vendor == "anthropic":
            raise Unsupported("Anthropic models take no audio", "input_audio")
        source = _source(part.data, part.url, part.id, "input_audio")
        word = _SOUNDS.get(part.format, part.format) or _ending(part.url, "wav")
        return {"audio": {"format": word, "source": source}}

    def _document(self, part: Document) -> Json:
        word = _FORMATS.get(part.media_type, "")
        source: Json
        if part.text:
            word = word or "txt"
            source = {"text": part.text}
            if not self.model.is_claude:
                data = base64.b64encode(part.text.encode(errors="replace"))
                source = {"bytes": data.decode()}
        else:
            source = _source(part.data, part.url, part.file, "file")
        if not word:
            ending = part.name.rpartition(".")[2].lower()
            word = ending if ending in blocks.DOCUMENTS else ""
        if not word and part.media_type.startswith("text/"):
            word = "txt"
        if not word and part.media_type not in ("", "application/octet-stream"):
            told = f"Bedrock models do not read {part.media_type}"
            raise Unsupported(told, "file")
        out: Json = {"format": word or "pdf", "name": self._name(part, word)}
        out["source"] = source
        if part.context:
            out["context"] = part.context
        if part.citations:
            out["citations"] = {"enabled": True}
        return {"document": out}

    def _name(self, part: Document, word: str) -> str:
        """A name as the API allows it, no two alike."""
        name = (part.title or part.name).removesuffix(f".{word}")
        name = _SPACES.sub(" ", _FIT.sub(" ", name)).strip()[: _LONGEST - 5].strip()
        name = name or "document"
        found, number = name, 1
        while found in self._files:
            number += 1
            found = f"{name} {number}"
        self._files.add(found)
        return found

    def _tool_result(self, part: ToolResult) -> Json:
        content = [block for one in part.parts for block in self._blocks(one)]
        out: Json = {"toolUseId": tool_id(part.id)}
        # An empty list is refused, and so is blank text.
        out["content"] = content or [{"text": "(no output)"}]
        if part.is_error:
            out["status"] = "error"
        return {"toolResult": out}


def _source(data: str, url: str, file: str, name: str) -> Json:
    if data:
        return {"bytes": data}
    if url.startswith("s3://"):
        return {"s3Location": blocks.s3(url)}
    if file:
        raise Unsupported("a file that another provider holds", name)
    raise ByAddress("Bedrock fetches nothing from the web: send the data", name)


def _ending(url: str, default: str) -> str:
    word = url.partition("?")[0].rpartition(".")[2].lower()
    return {"jpg": "jpeg"}.get(word, word) if "." in url and len(word) < 6 else default


def tool_use(part: ToolUse) -> Json:
    """A tool call; its arguments as an object, which the API demands."""
    name = tool_name(part.name)
    told = {"toolUseId": tool_id(part.id), "name": name, "input": arguments(part)}
    return {"toolUse": told}


def thinking(part: Thinking) -> Json:
    """A thought; a foreign signature names its family."""
    if part.redacted:
        data = part.redacted
        if part.family not in (CLAUDE, FAMILY, ""):
            data = wrapped(f"{part.family}:{part.redacted}")
        return {"reasoningContent": {"redactedContent": data}}
    text: Json = {"text": part.text}
    if part.signature:
        text["signature"] = sign(part.signature, part.family)
    return {"reasoningContent": {"reasoningText": text}}


def carrier(signature: str) -> Json:
    """The signature of the tool call after it, in a form that clients send back."""
    return {"reasoningContent": {"redactedContent": wrapped(SIGNATURE + signature)}}


def answer_blocks(said: tuple[Part, ...]) -> list[Json | Raw]:
    """The `content` of an answer for a client, from any family's parts."""
    out: list[Json | Raw] = []
    for part in said:
        match part:
            case Text() if part.citations:
                told = [citations.write(one) for one in part.citations]
                texts = [{"text": part.text}]
                out.append({"citationsContent": {"content": texts, "citations": told}})
            case Text():
                if part.text:
                    out.append({"text": part.text})
            case Thinking():
                if part.text or part.signature or part.redacted:
                    out.append(thinking(part))
            case ToolUse():
                if part.signature:
                    out.append(carrier(part.signature))
                out.append(tool_use(part))
            case _:
                out += _other(part)
    return out


def _other(part: Part) -> list[Json | Raw]:
    if isinstance(part, Opaque):
        return [part.raw] if part.family == FAMILY else []
    if isinstance(part, Image) and part.data:
        word = sniff(part.data, part.media_type).partition("/")[2]
        return [{"image": {"format": word, "source": {"bytes": part.data}}}]
    text = as_text(part)
    return [{"text": text}] if text else []


def without_foreign(body: bytes) -> bytes:
    """A client's body without what other families' models thought."""
    top = msgspec.json.decode(body, type=dict[str, Raw])
    turns = msgspec.json.decode(top["messages"], type=list[dict[str, Raw]])
    kept: list[dict[str, Raw]] = []
    for turn in turns:
        inner = msgspec.json.decode(turn.get("content", Raw(b"[]")), type=list[Raw])
        own = [raw for raw in inner if not _is_foreign(raw)]
        if own:
            kept.append({**turn, "content": Raw(encode(own))})
    return encode({**top, "messages": Raw(encode(kept))})


def _is_foreign(raw: Raw) -> bool:
    if b"reasoningContent" not in bytes(raw):
        return False
    block = msgspec.json.decode(raw, type=Block)
    if block.reasoning_content is None:
        return False
    return blocks.thinking(block.reasoning_content).family not in (CLAUDE, FAMILY)
