"""Usage in answers that nobody translates: found by its shape, in any known grammar.

For what is handed on as it is (pass-through, realtime): it must be counted without a
call or a decoder of its family at hand. Shapes: OpenAI's chat completions, Responses,
images and realtime; Anthropic's Messages; Gemini; Bedrock's Converse; Cohere's v2.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from adapters.anthropic import usage as anthropic
from adapters.anthropic.wire import Tokens as AnthropicTokens
from adapters.errors import Garbled
from adapters.framing.sse import Splitter
from adapters.gemini import answer as gemini
from adapters.normal.usage import Usage
from adapters.openai import usage as openai
from adapters.openai.wire import Tokens as OpenAITokens

MAX_WHOLE: Final = 8 * 1024 * 1024
"""Bytes of a whole answer that are looked into; a larger one is not counted."""
_MARK: Final = b'"usage'
_NESTED: Final = ("message", "response")
"""Where events hold the answer they are about."""

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_openai: Final = msgspec.json.Decoder(OpenAITokens).decode
_anthropic: Final = msgspec.json.Decoder(AnthropicTokens).decode
_gemini: Final = msgspec.json.Decoder(gemini.Tokens).decode


class Meter:
    """Reads along with one answer."""

    def __init__(self, content_type: bytes) -> None:
        kind = content_type.partition(b";")[0].strip().lower()
        self._events = Splitter() if kind == b"text/event-stream" else None
        self._reads = self._events is not None or kind.endswith(b"json")
        self._body = bytearray()
        self._told: dict[str, Any] = {}
        self.model = ""
        """As the answer names it."""

    def feed(self, data: bytes) -> None:
        """The next bytes of the answer."""
        if not self._reads:
            return
        if self._events is None:
            self._body += data
            if len(self._body) > MAX_WHOLE:
                self._stop()
            return
        try:
            for event in self._events.feed(data):
                if _MARK in event.data:
                    self._take(event.data)
        except Garbled:
            self._stop()

    def close(self) -> Usage | None:
        """What the answer told, as far as it came; `None` when it told nothing."""
        if self._events is None and _MARK in self._body:
            self._take(bytes(self._body))
        self._body.clear()
        return read(self._told)

    def _stop(self) -> None:
        self._reads = False
        self._body.clear()

    def _take(self, data: bytes) -> None:
        try:
            said = _decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return
        if not isinstance(said, dict):
            return
        for place in (said, *(said.get(name) for name in _NESTED)):
            if isinstance(place, dict):
                self._note(place)

    def _note(self, place: Mapping[str, Any]) -> None:
        model = place.get("model") or place.get("modelVersion")
        if isinstance(model, str):
            self.model = model
        for name in ("usage", "usageMetadata"):
            told = place.get(name)
            if isinstance(told, dict):
                # Events count on: what a later one leaves out stays as it was.
                self._told |= {k: v for k, v in told.items() if v is not None}


def read(told: Mapping[str, Any]) -> Usage | None:
    """A usage object of any known shape; `None` for one of none."""
    for mark, shape in _SHAPES:
        if mark in told:
            try:
                return shape(told)
            except (msgspec.MsgspecError, TypeError, ValueError):
                return None
    return None


def _chat(told: Mapping[str, Any]) -> Usage:
    return openai.read(
        _openai(_encode({"completion_tokens": 0, "total_tokens": 0, **told}))
    )


def _responses(told: Mapping[str, Any]) -> Usage:
    """Responses, images and realtime; the last has a name of its own for details."""
    into = told.get("input_tokens_details") or told.get("input_token_details") or {}
    out = told.get("output_tokens_details") or told.get("output_token_details") or {}
    input_ = _count(told, "input_tokens")
    cached = min(_count(into, "cached_tokens"), input_)
    return Usage(
        input=input_,
        output=_count(told, "output_tokens"),
        cached=cached,
        reasoning=_count(out, "reasoning_tokens"),
        audio_input=_count(into, "audio_tokens"),
        audio_output=_count(out, "audio_tokens"),
        image_input=_count(into, "image_tokens"),
        image_output=_count(out, "image_tokens"),
    )


def _converse(told: Mapping[str, Any]) -> Usage:
    read_, written = (
        _count(told, "cacheReadInputTokens"),
        _count(told, "cacheWriteInputTokens"),
    )
    return Usage(
        input=_count(told, "inputTokens") + read_ + written,
        output=_count(told, "outputTokens"),
        cached=read_,
        cache_write=written,
    )


def _count(told: Any, name: str) -> int:
    value = told.get(name) if isinstance(told, dict) else None
    return int(value) if isinstance(value, int | float) and value > 0 else 0


_SHAPES: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], Usage]], ...]] = (
    ("promptTokenCount", lambda told: gemini.usage(_gemini(_encode(told)))),
    ("totalTokenCount", lambda told: gemini.usage(_gemini(_encode(told)))),
    ("prompt_tokens", _chat),
    (
        "cache_read_input_tokens",
        lambda told: anthropic.normal(_anthropic(_encode(told))),
    ),
    (
        "cache_creation_input_tokens",
        lambda told: anthropic.normal(_anthropic(_encode(told))),
    ),
    ("input_tokens", _responses),
    ("output_tokens", _responses),
    ("inputTokens", _converse),
    ("tokens", lambda told: _responses(msgspec.convert(told["tokens"], dict))),
)
"""A field that only usage of this shape has, most telling first -> its reader."""
