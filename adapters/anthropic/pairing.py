"""Calls of tools and their results, one to one: an API that checks refuses all else.

Ids that are missing are given in order, to calls and to results alike. Providers that
count calls anew in every answer give one id twice, and so does a conversation that went
from one of them to another: the later call gets another id, the same every time.
"""

from collections import defaultdict, deque

import msgspec

from adapters.errors import BadCall
from adapters.normal.content import Message, Part, ToolResult, ToolUse


def paired(messages: tuple[Message, ...], *, strict: bool) -> list[Message]:
    """The messages, every call and result with an id, no two calls with the same.

    `strict` is false for a client of the API itself, whose ids are its own business.

    Raises:
        BadCall: a result answers no call, or one that was answered already.
    """
    pairs = _Pairs()
    out: list[Message] = []
    for at, message in enumerate(messages):
        parts: list[Part] = []
        for part in message.parts:
            one = part
            if isinstance(one, ToolUse):
                id_ = one.id or pairs.missing_call()
                one = _named(one, pairs.call(id_) if strict else id_)
            elif isinstance(one, ToolResult):
                id_ = one.id or pairs.missing_result()
                one = _named(one, pairs.result(id_, at) if strict else id_)
            parts.append(one)
        out.append(Message(message.role, tuple(parts), message.name))
    return out


def _named(part: ToolUse | ToolResult, id_: str) -> Part:
    return part if part.id == id_ else msgspec.structs.replace(part, id=id_)


class _Pairs:
    def __init__(self) -> None:
        self._calls = self._results = 0
        self._used: set[str] = set()
        self._open: defaultdict[str, deque[str]] = defaultdict(deque)
        """The client's id -> ids of the calls that wait for their results."""

    def missing_call(self) -> str:
        self._calls += 1
        return f"toolu_{self._calls - 1}"

    def missing_result(self) -> str:
        self._results += 1
        return f"toolu_{self._results - 1}"

    def call(self, id_: str) -> str:
        own, number = id_, 1
        while own in self._used:
            number += 1
            own = f"{id_}_{number}"
        self._used.add(own)
        self._open[id_].append(own)
        return own

    def result(self, id_: str, at: int) -> str:
        if self._open[id_]:
            return self._open[id_].popleft()
        known = "is answered already" if id_ in self._used else "does not exist"
        told = f"messages[{at}]: the tool call {id_[:128]!r} {known}"
        raise BadCall(told, "messages")
