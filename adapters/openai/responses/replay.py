"""A response that is kept, as the stream it could have been."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.framing import sse
from adapters.openai import wire
from adapters.openai.responses.output import Event

Json = dict[str, Any]

_object: Final = msgspec.json.Decoder(Json)
_BEFORE: Final[Json] = {
    "status": "in_progress",
    "output": [],
    "usage": None,
    "error": None,
    "incomplete_details": None,
    "completed_at": None,
}
_GROWS: Final = {
    "function_call": ("function_call_arguments", "arguments", ("name",)),
    "custom_tool_call": ("custom_tool_call_input", "input", ()),
}
"""Calls: the word of their events, the member that grows, what else `done` repeats."""


def events(response: bytes, after: int = -1) -> bytes:
    """All events of a response that has ended, those behind number `after`."""
    told = _object.decode(response)
    before = {**told, **_BEFORE}
    found: list[Event] = [
        ("created", {"response": before}),
        ("in_progress", {"response": before}),
    ]
    for index, item in enumerate(told.get("output") or ()):
        found += _item(index, item)
    found.append((str(told.get("status")), {"response": Raw(response)}))
    return b"".join(
        _event(number, f"response.{name}", fields)
        for number, (name, fields) in enumerate(found)
        if number > after
    )


def _event(number: int, name: str, fields: Json) -> bytes:
    told = {"type": name, "sequence_number": number, **fields}
    return sse.write(wire.encode(told), name.encode())


def _item(index: int, item: Json) -> Iterator[Event]:
    """How an item grew, in one piece each."""
    at: Json = {"output_index": index, "item_id": item.get("id")}
    kind = item.get("type")
    empty = {**item, "status": "in_progress"} if "status" in item else {**item}
    empty.pop("encrypted_content", None)
    for name in ("content", "summary"):
        if name in empty:
            empty[name] = []
    grows = _GROWS.get(str(kind))
    if grows is not None:
        empty[grows[1]] = ""
    yield "output_item.added", {"output_index": index, "item": empty}
    for number, part in enumerate(item.get("summary") or ()):
        place = {**at, "summary_index": number}
        yield from _part("reasoning_summary", "text", place, part)
    for number, part in enumerate(item.get("content") or ()):
        yield from _content({**at, "content_index": number}, part)
    if grows is not None:
        word, member, more = grows
        yield f"{word}.delta", {**at, "delta": item[member]}
        repeated = {name: item.get(name) for name in (member, *more)}
        yield f"{word}.done", {**at, **repeated}
    yield "output_item.done", {"output_index": index, "item": item}


def _content(place: Json, part: Json) -> Iterator[Event]:
    kind = str(part.get("type"))
    member = "refusal" if kind == "refusal" else "text"
    likely: Json = {} if kind != "output_text" else {"logprobs": []}
    empty = {**part, member: "", **likely}
    if "annotations" in empty:
        empty["annotations"] = []
    yield "content_part.added", {**place, "part": empty}
    if part.get(member):
        yield f"{kind}.delta", {**place, "delta": part[member], **likely}
    for number, note in enumerate(part.get("annotations") or ()):
        told = {**place, "annotation": note, "annotation_index": number}
        yield "output_text.annotation.added", told
    yield f"{kind}.done", {**place, member: part.get(member, ""), **likely}
    yield "content_part.done", {**place, "part": part}


def _part(word: str, member: str, place: Json, part: Json) -> Iterator[Event]:
    yield f"{word}_part.added", {**place, "part": {**part, member: ""}}
    yield f"{word}_text.delta", {**place, "delta": part.get(member, "")}
    yield f"{word}_text.done", {**place, "text": part.get(member, "")}
    yield f"{word}_part.done", {**place, "part": part}
