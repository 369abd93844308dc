"""Chunks of a streamed chat completion -> frames."""

from typing import Any

import msgspec
from msgspec import Raw

from adapters.errors import UpstreamError
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.delta import Delta, Frame
from adapters.normal.usage import Usage
from adapters.openai import answer, errors, finish, mend, reasoning, usage, wire
from adapters.openai.tools import Calls, Fix, repair
from adapters.openai.wire import ABSENT, present

_annotation = msgspec.json.Decoder(wire.Annotation)
_LISTS = ("annotations", "images")
_fields = msgspec.json.Decoder(dict[str, Raw])


class _Used(msgspec.Struct, frozen=True):
    usage: wire.Tokens | None = None


_used = msgspec.json.Decoder(_Used)


class _Choice:
    """How far one choice has come."""

    __slots__ = ("calls", "cited", "finished", "legacy", "listed")

    def __init__(self, salt: str) -> None:
        self.calls = Calls(salt)
        self.finished = False
        self.legacy = False
        self.cited = False
        self.listed = 0
        """Entries of lists that were counted."""


class ChatChunks:
    """Reads the chunks of one stream."""

    __slots__ = (
        "_begun",
        "_choices",
        "_listed",
        "_told",
        "created",
        "held",
        "id",
        "mender",
    )

    def __init__(self, model: str) -> None:
        self.id = ""
        self.created = 0
        self.mender = mend.Mender(model)
        self.held = ABSENT
        """Usage that was told, and that no chunk handed on shows."""
        self._told = False
        """A chunk that shows the usage was handed on."""
        self._begun = False
        self._listed = False
        """The chunk at hand has lists whose entries may lack their index, without
        which the official SDK cannot accumulate them."""
        self._choices: dict[int, _Choice] = {}

    def read(self, data: bytes, raw: bytes) -> Frame:
        """One chunk; `raw` is the event that it came in.

        Raises:
            UpstreamError: it tells of an error, or is no chunk.
        """
        try:
            told = wire.chunk.decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            told, data = self._mended(data)
            raw = sse.write(data)
        if told.error is not ABSENT and present(told.error):
            answer.raise_inside(wire.value.decode(data), data)
        out: list[Delta] = []
        if not self._begun and (told.id or told.choices):
            self._begun = True
            self.id, self.created = told.id, told.created
            self.mender.id, self.mender.created = told.id, told.created
            out.append(normal.Begin(told.id, told.model, told.created))
        fixes: dict[tuple[int, int], Fix] = {}
        for at, choice in enumerate(told.choices):
            if choice.error is not ABSENT and present(choice.error):
                answer.raise_inside(wire.value.decode(data), data)
            self._choice(choice, told, at, out, fixes)
        if fixes or self._listed:
            data = self._repaired(data, fixes)
            raw = sse.write(data)
        if told.usage is not None:
            counted = usage.served(usage.read(told.usage), told.service_tier)
            out.append(normal.Used(counted))
            raw = self._shown_once(told, data, raw)
        elif told.x_groq is not ABSENT or told.choices:
            found = self._elsewhere(told)
            if found is not None:
                out.append(normal.Used(found))
        return Frame(raw, tuple(out))

    def _repaired(self, data: bytes, fixes: dict[tuple[int, int], Fix]) -> bytes:
        body = mend.load(data)
        if fixes:
            self.mender.reasons.append("tool index, id or type")
            repair(body, fixes)
        if self._listed:
            self._listed = False
            for choice in body["choices"]:
                state = self._choices[choice["index"]]
                for name in _LISTS:
                    for entry in _dicts(choice["delta"].get(name)):
                        if "index" not in entry:
                            self.mender.reasons.append(f"{name} without index")
                            entry["index"] = state.listed
                        state.listed += 1
        return wire.encode(body)

    def complete(self, n: int) -> bool:
        """Whether every choice came to its end."""
        done = [choice.finished for choice in self._choices.values()]
        return len(done) >= n and all(done)

    def usage_chunk(self) -> bytes:
        """The usage that no chunk showed, as OpenAI would tell it; empty without."""
        if not present(self.held) or self._told:
            return b""
        self._told = True
        body = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.mender.model,
            "choices": [],
            "usage": self.held,
        }
        return sse.write(wire.encode(body))

    def _mended(self, data: bytes) -> tuple[wire.Chunk, bytes]:
        found = mend.load(data)
        answer.raise_inside(found, data)
        if not isinstance(found, dict):
            raise errors.garbled("no chunk", data)
        data = wire.encode(self.mender.chunk(found))
        try:
            return wire.chunk.decode(data), data
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise errors.garbled(f"no chunk ({error})", data) from error

    def _choice(
        self,
        choice: wire.ChunkChoice,
        told: wire.Chunk,
        at: int,
        out: list[Delta],
        fixes: dict[tuple[int, int], Fix],
    ) -> None:
        index, delta = choice.index, choice.delta
        state = self._choices.get(index)
        if state is None:
            self.mender.model = told.model
            state = self._choices[index] = _Choice(f"{told.id}/{index}")
        if delta.content and delta.extra_content is ABSENT and _silent(delta):
            out.append(normal.TextDelta(delta.content, index))
        else:
            _said(delta, index, out)
        if delta.tool_calls:
            for position, piece in enumerate(delta.tool_calls):
                fix = state.calls.read(piece, index, out)[1]
                if fix is not None:
                    fixes[at, position] = fix
        if delta.annotations is not ABSENT or delta.images is not ABSENT:
            self._listed = True
        if delta.function_call is not None:
            _legacy(delta.function_call, state, index, out)
        _rest(choice, index, out)
        if choice.finish_reason is not None and not state.finished:
            state.finished = True
            _sources(told, state, index, out)
            out.append(_stop(choice, choice.finish_reason, state))

    def _shown_once(self, told: wire.Chunk, data: bytes, raw: bytes) -> bytes:
        """The event, with its usage when that is the last word on it."""
        final = self.complete(1)
        if final and not self._told:
            self._told = True
            return raw
        fields = _fields.decode(data)
        self.held = fields.pop("usage")
        self.mender.reasons.append("usage repeated")
        if not told.choices and self._told:
            return b""  # a second telling, and nothing else in it
        return sse.write(wire.encode(fields))

    def _elsewhere(self, told: wire.Chunk) -> Usage | None:
        of_choices = [c.usage for c in told.choices if c.usage is not ABSENT]
        if told.x_groq is ABSENT and not of_choices:
            return None
        counted = usage.elsewhere(told.x_groq, of_choices)
        if counted is not None:
            self.held = Raw(wire.encode(usage.write(counted)))
        return counted


def _silent(delta: wire.Delta) -> bool:
    """No thoughts in it."""
    return (
        delta.reasoning_content is ABSENT
        and delta.reasoning is ABSENT
        and delta.reasoning_details is ABSENT
        and delta.thinking_blocks is ABSENT
    )


def _said(delta: wire.Delta, index: int, out: list[Delta]) -> None:
    if not _silent(delta):
        out.extend(reasoning.deltas(delta, index))
    signature = reasoning.signature(delta.extra_content)
    if delta.content or signature:
        out.append(normal.TextDelta(delta.content or "", index, signature))


def _legacy(
    piece: wire.FunctionDelta, state: _Choice, index: int, out: list[Delta]
) -> None:
    if not state.legacy:
        state.legacy = True
        out.append(normal.ToolStart(0, answer.LEGACY_ID, piece.name or "", index))
    if piece.arguments:
        out.append(normal.ToolDelta(0, piece.arguments, index))


def _rest(choice: wire.ChunkChoice, index: int, out: list[Delta]) -> None:
    """What few chunks hold."""
    delta = choice.delta
    if delta.refusal:
        out.append(normal.RefusalDelta(delta.refusal, index))
    if delta.annotations is not ABSENT and present(delta.annotations):
        for entry in _list(delta.annotations):
            try:
                note = _annotation.decode(wire.encode(entry))
            except msgspec.MsgspecError:
                continue
            cited = answer.citation(note.url_citation)
            out.append(normal.CitationDelta(cited, index))
    if delta.images is not ABSENT:
        out += [normal.PartDelta(i, index) for i in answer.images(delta.images)]
    if delta.audio is not None:
        piece = delta.audio
        out.append(
            normal.AudioDelta(
                piece.id or "",
                piece.data or "",
                piece.transcript or "",
                piece.expires_at or 0,
                index,
            )
        )
    if choice.logprobs is not None:
        out.append(normal.LogprobDelta(Raw(wire.encode(choice.logprobs)), index))


def _sources(told: wire.Chunk, state: _Choice, index: int, out: list[Delta]) -> None:
    """Perplexity tells the same list with every chunk: once is enough."""
    if told.citations is ABSENT or state.cited:
        return
    state.cited = True
    found = answer.citations((), told.citations)
    out += [normal.CitationDelta(cited, index) for cited in found]


def _stop(choice: wire.ChunkChoice, word: str, state: _Choice) -> normal.Stop:
    native = ""
    if present(choice.native_finish_reason):
        found = wire.value.decode(choice.native_finish_reason)
        native = found if isinstance(found, str) else ""
    calls = state.legacy or len(state.calls) > 0
    return normal.Stop(
        finish.stop(word, native, calls=calls), choice.index, native or word
    )


def _dicts(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        return []
    return [entry for entry in found if isinstance(entry, dict)]


def _list(raw: Raw) -> list[Any]:
    found = wire.value.decode(raw)
    return found if isinstance(found, list) else []


def failed(error: UpstreamError) -> list[Frame]:
    """The last frames of a stream that broke; OpenRouter tells usage with the error."""
    frames = [Frame(b"", (normal.Failed(error),))]
    if b'"usage"' in error.body:
        try:
            told = _used.decode(error.body).usage
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return frames
        if told is not None:
            frames.insert(0, Frame(b"", (normal.Used(usage.read(told)),)))
    return frames
