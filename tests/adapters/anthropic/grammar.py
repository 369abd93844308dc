"""The grammar of a Messages event stream, as a client may rely on it.

One message_start first; blocks numbered from 0 without a gap, opened, changed by deltas
of their own kind, closed, never two at once; one message_delta that says why the model
stopped, then message_stop and nothing else. ping may stand anywhere after the start. An
error event may come at any time and is the last.
"""

import json
from collections.abc import Sequence
from typing import Any

Events = Sequence[tuple[str, dict[str, Any]]]

DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "mcp_tool_use": {"input_json_delta"},
    "compaction": {"compaction_delta"},
}
"""Block type -> the deltas it may have; other blocks have none."""

STOPS = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
}


class Broken(AssertionError):
    """The stream is not what the API documents; says why and where."""


def parse(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a body whose framing is strict: an event line and a data line."""
    events = []
    for block in body.decode().split("\n\n"):
        if not block:
            continue
        lines = block.split("\n")
        if len(lines) != 2 or not lines[0].startswith("event: "):
            raise Broken(f"an event and a data line were expected: {block[:200]!r}")
        if not lines[1].startswith("data: "):
            raise Broken(f"a data line was expected: {lines[1][:200]!r}")
        events.append((lines[0][7:], json.loads(lines[1][6:])))
    return events


def check(events: Events) -> None:
    """Raises `Broken` with the reason unless the stream is well formed."""
    state = _State()
    for at, (name, data) in enumerate(events):
        if data.get("type") != name:
            raise Broken(f"{at}: event {name!r} has type {data.get('type')!r}")
        try:
            state.take(name, data)
        except Broken as error:
            raise Broken(f"{at} {name}: {error}") from None
        except (KeyError, TypeError) as error:
            raise Broken(f"{at} {name}: member missing: {error!r}") from error
    if not state.over:
        raise Broken("the stream ends without message_stop or error")


class _State:
    def __init__(self) -> None:
        self.started = self.stopped = self.over = False
        self.open: str | None = None
        self.json = ""
        self.count = 0

    def take(self, name: str, data: dict[str, Any]) -> None:
        if self.over:
            raise Broken("nothing may follow the end")
        if name == "error":
            if not data["error"]["type"] or not isinstance(
                data["error"]["message"], str
            ):
                raise Broken("an error needs a type and a message")
            self.over = True
        elif name == "message_start":
            self._start(data["message"])
        elif not self.started:
            raise Broken("before message_start")
        elif name != "ping":
            steps = {
                "content_block_start": self._block,
                "content_block_delta": self._delta,
                "content_block_stop": self._close,
                "message_delta": self._finish,
                "message_stop": self._end,
            }
            if name not in steps:
                raise Broken("unknown event")
            steps[name](data)

    def _start(self, message: dict[str, Any]) -> None:
        if self.started:
            raise Broken("a second one")
        self.started = True
        if message["type"] != "message" or message["role"] != "assistant":
            raise Broken("not an assistant's message")
        if message["content"] != [] or message["stop_reason"] is not None:
            raise Broken("it must be empty and unfinished")
        if not message["id"].startswith("msg_") or not message["model"]:
            raise Broken("it needs an id and a model")
        _counts(message["usage"], "input_tokens", "output_tokens")

    def _block(self, data: dict[str, Any]) -> None:
        if self.stopped:
            raise Broken("after message_delta")
        if self.open is not None:
            raise Broken("the block before it is open")
        if data["index"] != self.count:
            raise Broken(f"index {data['index']}, not {self.count}")
        self.count += 1
        self.json = ""
        block = data["content_block"]
        self.open = block["type"]
        if self.open == "text" and not isinstance(block["text"], str):
            raise Broken("text must be a string")
        if self.open == "tool_use" and not (block["id"] and block["name"]):
            raise Broken("a tool_use needs an id and a name")

    def _delta(self, data: dict[str, Any]) -> None:
        if self.open is None or data["index"] != self.count - 1:
            raise Broken("its block is not open")
        delta = data["delta"]
        if delta["type"] not in DELTAS.get(self.open, ()):
            raise Broken(f"{delta['type']} in a block of {self.open}")
        if delta["type"] == "input_json_delta":
            self.json += delta["partial_json"]

    def _close(self, data: dict[str, Any]) -> None:
        if self.open is None or data["index"] != self.count - 1:
            raise Broken("its block is not open")
        self.open = None

    def _finish(self, data: dict[str, Any]) -> None:
        if self.open is not None:
            raise Broken("a block is open")
        if self.stopped:
            raise Broken("a second one")
        if data["delta"]["stop_reason"] not in STOPS:
            raise Broken(f"stop_reason {data['delta']['stop_reason']!r}")
        self.stopped = True
        _counts(data["usage"], "output_tokens")

    def _end(self, _: dict[str, Any]) -> None:
        if not self.stopped:
            raise Broken("without message_delta")
        self.over = True


def _counts(usage: dict[str, Any], *needed: str) -> None:
    for name in needed:
        if not isinstance(usage[name], int) or usage[name] < 0:
            raise Broken(f"usage.{name} is {usage[name]!r}")
