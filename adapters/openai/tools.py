"""Which tool call a streamed piece belongs to, whatever index the vendor gave it.

Seen: no index at all, the same index for every call, counting from 1, ids repeated,
empty or missing after the first piece, types of null (2026). Ours count from 0 within
their choice.
"""

import hashlib
from typing import Any

from adapters.normal.delta import Delta, ToolDelta, ToolStart
from adapters.openai import reasoning, wire

Fix = tuple[int, str | None]
"""The right index, and the right id: `None` for none."""


class Calls:
    """The tool calls of one choice of one stream."""

    __slots__ = ("_held", "_ids", "_index", "_named", "_salt")

    def __init__(self, salt: str) -> None:
        self._salt = salt
        """Makes the ids that we have to invent unlike those of other streams."""
        self._ids: list[str] = []
        self._named: list[bool] = []
        self._index: dict[int, int] = {}
        self._held: dict[int, str] = {}
        """Arguments that came before their call's name."""

    def __len__(self) -> int:
        return len(self._ids)

    def read(
        self, piece: wire.ToolDelta, choice: int, out: list[Delta]
    ) -> tuple[int, Fix | None]:
        """Adds what the piece says to `out`; its number, and what is wrong with it."""
        name, text, custom = _content(piece)
        at, new = self._which(piece, name)
        id_ = piece.id or ""
        if new:
            self._ids.append(id_ or self._invented(at))
            self._named.append(False)
        if not self._named[at]:
            if name:
                signature = reasoning.signature(piece.extra_content)
                out.append(
                    ToolStart(at, self._ids[at], name, choice, signature, custom)
                )
                self._named[at] = True
                text = self._held.pop(at, "") + text
            else:
                self._held[at] = self._held.get(at, "") + text
                text = ""
        if text:
            out.append(ToolDelta(at, text, choice))
        right = self._ids[at] if new or id_ else piece.id
        right = None if right == "" else right
        if piece.index == at and right == piece.id and piece.type is not None:
            return at, None
        return at, (at, right)

    def _which(self, piece: wire.ToolDelta, name: str) -> tuple[int, bool]:
        """The number of the call, and whether it begins here."""
        id_, count = piece.id or "", len(self._ids)
        at = self._index.get(piece.index)
        if piece.index < 0:  # the vendor gave none
            at = None
            if id_ in self._ids:
                at = self._ids.index(id_)
            elif count and not id_ and not name:
                at = count - 1
        elif at is not None and id_ and name and id_ != self._ids[at]:
            at = self._ids.index(id_) if id_ in self._ids else None
        if at is not None:
            return at, False
        if piece.index >= 0:
            self._index[piece.index] = count
        return count, True

    def _invented(self, at: int) -> str:
        seed = f"{self._salt}/{at}".encode()
        return f"call_{hashlib.blake2b(seed, digest_size=12).hexdigest()}"


def _content(piece: wire.ToolDelta) -> tuple[str, str, bool]:
    """Name, text, and whether it is a custom tool's."""
    if piece.custom is not None:
        return piece.custom.name or "", piece.custom.input or "", True
    if piece.function is None:
        return "", "", False
    return piece.function.name or "", piece.function.arguments or "", False


def repair(body: dict[str, Any], fixes: dict[tuple[int, int], Fix]) -> None:
    """Right the pieces of a chunk; keys are positions of choice and piece."""
    for (choice, at), (index, id_) in fixes.items():
        piece = body["choices"][choice]["delta"]["tool_calls"][at]
        piece["index"] = index
        if id_ is None:
            piece.pop("id", None)
        else:
            piece["id"] = id_
        if piece.get("type", "") is None:
            del piece["type"]
