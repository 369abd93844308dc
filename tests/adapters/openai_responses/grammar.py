"""The order in which a stream of the Responses API tells its events.

Written from the API's reference and recorded traffic, apart from the adapters.
"""

import json
from typing import Any, Final

from adapters.framing.sse import Splitter

Json = dict[str, Any]

ENDS: Final = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
_PIECES: Final = {
    "response.output_text": ("message", "text"),
    "response.refusal": ("message", "refusal"),
    "response.function_call_arguments": ("function_call", "arguments"),
    "response.custom_tool_call_input": ("custom_tool_call", "input"),
    "response.reasoning_summary_text": ("reasoning", "text"),
    "response.reasoning_text": ("reasoning", "text"),
}
"""Events of growth -> the item that grows, the member of `done` that repeats it."""


def parse(body: bytes) -> list[Json]:
    """The events; each is named as its type says, if it is named."""
    splitter = Splitter()
    events = []
    for event in (*splitter.feed(body), *splitter.close()):
        if not event.data or event.data == b"[DONE]":
            continue
        told = json.loads(event.data)
        assert event.name.decode() in ("", told["type"])
        events.append(told)
    return events


class Stream:
    """What is known of a stream so far."""

    def __init__(self) -> None:
        self.response: Json = {}
        self.items: dict[int, Json] = {}
        """Output index -> the item as it was added, open."""
        self.done: dict[int, Json] = {}
        self.parts: dict[tuple[int, int], Json] = {}
        self.texts: dict[tuple[str, int, int], str] = {}
        self.ended = ""


def check(events: list[Json]) -> Json:
    """The final response of a stream that keeps to the grammar: stricter than OpenAI's
    own recorded streams, some of which leave events out."""
    stream = Stream()
    assert [e["type"] for e in events[:2]] == [
        "response.created",
        "response.in_progress",
    ]
    numbers = [event["sequence_number"] for event in events]
    assert numbers == [*range(len(numbers))]
    for event in events:
        assert not stream.ended, "something follows the end"
        _step(stream, event)
    assert stream.ended, "the stream has no end"
    final = stream.response
    if stream.ended != "response.failed":
        assert not stream.items, "an item is open at the end"
        assert not stream.parts, "a part is open at the end"
        assert final["output"] == [stream.done[i] for i in sorted(stream.done)]
        assert sorted(stream.done) == [*range(len(stream.done))]
        assert final["usage"] is None or {"input_tokens", "output_tokens"} <= set(
            final["usage"]
        )
    return final


def _step(stream: Stream, event: Json) -> None:
    kind = event["type"]
    if "response" in event:
        _whole(stream, kind, event["response"])
    elif kind == "response.output_item.added":
        index = event["output_index"]
        assert index not in stream.items
        assert index not in stream.done
        assert index == len(stream.items) + len(stream.done), "items count from 0"
        stream.items[index] = event["item"]
    elif kind == "response.output_item.done":
        _done(stream, event)
    else:
        _grow(stream, kind, event)


def _whole(stream: Stream, kind: str, response: Json) -> None:
    assert response["object"] == "response"
    if stream.response:
        assert response["id"] == stream.response["id"]
    stream.response = response
    if kind in ENDS:
        assert response["status"] == ENDS[kind]
        stream.ended = kind
    elif kind in ("response.created", "response.in_progress"):
        assert response["status"] in ("in_progress", "queued")
        assert response["output"] == []


def _done(stream: Stream, event: Json) -> None:
    index, item = event["output_index"], event["item"]
    begun = stream.items.pop(index)
    assert (begun["type"], begun.get("id")) == (item["type"], item.get("id"))
    assert not [at for at in stream.parts if at[0] == index], "a part is open"
    assert item.get("status") != "in_progress"
    stream.done[index] = item
    if item["type"] == "function_call":
        told = stream.texts.get(("response.function_call_arguments", index, 0), "")
        assert item["arguments"] == told
        assert begun["call_id"] == item["call_id"]
        assert begun["name"] == item["name"]
    if item["type"] == "message":
        texts = [part.get("text", part.get("refusal")) for part in item["content"]]
        told = [
            stream.texts.get((f"response.{part['type']}", index, at), "")
            for at, part in enumerate(item["content"])
        ]
        assert texts == told


def _grow(stream: Stream, kind: str, event: Json) -> None:
    index = event["output_index"]
    item = stream.items[index]
    assert event["item_id"] == item["id"]
    name, _, step = kind.rpartition(".")
    part = event.get("content_index", event.get("summary_index", 0))
    if kind == "response.output_text.annotation.added":
        assert (index, part) in stream.parts
    elif name.endswith("_part"):
        _part(stream, step, (index, part), event["part"])
    elif name in _PIECES:
        expected, member = _PIECES[name]
        assert item["type"] == expected
        if expected != "function_call" and expected != "custom_tool_call":
            assert (index, part) in stream.parts
        key = (name, index, part)
        if step == "delta":
            stream.texts[key] = stream.texts.get(key, "") + event["delta"]
        else:
            assert step == "done"
            assert event[member] == stream.texts.get(key, "")


def _part(stream: Stream, step: str, at: tuple[int, int], part: Json) -> None:
    if step == "added":
        assert at not in stream.parts
        assert not [o for o in stream.parts if o[0] == at[0]], "one part at a time"
        stream.parts[at] = part
    else:
        begun = stream.parts.pop(at)
        assert begun["type"] == part["type"]
