"""What grammars share that are kin to chat completions: Ollama's, Cohere's, and those
of vendors of one model family.

They know functions as tools, plain texts as prompts and a few numbers; what they have
no word for is named here once, under the client's own names.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Target
from adapters.errors import Unsupported
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Tool,
    ToolResult,
    ToolUse,
)
from adapters.openai.parameters import client_name

Json = dict[str, Any]

NO_SCHEMA: Final = Raw(b'{"type":"object","properties":{}}')
"""Of a tool whose client gave none: it takes no arguments."""
_TEXTS: Final = (
    "text/",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-yaml",
)
"""Media types of documents that are text: written into the message."""
_SEEN: Final = frozenset({"video"})
"""Another family's parts that a question may be about: dropping them misleads."""
_NOTHING: Final[dict[str, tuple[object, ...]]] = {
    "n": (1,),
    "presence_penalty": (0.0,),
    "frequency_penalty": (0.0,),
    "logprobs": (False,),
    "parallel_tools": (True,),
    "store": (False,),
    "service_tier": ("auto", "default", "standard_only"),
    "verbosity": ("medium",),
    "modalities": (("text",),),
    "logit_bias": (b"{}", b"null"),
    "metadata": (b"{}", b"null"),
    "audio": (b"null",),
    "prediction": (b"null",),
}
"""Values that ask for nothing: left out without a word."""


def words(text: str) -> frozenset[str]:
    """Names written with spaces between."""
    return frozenset(text.split())


def unsaid(asked: Conversation, said: frozenset[str]) -> list[str]:
    """The fields of a conversation that ask for something and are not in `said`: those
    that the family has words for. `extra` is the family's own business."""
    found = []
    for name in Conversation.__struct_fields__:
        if name in said or name in ("extra", "messages"):
            continue
        value = getattr(asked, name)
        if isinstance(value, Raw):
            value = bytes(value)
        if value in (None, "", (), b"") or value in _NOTHING.get(name, ()):
            continue
        found.append(name)
    return found


def named(drop: Iterable[str], dialect: str, target: Target) -> tuple[str, ...]:
    """What is dropped, in the client's names, each once.

    Raises:
        Unsupported: the target is strict.
    """
    names = tuple(dict.fromkeys(client_name(name, dialect) for name in drop))
    if names and target.strict:
        title = target.provider.title or target.provider.id
        raise Unsupported(f"{title} cannot be asked for {names[0]}", names[0])
    return names


def tools(asked: Conversation, drop: list[str], title: str) -> list[Json]:
    """The tools, as chat completions have them; of a choice of several, those only.

    Raises:
        Unsupported: a custom tool, whose arguments are free text.
    """
    choice = asked.tool_choice
    wanted = choice.names if choice is not None and choice.mode != "none" else ()
    out = []
    for tool in asked.tools:
        if wanted and tool.name not in wanted and tool.kind != "opaque":
            continue
        if tool.kind == "opaque":
            drop.append(f"tools.{tool.name}")
        else:
            out.append(_tool(tool, drop, title))
    return out


def _tool(tool: Tool, drop: list[str], title: str) -> Json:
    if tool.kind == "custom":
        told = f"{title} has no custom tools: {tool.name} needs a JSON schema"
        raise Unsupported(told, "tools")
    if tool.cache is not None:
        drop.append("cache")
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.schema or NO_SCHEMA
    return {"type": "function", "function": function}


def arguments(part: ToolUse) -> Json | Raw:
    """The arguments of a call as an object: text that is none is wrapped, so that the
    model sees what it once wrote."""
    text = part.arguments.strip()
    if part.custom:
        return {"input": part.arguments}
    if not text or text == "null":
        return {}
    raw = text.encode(errors="replace")
    return Raw(raw) if is_object(raw) else {"arguments": part.arguments}


def is_object(raw: bytes) -> bool:
    """Whether it is the JSON of an object, all of it."""
    if raw[:1] != b"{":
        return False
    try:
        msgspec.json.decode(raw, type=dict[str, Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def within(part: Document) -> str:
    """The text of a document that is text, under its title; empty for any other."""
    text = part.text
    if not text and part.data and part.media_type.startswith(_TEXTS):
        try:
            text = base64.b64decode(part.data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            text = ""
    if not text:
        return ""
    title = part.title or part.name
    return "\n\n".join(piece for piece in (title, part.context, text) if piece)


def refuse(part: Part, title: str, drop: list[str]) -> None:
    """A part that cannot be carried.

    Raises:
        Unsupported: the question may be about it.
    """
    match part:
        case Document():
            told = f"{title} reads documents that are text only"
            raise Unsupported(told, "document")
        case Audio():
            raise Unsupported(f"{title} takes no audio", "input_audio")
        case Image():
            raise Unsupported(f"{title} takes no images", "image_url")
        case Opaque() if part.label in _SEEN:
            raise Unsupported(f"{title} cannot be given a {part.label}", part.label)
        case Opaque():
            drop.append(part.label)
        case _:
            drop.append(f"messages.{type(part).__name__.lower()}")


def names_of_calls(messages: Iterable[Message]) -> dict[str, str]:
    """Tool call id -> the tool's name, for results that do not tell it."""
    return {
        part.id: part.name
        for message in messages
        for part in message.parts
        if isinstance(part, ToolUse)
    }


def results(message: Message) -> list[ToolResult]:
    """The results of a turn of tools."""
    return [part for part in message.parts if isinstance(part, ToolResult)]


def made_id(body: bytes) -> str:
    """An id for an answer whose provider gives none: of the same request, the same."""
    digest = hashlib.blake2b(body, digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
