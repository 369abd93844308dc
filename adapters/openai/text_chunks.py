"""Chunks of a streamed legacy completion -> frames."""

import msgspec

from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.delta import Delta, Frame
from adapters.openai import answer, errors, finish, mend, usage, wire
from adapters.openai.chunks import ChatChunks
from adapters.openai.wire import present


class TextChunks:
    """Reads the chunks of one stream; a chat model may be behind it, whose chunks
    have no `raw` a legacy client could read."""

    __slots__ = ("_begun", "_chat", "_finished", "_mender", "_told")

    def __init__(self, model: str) -> None:
        self._mender = mend.Mender(model)
        self._chat: ChatChunks | None = None
        self._begun = False
        self._finished: dict[int, bool] = {}
        self._told = False

    def read(self, data: bytes, raw: bytes) -> Frame:
        """One chunk; `raw` is the event that it came in.

        Raises:
            UpstreamError: it tells of an error, or is no chunk.
        """
        if self._chat is None and not self._begun and b'"chat.completion' in data:
            self._chat = ChatChunks(self._mender.model)
        if self._chat is not None:
            return Frame(b"", self._chat.read(data, raw).deltas)
        try:
            told = wire.text_completion.decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            told, data = self._mended(data)
            raw = sse.write(data)
        if present(told.error):
            answer.raise_inside(wire.value.decode(data), data)
        out: list[Delta] = []
        if not self._begun:
            self._begun = True
            self._mender.id, self._mender.created = told.id, told.created
            out.append(normal.Begin(told.id, told.model, told.created))
        for choice in told.choices:
            self._choice(choice, out)
        if told.usage is not None:
            out.append(normal.Used(usage.read(told.usage)))
        return Frame(raw, tuple(out))

    def complete(self, n: int) -> bool:
        """Whether every choice came to its end."""
        if self._chat is not None:
            return self._chat.complete(n)
        return len(self._finished) >= n and all(self._finished.values())

    def usage_chunk(self) -> bytes:
        """Never needed: who serves these at all tells usage as OpenAI does."""
        return b""

    def _choice(self, choice: wire.TextChoice, out: list[Delta]) -> None:
        if choice.text:
            out.append(normal.TextDelta(choice.text, choice.index))
        done = self._finished.setdefault(choice.index, False)
        if choice.finish_reason is not None and not done:
            self._finished[choice.index] = True
            reason = finish.stop(choice.finish_reason)
            out.append(normal.Stop(reason, choice.index, choice.finish_reason))

    def _mended(self, data: bytes) -> tuple[wire.TextCompletion, bytes]:
        found = mend.load(data)
        answer.raise_inside(found, data)
        if not isinstance(found, dict):
            raise errors.garbled("no chunk", data)
        if "choices" not in found and isinstance(found.get("value"), str):
            # Writer streams bare texts (seen 2026-11).
            found["choices"] = [{"index": 0, "text": found.pop("value")}]
        data = wire.encode(self._mender.text(found))
        try:
            return wire.text_completion.decode(data), data
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise errors.garbled(f"no chunk ({error})", data) from error
