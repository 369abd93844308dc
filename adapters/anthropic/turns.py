"""Messages of any dialect -> `system` and alternating turns.

* System and developer messages move out, in order; in a call of this dialect those
  after the first stay where the client put them.
* Neighbours of one role become one turn, also where only blanks stood between them;
  tool results are part of the user's turn and stand first in it, as the API demands.
* A conversation of system messages only is asked as the user's.
* Calls and results pair: see `adapters.anthropic.pairing`.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from adapters.anthropic.pairing import paired
from adapters.anthropic.parts import Json, Speech
from adapters.anthropic.wire import FAMILY
from adapters.errors import Unsupported
from adapters.normal.content import (
    Message,
    Part,
    Text,
    Thinking,
    ToolResult,
)


class Turns(msgspec.Struct):
    """What a request says, before its options."""

    system: list[Json | Raw]
    messages: list[Json]
    free: bool = True
    """See `adapters.anthropic.thinking.plan`."""


def arrange(messages: tuple[Message, ...], speech: Speech) -> Turns:
    """The messages as the API wants them.

    Raises:
        Unsupported: a part has no form, and leaving it out would mislead.
        BadCall: a result answers no call.
    """
    system: list[Json | Raw] = []
    turns: list[tuple[str, list[Part]]] = []
    for place, message in enumerate(paired(messages, strict=not speech.own)):
        if message.role in ("system", "developer"):
            if not speech.own or place == 0:
                system += _system(message.parts, speech)
                continue
            turns.append(("system", list(message.parts)))
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if message.name and not speech.own:
            speech.drop("messages.name")
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(message.parts)
        else:
            turns.append((role, list(message.parts)))
    if turns and turns[-1][0] == "assistant" and not speech.own:
        turns[-1][1][:] = trimmed(turns[-1][1])
    out = _alternating(turns, speech)
    if not out and system and not speech.own:
        out, system = [{"role": "user", "content": system}], []
    if not out and not speech.own:
        raise Unsupported("the messages hold nothing but blanks", "messages")
    return Turns(system, out, free(turns))


def _alternating(turns: list[tuple[str, list[Part]]], speech: Speech) -> list[Json]:
    out: list[Json] = []
    said: list[Part] = []
    for role, parts in turns:
        content = _content(role, parts, speech)
        if not content:
            continue
        if out and out[-1]["role"] == role and not speech.own:  # blanks stood between
            said = [*said, *parts]
            out[-1]["content"] = _content(role, said, speech)
        else:
            said = parts
            out.append({"role": role, "content": content})
    return out


def _system(parts: Iterable[Part], speech: Speech) -> list[Json | Raw]:
    out: list[Json | Raw] = []
    for part in parts:
        if isinstance(part, Text) or speech.own:
            out += speech.block(part)
        else:
            speech.drop("system." + _kind(part))
    return out


def _kind(part: Part) -> str:
    return type(part).__name__.lower()


def _content(role: str, parts: list[Part], speech: Speech) -> list[Json | Raw] | str:
    ordered: Iterable[Part] = parts
    if role == "user" and any(isinstance(p, ToolResult) for p in parts):
        results = [p for p in parts if isinstance(p, ToolResult)]
        ordered = results + [p for p in parts if not isinstance(p, ToolResult)]
    elif role == "assistant" and not speech.own:
        ordered = _thoughts_first(parts)
    blocks = [block for part in ordered for block in speech.block(part)]
    only = parts[0] if len(parts) == 1 else None
    if blocks and isinstance(only, Text) and not (only.cache or only.citations):
        return only.text
    return blocks


def _thoughts_first(parts: list[Part]) -> list[Part]:
    """Signed thoughts before what they led to: a turn must begin with them."""
    if not parts or isinstance(parts[0], Thinking):
        return parts
    first = [p for p in parts if isinstance(p, Thinking)]
    return first + [p for p in parts if not isinstance(p, Thinking)]


def trimmed(parts: list[Part]) -> list[Part]:
    """An answer begun by the client: the API refuses white space at its end."""
    if parts and isinstance(parts[-1], Text):
        last = parts[-1]
        return [*parts[:-1], msgspec.structs.replace(last, text=last.text.rstrip())]
    return parts


def free(turns: list[tuple[str, list[Part]]]) -> bool:
    """Whether the model may think, although no thoughts of its last turn are there."""
    if len(turns) < 2 or turns[-1][0] != "user" or turns[-2][0] != "assistant":
        return True
    if not any(isinstance(p, ToolResult) for p in turns[-1][1]):
        return True
    return any(
        isinstance(p, Thinking) and p.family == FAMILY and (p.signature or p.redacted)
        for p in turns[-2][1]
    )
