"""Ids for the calls of functions that Gemini leaves without one.

A made id starts with `gcall_`, fits every other family's rules (letters, digits, `_`;
under 40 characters) and is left out again when it is written to Gemini. The same
answer or history gives the same ids, so prompts stay cacheable; ids of different
answers differ, so a history made of several never holds one twice.
"""

from collections import Counter
from hashlib import blake2b
from typing import Final

MADE: Final = "gcall_"


def is_made(id: str) -> bool:
    """Whether we made it, and Gemini does not know it."""
    return id.startswith(MADE)


def in_answer(answer: str, choice: int, call: int) -> str:
    """The id of call number `call` of a choice; `answer` tells answers apart."""
    mark = blake2b(answer.encode(errors="replace"), digest_size=6).hexdigest()
    return f"{MADE}{mark}_{choice}_{call}" if choice else f"{MADE}{mark}_{call}"


class Pairs:
    """Which result belongs to which call, in a history that may name neither."""

    def __init__(self) -> None:
        self._made = 0
        self._seen: Counter[str] = Counter()
        self._open: list[tuple[str, str]] = []

    def call(self, id: str, name: str) -> str:
        """The id of the next call."""
        id = id or self._next()
        self._seen[id] += 1
        self._open.append((id, name))
        return id

    def result(self, id: str, name: str) -> str:
        """The id of the call that is answered: the same id, or else the oldest call
        of that function without an answer."""
        for at, (known, function) in enumerate(self._open):
            if known == id or (function == name and (not id or is_made(known))):
                del self._open[at]
                return known
        return id or self._next()

    def _next(self) -> str:
        while True:
            id = f"{MADE}{self._made}"
            self._made += 1
            if id not in self._seen:
                return id
