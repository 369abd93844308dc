"""Sound: words spoken, and speech written down or translated."""

from typing import Literal

import msgspec
from msgspec import Raw

from adapters.normal.media import File
from adapters.normal.plain import PlainCall, PlainResult
from adapters.normal.usage import Usage


class SpeechCall(PlainCall, frozen=True, kw_only=True):
    """Words to be spoken. Always streamed: the sound is handed on as it is made."""

    stream: bool = True
    operation: Literal["speech"] = "speech"
    input: str
    voice: str
    """A name the provider knows."""
    instructions: str = ""
    """How to speak."""
    format: str = ""
    """`mp3`, `opus`, `aac`, `flac`, `wav`, `pcm`; empty: `mp3`, as OpenAI has it."""
    speed: float | None = None
    as_events: bool = False
    """The client wants the sound in server-sent events."""

    @property
    def events(self) -> bool:
        return self.as_events

    @property
    def prompt_bytes(self) -> int:
        return len(self.input)

    def least(self) -> Usage | None:
        return Usage(characters=len(self.input))


class SpeechResult(PlainResult, frozen=True, kw_only=True):
    """Sound that came whole."""

    audio: bytes = b""
    media_type: str = ""


class TranscribeCall(PlainCall, frozen=True, kw_only=True):
    """Speech to be written down, or (`translate_audio`) written down in English."""

    operation: Literal["transcribe", "translate_audio"] = "transcribe"
    file: File
    language: str = ""
    """Of the speech: ISO 639-1; empty: the model finds out."""
    prompt: str = ""
    """Words to expect."""
    format: str = ""
    """`json` (also when empty), `verbose_json`, `text`, `srt`, `vtt`,
    `diarized_json`."""
    temperature: float | None = None
    granularities: tuple[str, ...] = ()
    """`word`, `segment`: what is told the time of."""
    include: tuple[str, ...] = ()
    """`logprobs`."""
    speakers: tuple[str, ...] = ()
    """Names of known speakers."""
    samples: tuple[str, ...] = ()
    """How each of them sounds: data URLs."""
    chunking: Raw = Raw(b"")
    """OpenAI's `chunking_strategy`: `"auto"` or an object, as JSON."""


class Word(msgspec.Struct, frozen=True):
    """One word. Times are seconds from the beginning."""

    word: str
    start: float
    end: float
    speaker: str = ""


class Segment(msgspec.Struct, frozen=True):
    """A stretch of speech. Times are seconds from the beginning."""

    text: str
    start: float
    end: float
    speaker: str = ""
    id: str = ""


class TranscribeResult(PlainResult, frozen=True, kw_only=True):
    """What was said."""

    text: str = ""
    language: str = ""
    """As the provider names it: `english`, `en`."""
    duration: float | None = None
    """Seconds of sound."""
    segments: tuple[Segment, ...] = ()
    words: tuple[Word, ...] = ()
    media_type: str = ""
    """Of `raw`, where that is no JSON."""
