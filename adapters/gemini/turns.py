"""The turns of a conversation: `contents` and `systemInstruction` <-> messages.

Gemini knows two speakers. A tool's results stand in a user turn, all of one model turn
together and in the order of its calls; everything the system says stands apart.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from adapters.errors import BadCall
from adapters.gemini import parts, results, signature
from adapters.gemini.ids import Pairs
from adapters.gemini.wire import FAMILY, items, members, pop
from adapters.normal.content import (
    Message,
    Part,
    Role,
    Thinking,
    ToolResult,
    ToolUse,
)

SPEAKERS: Final[dict[str, Role]] = {
    "": "user",
    "user": "user",
    "model": "assistant",
    "function": "user",
}
"""`function` is how results were sent before 2024."""

_SYSTEM: Final = ("system", "developer")


def read_system(raw: Raw, where: str) -> Message | None:
    """`systemInstruction`: a content, whatever its role."""
    found = _read_parts(members(raw, where), Pairs(), where)
    return Message("system", tuple(found)) if found else None


def read(raw: Raw) -> list[Message]:
    """The messages of `contents`.

    Raises:
        BadCall: it does not follow the documentation; says where.
    """
    pairs = Pairs()
    messages: list[Message] = []
    for at, content in enumerate(items(raw, "contents")):
        where = f"contents[{at}]"
        source = members(content, where)
        speaker = pop(source, "role", str, where) or ""
        role = SPEAKERS.get(speaker)
        if role is None:
            raise BadCall(f"{where}.role must be user or model", f"{where}.role")
        found = _read_parts(source, pairs, where)
        if role == "assistant":
            messages.append(Message(role, tuple(_mended(found))))
        else:
            messages += _split(found)
    return messages


def _read_parts(source: dict[str, Raw], pairs: Pairs, where: str) -> list[Part]:
    raw = source.get("parts")
    if raw is None:
        return []
    found = (
        parts.read(piece, pairs, f"{where}.parts[{at}]")
        for at, piece in enumerate(items(raw, f"{where}.parts"))
    )
    return [part for part in found if part is not None]


def _split(found: Sequence[Part]) -> list[Message]:
    """A user turn as messages: results of tools speak in a message of their own."""
    messages: list[Message] = []
    for part in found:
        role: Role = "tool" if isinstance(part, ToolResult) else "user"
        if messages and messages[-1].role == role:
            last = messages[-1]
            messages[-1] = Message(role, (*last.parts, part))
        else:
            messages.append(Message(role, (part,)))
    return messages


def _mended(found: Sequence[Part]) -> list[Part]:
    """The parts with another family's thinking whole again: a client that streamed it
    kept its pieces, and the signature in the last of them."""
    out: list[Part] = []
    for part in found:
        if not isinstance(part, Thinking) or part.family == FAMILY:
            out.append(part)
            continue
        text = part.text
        while part.signature and out and _is_piece(out[-1]):
            piece = out.pop()
            text = (piece.text if isinstance(piece, Thinking) else "") + text
        out.append(msgspec.structs.replace(part, text=text))
    return out


def _is_piece(part: Part) -> bool:
    return isinstance(part, Thinking) and part.family == FAMILY and not part.signature


class Turns(msgspec.Struct):
    """Messages as Gemini takes them."""

    system: list[parts.Piece] = []
    contents: list[dict[str, object]] = []
    dropped: set[str] = set()


class _Writer:
    def __init__(self, signs: bool) -> None:
        self._signs = signs
        self._names: dict[str, str] = {}
        self._order: dict[str, int] = {}
        self._answered: set[str] = set()
        self.turns = Turns()

    def message(self, message: Message, where: str) -> None:
        if message.name:
            self.turns.dropped.add("messages.name")
        if message.role in _SYSTEM:
            self._system(message)
            return
        if message.role == "assistant":
            calls = [p for p in message.parts if isinstance(p, ToolUse)]
            self._names |= {call.id: call.name for call in calls}
            self._answered -= {call.id for call in calls}
            self._order = {call.id: at for at, call in enumerate(calls)}
        out = self._parts(message.parts, where)
        if message.role == "assistant" and self._signs:
            _sign(out)
        if out:
            role = "model" if message.role == "assistant" else "user"
            self.turns.contents.append({"role": role, "parts": out})

    def _system(self, message: Message) -> None:
        self.turns.system += self._parts(message.parts, "system")

    def _parts(self, found: Iterable[Part], where: str) -> list[parts.Piece]:
        dropped = self.turns.dropped
        made = (parts.write(part, where, dropped) for part in found)
        return [part for part in made if part is not None]

    def results(self, found: Sequence[ToolResult], where: str) -> None:
        """All results of one model turn, in the order of its calls."""
        last = len(self._order)
        ordered = sorted(found, key=lambda r: self._order.get(r.id, last))
        answers: list[parts.Piece] = []
        beside: list[parts.Piece] = []
        for result in ordered:
            name = result.name or self._names.get(result.id, "")
            if not name or result.id in self._answered:
                known = "is answered already" if name else "does not exist"
                told = f"{where}: the tool call {result.id[:128]!r} {known}"
                raise BadCall(told, where)
            self._answered.add(result.id)
            if result.cache is not None:
                self.turns.dropped.add("cache_control")
            written = results.write(result, name, where, self._signs)
            answers.append(written.part)
            beside += written.beside
            self.turns.dropped |= written.dropped
        self.turns.contents.append({"role": "user", "parts": answers + beside})


def _sign(out: list[parts.Piece]) -> None:
    """The first call of a turn must be signed: Gemini 3 refuses it otherwise."""
    for part in out:
        if isinstance(part, dict) and "functionCall" in part:
            part.setdefault("thoughtSignature", signature.SKIP)
            return


def write(messages: Sequence[Message], is_new: bool) -> Turns:
    """The turns, for a model of Gemini 3 or later (`is_new`) or an earlier one.

    Raises:
        BadCall: a result answers no call, or one that was answered already.
        Unsupported: a part refers to a file of another provider.
    """
    writer = _Writer(is_new)
    run: list[ToolResult] = []
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if message.role == "tool":
            run += [p for p in message.parts if isinstance(p, ToolResult)]
            continue
        if run:
            writer.results(run, where)
            run = []
        inner = [p for p in message.parts if isinstance(p, ToolResult)]
        if inner:
            writer.results(inner, where)
        rest = tuple(p for p in message.parts if not isinstance(p, ToolResult))
        if rest:
            writer.message(Message(message.role, rest, message.name), where)
    if run:
        writer.results(run, "messages")
    return writer.turns
