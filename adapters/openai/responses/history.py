"""Items of a conversation that is kept for its clients: listed with ids, and given to a
model again as the input of the next turn."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.openai import fields as f
from adapters.openai import wire
from adapters.openai.wire import ABSENT, present

Json = dict[str, Any]

_PREFIXES: Final = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "compaction": "cmp",
}
_FINISHED: Final = frozenset({"message", "function_call", "function_call_output"})
"""Items that have a status."""
_KEEP_ID: Final = frozenset({"reasoning", "item_reference"})
"""Items whose id their maker looks at when they come back."""

_objects: Final = msgspec.json.Decoder(list[dict[str, Any]])


class _Response(msgspec.Struct, frozen=True):
    output: list[dict[str, Any]] | None = None


_response: Final = msgspec.json.Decoder(_Response)


def read(raw: Raw, at: str = "input") -> list[Json]:
    """The items of `input`, a text or a list.

    Raises:
        BadCall: it is neither.
    """
    if not present(raw):
        return []
    if f.is_text(raw):
        return [{"role": "user", "content": f.decode(f.text, raw, at)}]
    return f.decode(_objects, raw, at)


def listed(items: list[Json], salt: str) -> list[Json]:
    """The items as the API lists them: each with an id, messages with their parts.
    `salt` makes their ids unlike those of other calls."""
    out = []
    for number, item in enumerate(items):
        kind = item.get("type") or "message"
        made = f"{_PREFIXES.get(kind, 'item')}_{salt}i{number:02x}"
        told = {**item, "type": kind, "id": item.get("id") or made}
        if kind == "message":
            told["content"] = _parts(item.get("content"), item.get("role"))
        if kind in _FINISHED and not told.get("status"):
            told["status"] = "completed"
        out.append(told)
    return out


def _parts(content: Any, role: Any) -> Any:
    if not isinstance(content, str):
        return content or []
    if role == "assistant":
        return [{"type": "output_text", "text": content, "annotations": []}]
    return [{"type": "input_text", "text": content}]


def again(items: list[Json]) -> list[Json]:
    """The items as input: without what their lists add."""
    return [
        {k: v for k, v in item.items() if k != "status" and (k != "id" or _keeps(item))}
        for item in items
    ]


def _keeps(item: Json) -> bool:
    return item.get("type") in _KEEP_ID


def output(response: bytes) -> list[Json]:
    """The output items of a response object."""
    return _response.decode(response).output or []


def joined(body: dict[str, Raw], before: list[Json], gone: tuple[str, ...]) -> bytes:
    """The request with earlier items in front of its own, without the fields `gone`.

    Raises:
        BadCall: its input is neither a text nor a list of items.
    """
    items = [*before, *read(body.get("input", ABSENT))]
    top = {name: raw for name, raw in body.items() if name not in gone}
    return wire.encode({**top, "input": items})
