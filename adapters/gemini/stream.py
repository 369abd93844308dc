"""A stream of streamGenerateContent, off the wire: events -> frames.

There is no terminator: the end of the file is the end, if every candidate that spoke
has told its finish reason (or the prompt was blocked). The stops come then: some
models repeat a reason in every chunk, and a call of a function in any chunk changes
what `STOP` means. Source: ai.google.dev/api/generate-content, streamGenerateContent.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.decoding import Reading
from adapters.errors import Garbled
from adapters.framing.sse import Event, Splitter, ended, one_line
from adapters.gemini import answer, citations, errors, logprobs, signature
from adapters.gemini.partial import Arguments
from adapters.gemini.wire import BROKEN, EMPTY, given
from adapters.normal.content import Audio, Text, Thinking
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    CitationDelta,
    Delta,
    Frame,
    LogprobDelta,
    PartDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)

LARGEST: Final = 32 * 1024 * 1024
"""Bytes one event may take: an image comes whole, in base64."""

_items = msgspec.json.Decoder(list[Raw])


class _Candidate:
    """What is known of one candidate so far."""

    __slots__ = ("calls", "finish", "partial", "said")

    def __init__(self) -> None:
        self.calls = 0
        self.finish = ""
        self.partial: Arguments | None = None
        self.said: list[str] = []


class Chunks(Reading):
    """The decoder of one stream."""

    __slots__ = ("_begun", "_blocked", "_candidates", "_id", "_splitter")

    def __init__(self) -> None:
        super().__init__()
        self._splitter = Splitter(LARGEST)
        self._candidates: dict[int, _Candidate] = {}
        self._begun = False
        self._blocked = ""
        self._id = ""

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        for event in self._splitter.feed(data):
            self._event(event, frames)

    def _finish(self, frames: list[Frame]) -> None:
        for event in map(ended, self._splitter.close()):
            self._event(event, frames)
        frames.append(Frame(b"", self._stops()))

    def _event(self, event: Event, frames: list[Frame]) -> None:
        if event.data:
            frames.append(Frame(event.raw, self._deltas(event.data)))
        else:
            self._bare(event, frames)

    def _bare(self, event: Event, frames: list[Frame]) -> None:
        """A comment; or a body that is no event stream."""
        if event.raw.lstrip()[:1] in (b"{", b"["):
            # A provider that did not heed alt=sse, or a bare error within the stream.
            frames.extend(
                Frame(b"data: %b\r\n\r\n" % one_line(data), self._deltas(data))
                for data in _bare(event.raw)
            )
        else:
            frames.append(Frame(event.raw))

    def _deltas(self, data: bytes) -> tuple[Delta, ...]:
        try:
            chunk = answer.chunk(data)
        except BROKEN as error:
            if data.strip() == b"[DONE]":  # of proxies that know only OpenAI's streams
                return ()
            raise Garbled(
                f"an event is no answer: {error}", body=data[:2000]
            ) from error
        if chunk.error and given(chunk.error):
            raise errors.inner(chunk.error, data)
        deltas: list[Delta] = []
        if not self._begun:
            self._begun = True
            self._id = chunk.response_id or ""
            deltas.append(Begin(self._id, chunk.model_version or ""))
        if chunk.candidates:
            for at, candidate in enumerate(chunk.candidates):
                self._candidate(candidate, at, data, deltas)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            self._blocked = answer.word(feedback.block_reason)
        told = chunk.usage_metadata
        if told is not None and answer.counts(told):
            deltas.append(Used(answer.usage(told)))
        return tuple(deltas)

    def _candidate(
        self, told: answer.Candidate, at: int, data: bytes, deltas: list[Delta]
    ) -> None:
        index = at if told.index is None else told.index
        known = self._candidates.get(index)
        if known is None:
            known = self._candidates[index] = _Candidate()
        if told.content is not None and told.content.parts:
            for n, piece in enumerate(told.content.parts):
                if (text := piece.text) is not None:
                    signed = piece.thought_signature or ""
                    if piece.thought:
                        deltas.append(_think(text, signed, index))
                    elif text or signed:
                        known.said.append(text)
                        deltas.append(TextDelta(text, index, signed))
                elif piece.function_call is not None:
                    self._call(piece, piece.function_call, known, index, deltas)
                else:
                    raw = answer.odd(data, at, n) if answer.is_odd(piece) else None
                    deltas.append(_other(piece, raw, index))
        if told.finish_reason is not None:
            known.finish = answer.word(told.finish_reason) or known.finish
        if told.logprobs_result or told.citation_metadata or told.grounding_metadata:
            _metadata(told, known, index, deltas)

    def _call(
        self,
        piece: answer.Piece,
        call: answer.Call,
        known: _Candidate,
        index: int,
        deltas: list[Delta],
    ) -> None:
        """A whole call; or a piece of one, of which the first bears the name and the
        last says that nothing continues."""
        if call.name:
            _finish(known, index, deltas)
            number = known.calls
            known.calls += 1
            made = answer.tool(call, piece.thought_signature, self._id, index, number)
            start = ToolStart(number, made.id, made.name, index, made.signature)
            deltas.append(start)
            if not call.will_continue and not call.partial_args:
                deltas.append(ToolDelta(number, made.arguments, index))
                return
            known.partial = Arguments()
        if known.partial is not None:
            for partial in call.partial_args or ():
                known.partial.add(partial)
            if not call.will_continue:
                _finish(known, index, deltas)

    def _stops(self) -> tuple[Delta, ...]:
        """The stop of every candidate.

        Raises:
            Garbled: one of them has not finished.
        """
        deltas: list[Delta] = []
        for index, known in sorted(self._candidates.items()):
            if not known.finish:
                if not self._blocked:
                    break
                known.finish = self._blocked
                deltas.append(Stop("filtered", index, self._blocked))
                continue
            _finish(known, index, deltas)
            reason = answer.stop(known.finish, known.calls > 0)
            deltas.append(Stop(reason, index, known.finish))
        else:
            if not self._candidates and self._blocked:
                deltas.append(Stop("filtered", 0, self._blocked))
            if deltas:
                return tuple(deltas)
        raise Garbled("the stream ended without a finish reason")


def _metadata(
    told: answer.Candidate, known: _Candidate, index: int, deltas: list[Delta]
) -> None:
    """Probabilities and sources of what was said."""
    if told.logprobs_result:
        deltas.append(LogprobDelta(logprobs.read(told.logprobs_result), index))
    if told.citation_metadata or told.grounding_metadata:
        sources, grounding = told.citation_metadata, told.grounding_metadata
        cited = citations.read(sources, grounding, "".join(known.said))
        deltas.extend(CitationDelta(citation, index) for citation in cited)


def _other(piece: answer.Piece, raw: Raw | None, index: int) -> Delta:
    """Media, a signature alone, or (`raw`) what only Gemini understands."""
    if raw is not None:
        return PartDelta(answer.opaque(raw), index)
    part = answer.plain_part(piece, EMPTY)
    match part:
        case Thinking():
            return _think(part.text, part.signature, index)
        case Text():
            return TextDelta(part.text, index, part.signature)
        case Audio():
            return AudioDelta(data=part.data, choice=index)
        case _:
            return PartDelta(part, index)


def _think(text: str, signed: str, index: int) -> ThinkDelta:
    part = signature.unwrap(text, signed)
    return ThinkDelta(part.text, part.signature, part.redacted, index, part.family)


def _finish(known: _Candidate, index: int, deltas: list[Delta]) -> None:
    """Tell the arguments of a call that came in pieces."""
    if known.partial is not None:
        deltas.append(ToolDelta(known.calls - 1, known.partial.text(), index))
        known.partial = None


def _bare(raw: bytes) -> list[bytes]:
    """The objects of a body that is no event stream."""
    body = raw.strip()
    if body[:1] == b"{":
        return [body]
    try:
        return [_one_line(item) for item in _items.decode(body)]
    except BROKEN as error:
        raise Garbled(f"the stream is neither events nor an array: {error}") from error


def _one_line(item: Raw) -> bytes:
    return msgspec.json.format(bytes(item), indent=-1)
