"""The recorded requests of every format, each with what it means."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from tests.flow.scenarios import accents, converse, kin
from tests.flow.sdk import responses
from tests.flow.sdk.heard import Heard, heard
from tests.harness.upstream import Request
from tests.replay import converse as bedrock
from tests.replay import material

Json = dict[str, Any]

FORMATS: Final = {
    "openai_chat": "openai",
    "openai_responses": "responses",
    "anthropic": "anthropic",
    "anthropic_vertex": "anthropic",
    "gemini": "gemini",
    "gemini_vertex": "gemini",
    "bedrock_converse": "converse",
    "bedrock_converse_stream": "converse",
    "cohere_v2": "cohere",
    "ollama": "ollama",
}
"""Recorded family -> the format of its requests."""


REFUSED: Final = (AssertionError, AttributeError, KeyError, TypeError, ValueError)
"""What readers raise, and the SDKs' own types."""


class Asked(NamedTuple):
    """One recorded request."""

    id: str
    format: str
    path: str
    query: str
    body: bytes
    told: Heard
    beyond: list[str]
    """Fields that no other family can be asked for."""


class Unread(NamedTuple):
    """One that its reader does not know all of."""

    id: str
    why: str


def request(path: str, body: bytes) -> Request:
    return Request(f"POST {path} HTTP/1.1\r\nhost: x".encode(), body, 1)


def _openai(asked: Request) -> tuple[Heard, list[str]]:
    body = asked.json()
    plain, beyond = accents.plain(body)
    told = heard("openai", request(asked.path, json.dumps(plain).encode()))
    told.thinks = told.thinks or accents.thinks(body)
    told.top_k = body.get("top_k")
    return told, beyond


def _anthropic(asked: Request) -> tuple[Heard, list[str]]:
    body = asked.json()
    body.pop("anthropic_version", None)  # Vertex and Bedrock have it in the body
    body.setdefault("model", "m")
    if form := body.pop("output_format", None):  # of a beta, until November 2025
        body["output_config"] = {"format": form}
    return heard("anthropic", request(asked.path, json.dumps(body).encode())), []


_READERS: Final[dict[str, Callable[[Request], tuple[Heard, list[str]]]]] = {
    "openai": _openai,
    "responses": lambda asked: (responses.heard(asked), []),
    "anthropic": _anthropic,
    "gemini": lambda asked: (heard("gemini", asked, verbatim=True), []),
    "converse": lambda asked: (converse.heard(asked), []),
    "cohere": lambda asked: (kin.cohere(asked), []),
    "ollama": lambda asked: (kin.ollama(asked), []),
}


def _sources() -> Iterator[tuple[str, str, str, str, bytes]]:
    """Id, format, path, query and body of every request that was kept whole, and
    answered."""
    for family, form in FORMATS.items():
        if form == "converse":
            for one in bedrock.every(family):
                if one.request and one.status == 200:
                    path = one.url.partition("amazonaws.com")[2]
                    yield one.id, form, path, "", one.request
            continue
        for two in material.every(family):
            if two.request and two.form != "error" and not two.synthetic:
                yield two.id, form, two.path, two.query, two.request


def _asks(path: str, body: bytes) -> str:
    """The same for all that ask the same of some model."""
    try:
        asked = json.loads(body)
    except ValueError:
        return repr(body)
    verb = path.rpartition(":")[2] if ":" in path else ""
    if isinstance(asked, dict):
        asked.pop("model", None)
    return verb + json.dumps(asked, sort_keys=True)


@cache
def read() -> tuple[list[Asked], list[Unread]]:
    asked: list[Asked] = []
    unread: list[Unread] = []
    seen: set[tuple[str, str]] = set()
    for id_, form, path, query, body in _sources():
        if (again := (form, _asks(path, body))) in seen:
            continue
        seen.add(again)
        try:
            told, beyond = _READERS[form](request(path, body))
        except REFUSED as error:
            unread.append(Unread(id_, f"{type(error).__name__}: {error}"))
        else:
            asked.append(Asked(id_, form, path, query, body, told, beyond))
    return asked, unread


def means(told: Heard) -> Any:
    """Without ids, and neighbours of one speaker joined."""
    turns = []
    for who, parts in told.turns:
        plain = [_plain(part) for part in parts if part[0] != "thought"]
        turns.append((who, plain))
    return ("\n".join(told.system), turns, told.tools, told.choice or "auto")


def _plain(part: Any) -> Any:
    if part[0] == "call":
        return part[:3]
    if part[0] != "result":
        return part
    return ("result", part[1], [_said(one) for one in part[2]])


def _said(part: Any) -> Any:
    """What a tool said: an object is one, in whatever form it is told."""
    if part[0] != "text" or not isinstance(part[1], str):
        return part
    try:
        value = json.loads(part[1])
    except ValueError:
        return part
    return ("text", value if isinstance(value, dict) else part[1])


def groups(asked: list[Asked]) -> list[list[Asked]]:
    """Those that ask the same, told apart by all that is asked, so that tests that
    only begin alike are no group."""
    found: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        if any(p[0] == "text" and p[1].strip() for _, t in one.told.turns for p in t):
            found[repr(means(one.told))].append(one)
    return [*found.values()]
