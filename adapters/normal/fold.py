"""A whole answer as the stream it could have been."""

from collections.abc import Iterator

from adapters.normal.audio import SpeechResult, TranscribeResult
from adapters.normal.chat import ChatResult, Choice, TokenCount
from adapters.normal.content import Audio, Part, Refusal, Text, Thinking, ToolUse
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    CitationDelta,
    Delta,
    Frame,
    LogprobDelta,
    PartDelta,
    PictureDelta,
    RefusalDelta,
    SegmentDelta,
    Sound,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.image import ImageResult
from adapters.normal.plain import PlainResult


def unfold(result: ChatResult | PlainResult | TokenCount) -> list[Frame]:
    """Frames without `raw` that mean the same as `result`; of what is never streamed,
    only how it begins and what it used."""
    created = getattr(result, "created", 0)
    frames = [Frame(b"", (Begin(result.id, result.model, created),))]
    frames += [Frame(b"", (delta,)) for delta in _said(result)]
    if result.usage is not None:
        frames.append(Frame(b"", (Used(result.usage),)))
    return frames


def _said(result: ChatResult | PlainResult | TokenCount) -> Iterator[Delta]:
    match result:
        case ChatResult():
            for choice in result.choices():
                yield from _choice(choice)
        case SpeechResult():
            yield Sound(result.audio)
        case TranscribeResult():
            yield TextDelta(result.text)
            yield from (SegmentDelta(segment) for segment in result.segments)
        case ImageResult():
            for index, picture in enumerate(result.pictures):
                yield PictureDelta(picture, index)
        case _:
            pass


def _choice(choice: Choice) -> Iterator[Delta]:
    tools = 0
    for part in choice.parts:
        yield from _part(part, choice.index, tools)
        tools += isinstance(part, ToolUse)
    if choice.logprobs:
        yield LogprobDelta(choice.logprobs, choice.index)
    yield Stop(
        choice.stop or "end", choice.index, choice.native_stop, choice.stop_sequence
    )


def _part(part: Part, index: int, tool: int) -> Iterator[Delta]:
    match part:
        case Text():
            yield TextDelta(part.text, index, part.signature)
            for citation in part.citations:
                yield CitationDelta(citation, index)
        case Refusal():
            yield RefusalDelta(part.text, index)
        case Thinking():
            yield ThinkDelta(
                part.text, part.signature, part.redacted, index, part.family, part.id
            )
        case ToolUse():
            yield ToolStart(
                tool, part.id, part.name, index, part.signature, part.custom
            )
            yield ToolDelta(tool, part.arguments, index)
        case Audio():
            yield AudioDelta(
                part.id, part.data, part.transcript, part.expires_at, index
            )
        case _:
            yield PartDelta(part, index)
