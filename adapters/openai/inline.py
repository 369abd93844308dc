"""Thoughts that stand in the text, between `<think>` and `</think>`, told apart.

So SambaNova's and Portkey's models answer (and any server without a reasoning parser).
Answers are turned into what DeepSeek would say, `reasoning_content` beside `content`,
before they are read: as bytes, so that whoever relays them relays the same.

Only at the very begin of an answer is the mark one; later it is text like any other.
"""

from typing import Any, Final

import msgspec

from adapters.contract import Call, Decoder, Result, WireResponse
from adapters.framing import sse
from adapters.normal.chat import ChatCall
from adapters.normal.delta import Frame
from adapters.openai import wire
from adapters.openai.family import OpenAI

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class Inline(OpenAI):
    """The family's upstream for providers with `Quirks.think`."""

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, ChatCall) and _OPEN.encode() in response.body:
            body = _whole(response.body)
            response = msgspec.structs.replace(response, body=body)
        return super().parse_response(response, call)

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for one streamed answer."""
        inner = super().parse_stream(call)
        return _Decoder(inner) if isinstance(call, ChatCall) else inner


class Splitter:
    """One text, piece by piece -> thoughts and what is said."""

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._held = ""
        """What may yet become a mark."""
        self._state = "begin"

    def feed(self, piece: str) -> tuple[str, str]:
        """The thoughts and the words that are certain by now."""
        text = self._held + piece
        self._held = ""
        thoughts = ""
        if self._state == "begin":
            start = text.lstrip()
            if len(start) < len(_OPEN) and _OPEN.startswith(start):
                self._held = text
                return "", ""
            self._state = "said"
            if start.startswith(_OPEN):
                text = start[len(_OPEN) :]
                self._state = "opened"
        if self._state == "opened" and (text := text.lstrip("\n")):
            self._state = "thinking"
        if self._state == "thinking":
            thoughts, mark, text = text.partition(_CLOSE)
            if not mark:
                kept = _beginning(thoughts)
                self._held = thoughts[len(thoughts) - kept :]
                return thoughts[: len(thoughts) - kept], ""
            self._state = "between"
        if self._state == "between":
            text = text.lstrip("\n")
            if text:
                self._state = "said"
        return thoughts, text

    def close(self) -> tuple[str, str]:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        return (held, "") if self._state == "thinking" else ("", held)


def _beginning(text: str) -> int:
    """How much of the end of a text may be the begin of the closing mark."""
    most = min(len(_CLOSE) - 1, len(text))
    return next((n for n in range(most, 0, -1) if _CLOSE.startswith(text[-n:])), 0)


def _whole(body: bytes) -> bytes:
    try:
        found = wire.value.decode(body)
        for choice in found["choices"]:
            _tell(choice["message"], Splitter(), last=True)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError, TypeError):
        return body  # what is wrong with it, the family says better
    return wire.encode(found)


def _tell(message: dict[str, Any], splitter: Splitter, *, last: bool) -> None:
    """Move what of a message's or delta's content is thought."""
    content = message.get("content")
    text = content if isinstance(content, str) else ""
    thoughts, said = splitter.feed(text)
    if last:
        held = splitter.close()
        thoughts, said = thoughts + held[0], said + held[1]
    if said != text:
        message["content"] = said
    if thoughts:
        message["reasoning_content"] = thoughts


class _Decoder:
    """Turns the events of one stream, and hands them on."""

    __slots__ = ("_choices", "_events", "_inner")

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner
        self._events = sse.Splitter()
        self._choices: dict[int, Splitter] = {}

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`."""
        turned = b"".join(map(self._turned, self._events.feed(data)))
        return self._inner.feed(turned) if turned else []

    def close(self) -> list[Frame]:
        """The last frames."""
        turned = b"".join(map(self._turned, map(sse.ended, self._events.close())))
        return self._inner.feed(turned) + self._inner.close()

    def _turned(self, event: sse.Event) -> bytes:
        if event.name or not event.data.startswith(b"{"):
            return event.raw
        try:
            found = wire.value.decode(event.data)
            for choice in found["choices"]:
                index = choice.get("index") or 0
                splitter = self._choices.setdefault(index, Splitter())
                last = choice.get("finish_reason") is not None
                _tell(choice["delta"], splitter, last=last)
        except (
            msgspec.MsgspecError,
            UnicodeError,
            RecursionError,
            LookupError,
            TypeError,
        ):
            return event.raw
        return sse.write(wire.encode(found))


INLINE: Final = Inline()
