"""What a stream is made of: frames off the wire, deltas of meaning in them."""

from typing import ClassVar

import msgspec
from msgspec import Raw

from adapters.errors import UpstreamError
from adapters.normal.audio import Segment
from adapters.normal.chat import StopReason
from adapters.normal.content import Citation, Part
from adapters.normal.image import Picture
from adapters.normal.usage import Usage


class Begin(msgspec.Struct, frozen=True):
    """The answer has an id; says nothing yet."""

    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None
    """Input side, where the family tells it first (Anthropic)."""


class TextDelta(msgspec.Struct, frozen=True):
    """More text of a choice."""

    text: str
    choice: int = 0
    signature: str = ""


class RefusalDelta(msgspec.Struct, frozen=True):
    """More of the model's refusal."""

    text: str
    choice: int = 0


class ThinkDelta(msgspec.Struct, frozen=True):
    """More reasoning; a signature closes the block it belongs to."""

    text: str = ""
    signature: str = ""
    redacted: str = ""
    choice: int = 0
    family: str = ""
    id: str = ""


class ToolStart(msgspec.Struct, frozen=True):
    """A tool call begins. `tool` counts from 0 within its choice, one per call."""

    tool: int
    id: str
    name: str
    choice: int = 0
    signature: str = ""
    custom: bool = False


class ToolDelta(msgspec.Struct, frozen=True):
    """More JSON text of the arguments of call `tool`."""

    tool: int
    arguments: str
    choice: int = 0


class CitationDelta(msgspec.Struct, frozen=True):
    """A source for the text so far."""

    citation: Citation
    choice: int = 0


class AudioDelta(msgspec.Struct, frozen=True):
    """More audio: base64 `data`, `transcript` text, or both."""

    id: str = ""
    data: str = ""
    transcript: str = ""
    expires_at: int = 0
    choice: int = 0


class PartDelta(msgspec.Struct, frozen=True):
    """A part that comes whole: an image, a server tool's block."""

    part: Part
    choice: int = 0


class LogprobDelta(msgspec.Struct, frozen=True):
    """OpenAI's `logprobs` object for the text of the same frame."""

    logprobs: Raw
    choice: int = 0


class Sound(msgspec.Struct, frozen=True):
    """More of a sound, in the format that was asked for."""

    data: bytes
    choice: ClassVar[int] = 0


class SegmentDelta(msgspec.Struct, frozen=True):
    """A stretch of speech, with who spoke; its text was told already or is told by
    this alone."""

    segment: Segment
    choice: ClassVar[int] = 0


class PictureDelta(msgspec.Struct, frozen=True):
    """A picture, or how it looks so far."""

    picture: Picture
    index: int = 0
    partial: bool = False
    choice: ClassVar[int] = 0


class Used(msgspec.Struct, frozen=True):
    """Usage so far; the last one counts."""

    usage: Usage


class Stop(msgspec.Struct, frozen=True):
    """A choice is finished."""

    reason: StopReason
    choice: int = 0
    native: str = ""
    sequence: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """The stream broke: an error event, garbage, or an end before its end."""

    error: UpstreamError


Delta = (
    Begin
    | TextDelta
    | RefusalDelta
    | ThinkDelta
    | ToolStart
    | ToolDelta
    | CitationDelta
    | AudioDelta
    | PartDelta
    | LogprobDelta
    | Sound
    | SegmentDelta
    | PictureDelta
    | Used
    | Stop
    | Failed
)


class Frame(msgspec.Struct, frozen=True):
    """One event off the wire: its exact bytes, and what it means.

    The `raw` of all frames, joined, is the stream as it should reach a client of the
    same dialect (a decoder may have mended it).
    """

    raw: bytes = b""
    deltas: tuple[Delta, ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether a client would miss it: after it, no fallback is possible."""
        return any(not isinstance(d, Begin | Used | Failed) for d in self.deltas)
