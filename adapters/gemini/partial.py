"""Arguments of a call that come in pieces (`partialArgs`), put together.

Each piece names its place by a JSON path (`$.city`, `$.rows[0].name`, `$['a b']`); text
for the same place is joined while it continues.
Source: docs.cloud.google.com, Vertex AI, Function calling, stream arguments.
"""

import re
from itertools import pairwise
from typing import Final

import msgspec

from adapters.errors import Garbled
from adapters.gemini.answer import Partial
from adapters.gemini.wire import BROKEN, encode, given

LONGEST: Final = 10_000
"""Elements an array may have; a path beyond is an error, not an allocation."""

_STEP: Final = re.compile(
    r"\.([^.\[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]"
)
_ESCAPED: Final = re.compile(r"\\(.)")

Step = str | int


def steps(path: str) -> list[Step]:
    """The steps of a path from the root.

    Raises:
        Garbled: it is no path to one place.
    """
    found: list[Step] = []
    at = 1 if path.startswith("$") else 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise Garbled(f"not a path to one argument: {path[:100]!r}")
        name, index, quoted, double = match.groups()
        if index is not None:
            found.append(int(index))
        else:
            text = quoted if quoted is not None else double
            found.append(name if text is None else _ESCAPED.sub(r"\1", text))
        at = match.end()
    return found


class Arguments:
    """The arguments of one call, growing."""

    def __init__(self) -> None:
        self._root: dict[str, object] = {}
        self._open: tuple[Step, ...] | None = None

    def add(self, piece: Partial) -> None:
        """One more piece.

        Raises:
            Garbled: its place contradicts what is there.
        """
        path = tuple(steps(piece.json_path))
        if not path or not isinstance(path[0], str):
            raise Garbled(f"arguments have no place {piece.json_path[:100]!r}")
        more = _value(piece)
        holder, last = self._reach(path)
        if isinstance(more, str) and self._open == path:
            before = _at(holder, last)
            more = before + more if isinstance(before, str) else more
        _put(holder, last, more)
        self._open = path if piece.will_continue else None

    def text(self) -> str:
        """The arguments as JSON."""
        return encode(self._root).decode()

    def _reach(self, path: tuple[Step, ...]) -> tuple[object, Step]:
        here: object = self._root
        for step, after in pairwise(path):
            inner = _at(here, step)
            if not isinstance(inner, list if isinstance(after, int) else dict):
                inner = [] if isinstance(after, int) else {}
                _put(here, step, inner)
            here = inner
        return here, path[-1]


def _value(piece: Partial) -> object:
    if piece.string_value is not None:
        return piece.string_value
    if piece.bool_value is not None:
        return piece.bool_value
    if not given(piece.number_value):
        return None
    try:
        return msgspec.json.decode(piece.number_value, type=int | float)
    except BROKEN as error:
        raise Garbled("a number among the arguments is none") from error


def _at(holder: object, step: Step) -> object:
    if isinstance(holder, dict) and isinstance(step, str):
        return holder.get(step)
    if isinstance(holder, list) and isinstance(step, int) and step < len(holder):
        return holder[step]
    return None


def _put(holder: object, step: Step, value: object) -> None:
    if isinstance(holder, dict) and isinstance(step, str):
        holder[step] = value
    elif isinstance(holder, list) and isinstance(step, int) and step < LONGEST:
        holder.extend([None] * (step + 1 - len(holder)))
        holder[step] = value
    else:
        raise Garbled("the pieces of a call's arguments contradict each other")
