"""A conversation -> the body of /api/chat, or of /api/generate for a plain prompt.

What becomes of each field: `messages` are carried (a result's images and the like in a
user's message after it); `tools` too, but for custom ones, which are refused, and those
of another family, which are dropped; `tool_choice` none leaves the tools out, a choice
of names leaves the others out, and that one must be called is dropped; the numbers go
into `options`; `response_format` is `format`; `reasoning` is `think`; every other field
is dropped and named.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters import kin
from adapters.contract import Target
from adapters.errors import BadCall, ByAddress, Unsupported
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
from adapters.ollama.wire import TITLE, encode

_SAID: Final = kin.words(
    "tools tool_choice max_tokens temperature top_p top_k stop seed presence_penalty "
    "frequency_penalty logprobs top_logprobs response_format reasoning"
)
_OPTIONS: Final = {
    "max_tokens": "num_predict",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
_TOP: Final = frozenset({"keep_alive", "think", "format", "truncate", "shift"})
"""Ollama's own fields, for a client that knows whom it speaks to."""
_GENERATE: Final = frozenset({"suffix", "template", "system", "raw", "context"})
"""The same, of a plain prompt."""
_LEVELS: Final = {"minimal": "low", "xhigh": "high", "max": "high"}
_BY_LEVEL: Final = "gpt-oss"
"""Models that think by level; the others do, or do not."""

_fields = msgspec.json.Decoder(dict[str, Raw])


def write(call: ChatCall, target: Target) -> tuple[bytes, str, tuple[str, ...]]:
    """The body, its path, and what had to be left out in the client's names.

    Raises:
        BadCall: the client's body does not follow its dialect.
        Unsupported: leaving it out would mislead, or the target is strict.
    """
    asked = call.conversation()
    drop = kin.unsaid(asked, _SAID)
    body: Json = {"model": target.model}
    prompt = _prompt(call, asked)
    if prompt is None:
        path = "/api/chat"
        body["messages"] = _messages(asked, drop)
    else:
        path, body["prompt"] = "/api/generate", prompt
    _tools(asked, body, drop)
    _form(asked, target, body, drop)
    options = _options(asked)
    _extra(asked, target, body, options, drop, plain=prompt is not None)
    if options:
        body["options"] = options
    body["stream"] = call.stream
    return encode(body), path, kin.named(drop, call.dialect, target)


def _prompt(call: ChatCall, asked: Conversation) -> str | None:
    """The text of a legacy completion."""
    if call.operation != "complete" or len(asked.messages) != 1:
        return None
    return asked.messages[0].text


def _messages(asked: Conversation, drop: list[str]) -> list[Json]:
    names = kin.names_of_calls(asked.messages)
    out: list[Json] = []
    for message in asked.messages:
        if message.role == "tool":
            out += _results(message, names, drop)
        elif message.role == "assistant":
            out.append(_assistant(message, drop))
        else:
            role = "system" if message.role == "developer" else message.role
            out.append({"role": role, **_content(message.parts, drop)})
        if message.name:
            drop.append("messages.name")
    return out


def _content(parts: tuple[Part, ...], drop: list[str]) -> Json:
    """Texts in one, and the images beside it: Ollama's messages have no parts."""
    texts: list[str] = []
    images: list[str] = []
    for part in parts:
        if getattr(part, "cache", None) is not None:
            drop.append("cache")
        match part:
            case Text() | Refusal():
                texts.append(part.text)
            case Image():
                images.append(_image(part, drop))
            case Document() if text := kin.within(part):
                texts.append(text)
            case Audio() if part.transcript and not part.data:
                texts.append(part.transcript)
            case _:
                kin.refuse(part, TITLE, drop)
    out: Json = {"content": "\n".join(text for text in texts if text)}
    if images:
        out["images"] = images
    return out


def _image(part: Image, drop: list[str]) -> str:
    if not part.data:
        told = f"{TITLE} takes images as data only, not by address or file id"
        kind = ByAddress if part.url else Unsupported
        raise kind(told, "image_url")
    if part.detail not in ("", "auto"):
        drop.append("detail")
    return part.data


def _assistant(message: Message, drop: list[str]) -> Json:
    apart = (Thinking, ToolUse)
    said = tuple(p for p in message.parts if not isinstance(p, apart))
    out: Json = {"role": "assistant", **_content(said, drop)}
    thoughts = "".join(p.text for p in message.parts if isinstance(p, Thinking))
    if thoughts:
        out["thinking"] = thoughts
    calls = [
        {"id": p.id, "function": {"name": p.name, "arguments": kin.arguments(p)}}
        for p in message.parts
        if isinstance(p, ToolUse)
    ]
    if calls:
        out["tool_calls"] = calls
    return out


def _results(message: Message, names: dict[str, str], drop: list[str]) -> list[Json]:
    """A message for each result, then one of the user for the images among them."""
    out: list[Json] = []
    images: list[str] = []
    for result in kin.results(message):
        told = _content(result.parts, drop)
        images += told.pop("images", ())
        if result.is_error:
            drop.append("is_error")
        out.append({"role": "tool", **told, **_answering(result, names)})
    if images:
        told = {"content": "Images from the results of the tools:", "images": images}
        out.append({"role": "user", **told})
    return out


def _answering(result: ToolResult, names: dict[str, str]) -> Json:
    name = result.name or names.get(result.id, "")
    told: Json = {"tool_name": name} if name else {}
    return told | {"tool_call_id": result.id}


def _tools(asked: Conversation, body: Json, drop: list[str]) -> None:
    choice = asked.tool_choice
    if choice is not None and choice.mode == "none":
        return
    written = kin.tools(asked, drop, TITLE)
    if choice is not None and choice.mode in ("required", "tool"):
        drop.append("tool_choice")
    if written:
        body["tools"] = written


def _form(asked: Conversation, target: Target, body: Json, drop: list[str]) -> None:
    form = asked.response_format
    if form is not None and form.mode != "text":
        body["format"] = form.schema if form.schema else "json"
    if asked.reasoning is not None:
        think = _think(asked.reasoning, target.model)
        if think is not None:
            body["think"] = think
        if asked.reasoning.show is False and think:
            drop.append("show")
    if asked.logprobs:
        body["logprobs"] = True
        if asked.top_logprobs:
            body["top_logprobs"] = asked.top_logprobs


def _think(asked: Reasoning, model: str) -> bool | str | None:
    """`None`: as the model likes."""
    if asked.enabled is False or asked.effort == "none" or asked.budget == 0:
        return False
    if _BY_LEVEL in model and asked.effort:
        return _LEVELS.get(asked.effort, asked.effort)
    wanted = asked.enabled or asked.effort or asked.budget
    return True if wanted else None


def _options(asked: Conversation) -> Json:
    options: Json = {
        name: value
        for field, name in _OPTIONS.items()
        if (value := getattr(asked, field)) is not None
    }
    if asked.stop:
        options["stop"] = list(asked.stop)
    return options


def _extra(
    asked: Conversation,
    target: Target,
    body: Json,
    options: Json,
    drop: list[str],
    *,
    plain: bool,
) -> None:
    """Ollama's own words, as `options` or beside them; its row lists the options."""
    rename = target.provider.quirks.rename
    for name, raw in asked.extra.items():
        place = rename.get(name, "")
        if name == "options":
            options.update(_object(raw, name))
        elif place.startswith("options."):
            options[place.removeprefix("options.")] = raw
        elif name in _TOP or (plain and name in _GENERATE):
            body[name] = raw
        else:
            drop.append(name)


def _object(raw: Raw, name: str) -> dict[str, Any]:
    try:
        return _fields.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"{name}: not an object", name) from error
