"""Whole answers and streams, written for Responses clients."""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Raw

from adapters import envelope
from adapters.contract import Operation, Result, Told
from adapters.errors import BadCall
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.chat import ChatCall, ChatResult, StopReason, TokenCount
from adapters.normal.content import Text
from adapters.normal.delta import Delta, Frame
from adapters.normal.fold import unfold
from adapters.normal.usage import Usage
from adapters.openai import wire
from adapters.openai.responses import seal, shape, usage
from adapters.openai.responses.calls import ResponsesCall
from adapters.openai.responses.output import Event, Output

Json = dict[str, Any]

_SOURCES: Final = frozenset({wire.CHAT, wire.RESPONSES})
"""Dialects of upstreams whose frames have a `raw` of ours when the call is ours."""
_numbers: Final = re.compile(rb'"sequence_number":\s*(\d+)').findall


def whole(result: Result, call: ChatCall) -> bytes:
    """A response; one of this API goes verbatim, but for what the gateway knows
    better. A token count where one was asked for."""
    if isinstance(result, TokenCount):
        if result.raw and result.dialect == wire.RESPONSES:
            return result.raw
        told = {"object": "response.input_tokens", "input_tokens": result.input}
        return wire.encode(told)
    if not isinstance(result, ChatResult):
        raise TypeError("a responses call is answered with a chat result")
    compacts = call.operation == Operation.compact
    own = result.raw if result.dialect == wire.RESPONSES else b""
    if own and (not compacts or b'"response.compaction"' in own):
        return corrected(own, call)
    writer = Writer(call)
    for frame in unfold(result):
        for delta in frame.deltas:
            writer.add(delta)
    if compacts:
        return wire.encode(_compaction(result, writer))
    if "service_tier" in result.extra:
        writer.known["service_tier"] = result.extra["service_tier"]
    writer.end()
    return wire.encode(writer.response())


def _compaction(result: ChatResult, writer: "Writer") -> Json:
    """A summary that a model wrote, in a form that stands for what it sums up."""
    text = "".join(
        part.text
        for choice in result.choices()[:1]
        for part in choice.parts
        if isinstance(part, Text)
    )
    sealed = seal.write(seal.Seal("", "summary", text))
    response = writer.response()
    item = {"id": f"cmp_{writer.id.removeprefix('resp_')}", "type": "compaction"}
    return {
        "id": response["id"],
        "object": "response.compaction",
        "created_at": response["created_at"],
        "output": [{**item, "encrypted_content": sealed}],
        "usage": usage.write(result.usage or Usage()),
    }


def corrected(body: bytes, call: ChatCall) -> bytes:
    """A provider's response object with what the gateway knows better."""
    if isinstance(call, ResponsesCall) and call.shown:
        try:
            return envelope.replace(body, {k: bytes(v) for k, v in call.shown.items()})
        except BadCall:
            return body
    return body


def begun(call: ChatCall, status: str) -> Json:
    """The response before anything of it is there."""
    return Writer(call).response() | {"status": status}


class Writer:
    """One response that grows."""

    def __init__(self, call: ChatCall) -> None:
        self._call = call
        self._begin = normal.Begin()
        self._usage: Usage | None = None
        self._stop: normal.Stop | None = None
        self._output: Output | None = None
        self._state: Json = {
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
        }
        self._known: Json | None = None

    @property
    def known(self) -> Json:
        """What the response repeats of its call; made when first asked for."""
        if self._known is None:
            self._known = shape.repeated(self._call)
        return self._known

    @property
    def output(self) -> Output:
        """Its items: their ids are made of the response's."""
        if self._output is None:
            self._output = Output(self.id.removeprefix("resp_"))
        return self._output

    @property
    def id(self) -> str:
        """Ours where the gateway gave one, else made of the provider's."""
        own = self._call.id if isinstance(self._call, ResponsesCall) else ""
        told = self._begin.id
        if own or told.startswith("resp_"):
            return own or told
        kept = "".join(c for c in told if c.isalnum())
        return f"resp_{kept or '0'}"

    def add(self, delta: Delta) -> list[Event]:
        """What a delta adds."""
        match delta:
            case normal.Begin():
                self._begin = delta
                self._usage = delta.usage or self._usage
            case normal.Used():
                self._usage = delta.usage
            case normal.Stop(choice=0):
                self._stop = self._stop or delta
            case normal.Failed():
                pass
            case _:
                return self.output.add(delta)
        return []

    def end(self) -> list[Event]:
        """Its proper end."""
        stop = self._stop or normal.Stop("end")
        reason: StopReason = stop.reason
        self._state = shape.ended(reason, stop.native)
        status = self._state["status"]
        return self.output.close("incomplete" if status != "completed" else status)

    def fail(self, told: Told) -> None:
        """An end before its end."""
        self.output.settle()
        self._state |= shape.failed(told)

    def name(self) -> str:
        """The event of the end."""
        return f"response.{self._state['status']}"

    def response(self) -> Json:
        """The object as it is now."""
        done = self._state["status"] == "completed"
        created = self._begin.created or self._call.received
        counted = self._usage if self._state["status"] != "in_progress" else None
        return {
            "id": self.id,
            "object": "response",
            "created_at": created,
            **self._state,
            "completed_at": max(created, self._call.received) if done else None,
            "model": self._begin.model or self._call.model,
            "output": self.output.items,
            "usage": None if counted is None else usage.write(counted),
            **self.known,
        }


def _comes_late(delta: Delta) -> bool:
    return not isinstance(delta, normal.LogprobDelta)


class ResponsesEncoder:
    """One stream of events."""

    content_type = "text/event-stream"

    def __init__(self, call: ChatCall, source: str) -> None:
        self._call = call
        self._relay = source in _SOURCES
        self._writer = Writer(call)
        self._number = 0
        self._begun = False
        self._over = False
        self._last = b""
        """The last event that was relayed, with its number if any has one."""
        self.final = b""
        """The response object of the end, once there is one."""

    @property
    def relayed(self) -> bool:
        """Whether the events are the provider's own."""
        return bool(self._last)

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The events for these frames."""
        out: list[bytes] = []
        for frame in frames:
            if frame.raw and self._relay:
                out.append(self._relayed(frame))
            elif frame.deltas:
                out.append(self._written(frame.deltas))
        return b"".join(out)

    def close(self) -> bytes:
        """What is open is ended, then the response."""
        if self._over or self._last:
            return b""
        out = self._begin()
        out += [self._event(*event) for event in self._writer.end()]
        self._over = True
        out.append(self._final(self._writer.name()))
        return b"".join(out)

    def error(self, told: Told) -> bytes:
        """`response.failed`; of what we wrote ourselves, all that was said is in it."""
        out: list[bytes] = []
        if self._last:
            told_so_far = _numbers(self._last)
            self._number = int(told_so_far[-1]) + 1 if told_so_far else 0
        else:
            out += self._begin()
        self._over = True
        self._writer.fail(told)
        out.append(self._final("response.failed"))
        return b"".join(out)

    def _relayed(self, frame: Frame) -> bytes:
        for delta in frame.deltas:
            if isinstance(delta, normal.Begin | normal.Used):
                self._writer.add(delta)
        raw = frame.raw
        if b'"sequence_number"' in raw or not self._last:
            self._last = raw
        ends = any(isinstance(delta, normal.Stop) for delta in frame.deltas)
        shown = isinstance(self._call, ResponsesCall) and bool(self._call.shown)
        if ends or (shown and b'"response":' in raw):
            return self._with_response(raw, shown=shown, ends=ends)
        return raw

    def _with_response(self, raw: bytes, *, shown: bool, ends: bool) -> bytes:
        """An event that holds the response object."""
        for event in (*(splitter := sse.Splitter()).feed(raw), *splitter.close()):
            try:
                top = envelope.fields(event.data)
            except BadCall:
                return raw
            if "response" not in top:
                return raw
            response = corrected(bytes(top["response"]), self._call)
            if ends:
                self.final = response
            if shown:
                top["response"] = Raw(response)
                return sse.write(wire.encode(top), event.name)
        return raw

    def _written(self, deltas: tuple[Delta, ...]) -> bytes:
        out: list[bytes] = []
        # What is said of words must be known when the words are told.
        for delta in sorted(deltas, key=_comes_late):
            events = self._writer.add(delta)
            if events:
                out += self._begin()
                out += [self._event(*event) for event in events]
        return b"".join(out)

    def _begin(self) -> list[bytes]:
        if self._begun:
            return []
        self._begun = True
        response = {**self._writer.response(), "output": []}
        return [
            self._event(f"response.{name}", {"response": response})
            for name in ("created", "in_progress")
        ]

    def _event(self, name: str, fields: Json) -> bytes:
        told = {"type": name, "sequence_number": self._number, **fields}
        self._number += 1
        return sse.write(wire.encode(told), name.encode())

    def _final(self, name: str) -> bytes:
        self.final = wire.encode(self._writer.response())
        return self._event(name, {"response": Raw(self.final)})
