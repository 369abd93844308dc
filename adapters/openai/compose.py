"""Messages of a chat completion request, written."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, Final

from adapters.errors import ByAddress, Unsupported
from adapters.normal.content import (
    Audio,
    Cache,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from adapters.openai import reasoning, replies, turns, wire
from adapters.openai.words import Words

Json = dict[str, Any]

_WITHIN: Final = (
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-yaml",
)
"""Documents that are text, beside `text/*`: written into the message."""
_SEEN: Final = frozenset({"video"})
"""Another family's parts that a question may be about: dropping them misleads."""


class Composer:
    """Writes the messages of one conversation."""

    __slots__ = ("_drop", "_words")

    def __init__(self, words: Words, drop: list[str]) -> None:
        self._words = words
        self._drop = drop
        """What cannot be said: a `Conversation`'s names, or parts' labels."""

    def messages(self, conversation: Iterable[Message]) -> list[Json]:
        """All turns.

        Raises:
            Unsupported: a part cannot be carried, and the rest would mislead.
        """
        out: list[Json] = []
        for message in conversation:
            if message.role == "tool":
                out += self._results(message.parts)
            elif message.role == "assistant":
                out.append(self._assistant(message))
            else:
                out.append(self._plain(message))
        return out

    def cached(self, entry: Json, cache: Cache | None) -> Json:
        """The part, tool or call with its cache marker."""
        if cache is None:
            return entry
        if self._words.official and self._words.own:
            entry["prompt_cache_breakpoint"] = {"mode": "explicit"}
        elif self._words.cache:
            marker = {"type": "ephemeral"}
            if cache.ttl:
                marker["ttl"] = cache.ttl
            entry["cache_control"] = marker
        else:
            self._drop.append("cache")
        return entry

    def _plain(self, message: Message) -> Json:
        out: Json = {"role": message.role}
        out["content"] = self._content(message.parts, out)
        if message.name:
            out["name"] = message.name
        return out

    def _content(self, parts: Sequence[Part], holder: Json) -> str | list[Json]:
        """Text alone as text; `holder` gets the fields that parts stand for."""
        if len(parts) == 1 and type(parts[0]) is Text and parts[0].cache is None:
            return parts[0].text
        entries: list[Any] = []
        for part in parts:
            entries += self._part(part, holder)
        if not entries:
            return ""
        if len(entries) == 1 and isinstance(entries[0], dict):
            only = entries[0]
            if only.get("type") == "text" and len(only) == 2:
                return str(only["text"])
        return entries

    def _part(self, part: Part, holder: Json) -> list[Any]:
        if isinstance(part, Opaque):
            return self._opaque(part, holder)
        entry: Json
        match part:
            case Text():
                entry = {"type": "text", "text": part.text}
            case Image():
                if self._words.data_only and part.url[:4].lower() == "http":
                    told = "this provider takes pictures as data only"
                    raise ByAddress(told, "image_url")
                entry = _image(part)
            case Audio():
                entry = _audio(part)
            case Document():
                entry = self._document(part)
            case Refusal():
                return [{"type": "refusal", "refusal": part.text}]
            case _:
                self._drop.append(f"messages.{type(part).__name__.lower()}")
                return []
        return [self.cached(entry, part.cache)]

    def _opaque(self, part: Opaque, holder: Json) -> list[Any]:
        if part.family != wire.FAMILY:
            if part.label in _SEEN:
                told = f"chat completions cannot be given a {part.label}"
                raise Unsupported(told, part.label)
            self._drop.append(part.label)
            return []
        if part.label.startswith(turns.MESSAGE):
            holder[part.label.removeprefix(turns.MESSAGE)] = part.raw
            return []
        return [part.raw]

    def _document(self, part: Document) -> Json:
        if part.citations:
            self._drop.append("documents.citations")
        text = part.text or _decoded(part)
        if text:
            title = part.title or part.name
            said = "\n\n".join(p for p in (title, part.context, text) if p)
            return {"type": "text", "text": said}
        if part.file:
            return {"type": "file", "file": {"file_id": part.file}}
        if part.url:
            return self._address(part)
        media_type = part.media_type or "application/pdf"
        data = f"data:{media_type};base64,{part.data}"
        if self._words.file_url == "document_url":
            return {"type": "document_url", "document_url": data}
        name = part.name or part.title or "document.pdf"
        return {"type": "file", "file": {"file_data": data, "filename": name}}

    def _address(self, part: Document) -> Json:
        match self._words.file_url:
            case "":
                raise ByAddress(
                    "chat completions cannot be given a document by its address",
                    "document.url",
                )
            case "file_data":
                file: Json = {"file_data": part.url}
                if part.name:
                    file["filename"] = part.name
                return {"type": "file", "file": file}
            case "document_url":
                return {"type": "document_url", "document_url": part.url}
        return {"type": "file_url", "file_url": {"url": part.url}}

    def _assistant(self, message: Message) -> Json:
        out: Json = {"role": "assistant"}
        parts = message.parts
        thoughts = [p for p in parts if isinstance(p, Thinking)]
        calls = [p for p in parts if isinstance(p, ToolUse)]
        said: list[Part] = []
        for part in parts:
            if isinstance(part, Refusal):
                out["refusal"] = out.get("refusal", "") + part.text
            elif isinstance(part, Audio) and part.id:
                out["audio"] = {"id": part.id}
            elif isinstance(part, Image | Audio | Document):
                self._drop.append(f"messages.assistant.{type(part).__name__.lower()}")
            elif not isinstance(part, Thinking | ToolUse):
                said.append(part)
        self._signature(said, out)
        content = self._content(said, out)
        if thoughts:
            content = self._thoughts(thoughts, content, out)
        beside = calls or "refusal" in out or "audio" in out
        out["content"] = None if content == "" and beside else content
        if calls:
            out["tool_calls"] = [self._call(call) for call in calls]
        if message.name:
            out["name"] = message.name
        return out

    def _signature(self, said: list[Part], out: Json) -> None:
        signed = [p.signature for p in said if isinstance(p, Text) and p.signature]
        if signed and self._words.google:
            out |= reasoning.signed(signed[-1])
        if any(isinstance(p, Text) and p.citations for p in said):
            self._drop.append("messages.citations")

    def _thoughts(
        self, thoughts: list[Thinking], content: str | list[Json], out: Json
    ) -> str | list[Json]:
        text = "".join(t.text for t in thoughts)
        match self._words.thoughts:
            case "":
                self._drop.append("messages.thinking")
            case "all":
                out |= reasoning.write(thoughts)
            case "reasoning_details":
                out["reasoning_details"] = reasoning.details(thoughts)
            case "list":
                inner = [{"type": "text", "text": text}]
                rest = content
                if isinstance(rest, str):
                    rest = [{"type": "text", "text": rest}] if rest else []
                return [{"type": "thinking", "thinking": inner}, *rest]
            case name if text:
                out[name] = text
        return content

    def _call(self, call: ToolUse) -> Json:
        entry = replies.tool_call(call)
        if not self._words.google:
            entry.pop("extra_content", None)
        return self.cached(entry, call.cache)

    def _results(self, parts: Sequence[Part]) -> list[Json]:
        """A message for each result, then one of the user for what they cannot hold."""
        later: list[Any] = []
        results = [part for part in parts if isinstance(part, ToolResult)]
        out = [self._result(result, later) for result in results]
        if later:
            out.append({"role": "user", "content": later})
        return out

    def _result(self, result: ToolResult, later: list[Any]) -> Json:
        out: Json = {"role": "tool", "tool_call_id": result.id}
        kept: list[Part] = []
        moved: list[Part] = []
        for part in result.parts:
            text = isinstance(part, Document) and bool(part.text or _decoded(part))
            (kept if isinstance(part, Text | Opaque) or text else moved).append(part)
        if result.is_error:
            self._drop.append("is_error")
        marked = any(getattr(part, "cache", None) for part in kept)
        out["content"] = self._content(kept, out)
        if result.cache and not marked:
            self.cached(out, result.cache)
        if moved:
            told = f"Files from the result of tool call {result.id}:"
            later.append({"type": "text", "text": told})
            for file in moved:
                later += self._part(file, out)
            if not out["content"]:
                out["content"] = "The result follows in the next message."
        if result.name and self._words.own:
            out["name"] = result.name
        return out


def _image(part: Image) -> Json:
    if part.file:
        raise Unsupported(
            "chat completions cannot be given an image by its file id", "image.file_id"
        )
    url = part.url or f"data:{part.media_type or 'image/png'};base64,{part.data}"
    place: Json = {"url": url}
    if part.detail:
        place["detail"] = part.detail
    return {"type": "image_url", "image_url": place}


def _audio(part: Audio) -> Json:
    if not part.data:
        raise Unsupported(
            "chat completions cannot be given a sound by its address", "audio.url"
        )
    return {
        "type": "input_audio",
        "input_audio": {"data": part.data, "format": part.format or "wav"},
    }


def _decoded(part: Document) -> str:
    """The text of a document that is text; empty for any other."""
    if not part.data or not part.media_type.startswith(("text/", *_WITHIN)):
        return ""
    try:
        return base64.b64decode(part.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
