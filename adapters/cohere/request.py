"""A conversation -> the body of /v2/chat.

What becomes of each field: `messages` are carried, with thoughts as `thinking` parts
for a model that reasons and as `tool_plan` for one that does not; documents that are to
be cited are `documents`, others are written into the message; `tools` are carried, but
for custom ones, which are refused, and those of another family, which are dropped;
`tool_choice` is REQUIRED (of one tool: that tool alone is offered) or NONE; `top_p` is
`p`, `top_k` is `k`, `stop` is `stop_sequences`; `reasoning` is `thinking`, where the
model reasons; `response_format` is carried; every other field is dropped and named.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters import kin
from adapters.cohere.wire import BROKEN, TITLE, encode
from adapters.contract import Target
from adapters.errors import Unsupported
from adapters.kin import Json
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)

_SAID: Final = kin.words(
    "tools tool_choice max_tokens temperature top_p top_k stop seed presence_penalty "
    "frequency_penalty logprobs response_format reasoning"
)
_NUMBERS: Final = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "p",
    "top_k": "k",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
_OWN: Final = frozenset(
    {
        "documents",
        "citation_options",
        "safety_mode",
        "strict_tools",
        "thinking",
        "priority",
        "raw_prompting",
    }
)
"""Cohere's own fields, for a client that knows whom it speaks to."""
_THINKING: Final = frozenset({"type", "token_budget"})
_BUDGETS: Final = {"minimal": 1024, "low": 2048, "medium": 8192}
"""Thinking tokens for an effort; a higher one has no limit."""
_REASONERS: Final = ("reasoning", "command-a-plus")

_members = msgspec.json.Decoder(dict[str, Raw])


def write(call: ChatCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body, and what had to be left out in the client's names.

    Raises:
        BadCall: the client's body does not follow its dialect.
        Unsupported: leaving it out would mislead, or the target is strict.
    """
    asked = call.conversation()
    drop = kin.unsaid(asked, _SAID)
    body: Json = {"model": target.model}
    writer = _Writer(drop, thinks=_thinks(target))
    body["messages"] = writer.messages(asked.messages)
    if writer.documents:
        body["documents"] = writer.documents
    _tools(asked, body, drop)
    _numbers(asked, body)
    _form(asked, body)
    _think(asked.reasoning, body, drop, thinks=writer.thinks)
    for name, raw in asked.extra.items():
        if name in _OWN and (name != "thinking" or _is_thinking(raw)):
            body[name] = raw
        else:
            drop.append(name)
    body["stream"] = call.stream
    return encode(body), kin.named(drop, call.dialect, target)


def _is_thinking(raw: Raw) -> bool:
    """Whether it is Cohere's own: other vendors call theirs the same."""
    try:
        return not _members.decode(raw).keys() - _THINKING
    except BROKEN:
        return False


def _thinks(target: Target) -> bool:
    return "reasoning" in target.abilities or any(
        word in target.model for word in _REASONERS
    )


class _Writer:
    """Writes the messages of one conversation."""

    def __init__(self, drop: list[str], *, thinks: bool) -> None:
        self._drop = drop
        self.thinks = thinks
        self.documents: list[Json] = []
        """Those that are to be cited."""

    def messages(self, turns: tuple[Message, ...]) -> list[Json]:
        out: list[Json] = []
        for turn in turns:
            if turn.role == "tool":
                out += self._results(turn)
            elif turn.role == "assistant":
                out.append(self._assistant(turn))
            else:
                role = "system" if turn.role == "developer" else turn.role
                out.append({"role": role, "content": self._content(turn.parts)})
            if turn.name:
                self._drop.append("messages.name")
        return out

    def _content(self, parts: tuple[Part, ...]) -> str | list[Json]:
        """Text alone as text."""
        entries = [entry for part in parts for entry in self._part(part)]
        if len(entries) == 1 and entries[0]["type"] == "text":
            return str(entries[0]["text"])
        return entries or ""

    def _part(self, part: Part) -> list[Json]:
        if getattr(part, "cache", None) is not None:
            self._drop.append("cache")
        match part:
            case Text() | Refusal():
                return [{"type": "text", "text": part.text}]
            case Image():
                return [{"type": "image_url", "image_url": _image(part)}]
            case Audio() if part.transcript and not part.data:
                return [{"type": "text", "text": part.transcript}]
            case Document() if text := kin.within(part):
                if not part.citations:
                    return [{"type": "text", "text": text}]
                self.documents.append(self._source(part))
                return []
            case _:
                kin.refuse(part, TITLE, self._drop)
                return []

    def _source(self, part: Document) -> Json:
        bare = Document(data=part.data, media_type=part.media_type, text=part.text)
        data = {"text": kin.within(bare)}
        title = part.title or part.name
        if title:
            data = {"title": title, **data}
        if part.context:
            data["context"] = part.context
        return {"id": f"doc:{len(self.documents)}", "data": data}

    def _assistant(self, turn: Message) -> Json:
        out: Json = {"role": "assistant"}
        thoughts = "".join(p.text for p in turn.parts if isinstance(p, Thinking))
        calls = [part for part in turn.parts if isinstance(part, ToolUse)]
        apart = (Thinking, ToolUse)
        content = self._content(
            tuple(p for p in turn.parts if not isinstance(p, apart))
        )
        if thoughts and self.thinks:
            said = [{"type": "text", "text": content}] if content else []
            rest = said if isinstance(content, str) else content
            content = [{"type": "thinking", "thinking": thoughts}, *rest]
        elif thoughts and calls:
            out["tool_plan"] = thoughts
        elif thoughts:
            self._drop.append("messages.thinking")
        if content or not calls:
            out["content"] = content
        if calls:
            out["tool_calls"] = [_call(call) for call in calls]
        return out

    def _results(self, turn: Message) -> list[Json]:
        """A message for each result, then one of the user for the images in them."""
        out: list[Json] = []
        later: list[Json] = []
        for result in kin.results(turn):
            images = [part for part in result.parts if isinstance(part, Image)]
            content: str | list[Json] = self._content(
                tuple(p for p in result.parts if not isinstance(p, Image | Document))
            )
            found = [p for p in result.parts if isinstance(p, Document)]
            if found:
                said = [{"type": "text", "text": content}] if content else []
                rest = said if isinstance(content, str) else content
                content = [*rest, *(self._found(result, p) for p in found)]
            if result.is_error:
                self._drop.append("is_error")
            if images:
                told = f"Images from the result of tool call {result.id}:"
                later.append({"type": "text", "text": told})
                later += [entry for image in images for entry in self._part(image)]
                content = content or "The result follows in the next message."
            out.append({"role": "tool", "tool_call_id": result.id, "content": content})
        if later:
            out.append({"role": "user", "content": later})
        return out

    def _found(self, result: ToolResult, part: Document) -> Json:
        """A document that a tool brought, which the answer may cite."""
        if not kin.within(part):
            kin.refuse(part, TITLE, self._drop)
        return {"type": "document", "document": {"data": self._source(part)["data"]}}


def _image(part: Image) -> Json:
    if part.file:
        raise Unsupported(f"{TITLE} takes no images by file id", "image.file_id")
    url = part.url or f"data:{part.media_type or 'image/png'};base64,{part.data}"
    return {"url": url, "detail": part.detail} if part.detail else {"url": url}


def _call(call: ToolUse) -> Json:
    arguments = kin.arguments(call)
    text = bytes(arguments) if isinstance(arguments, Raw) else encode(arguments)
    function = {"name": call.name, "arguments": text.decode(errors="replace")}
    return {"id": call.id, "type": "function", "function": function}


def _tools(asked: Conversation, body: Json, drop: list[str]) -> None:
    written = kin.tools(asked, drop, TITLE)
    if any(tool.strict for tool in asked.tools):
        drop.append("tools.strict")
    if not written:
        return
    body["tools"] = written
    mode = asked.tool_choice.mode if asked.tool_choice is not None else "auto"
    if mode != "auto":
        body["tool_choice"] = "NONE" if mode == "none" else "REQUIRED"


def _numbers(asked: Conversation, body: Json) -> None:
    for field, name in _NUMBERS.items():
        value = getattr(asked, field)
        if value is None or (field == "top_p" and value >= 1):
            continue  # `p` is less than 1, which asks for nothing
        body[name] = value
    if asked.stop:
        body["stop_sequences"] = list(asked.stop)
    if asked.logprobs:
        body["logprobs"] = True


def _form(asked: Conversation, body: Json) -> None:
    form = asked.response_format
    if form is None or form.mode == "text":
        return
    out: Json = {"type": "json_object"}
    if form.mode == "schema" and form.schema:
        out["json_schema"] = form.schema
    body["response_format"] = out


def _think(
    asked: Reasoning | None, body: Json, drop: list[str], *, thinks: bool
) -> None:
    if asked is None:
        return
    off = asked.enabled is False or asked.effort == "none" or asked.budget == 0
    wanted = bool(asked.enabled or asked.effort or asked.budget) and not off
    if not thinks:
        if wanted:
            drop.append("reasoning")
        return
    if off:
        body["thinking"] = {"type": "disabled"}
    elif wanted:
        budget = asked.budget or _BUDGETS.get(asked.effort, 0)
        limit = {"token_budget": budget} if budget > 0 else {}
        body["thinking"] = {"type": "enabled", **limit}
    if asked.show is False and wanted:
        drop.append("show")
