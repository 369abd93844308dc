"""What the first bytes of a sound tell: enough to name it and to count its seconds.

Source: the registered media types; RIFF/WAVE as Microsoft and IBM published it.
"""

import struct
from typing import Final

from adapters.errors import Garbled
from adapters.normal.audio import SpeechCall
from adapters.normal.delta import Delta, Failed, Frame, Sound, Used

TYPES: Final = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "mp4": "audio/mp4",
    "mpeg": "audio/mpeg",
    "mpga": "audio/mpeg",
    "webm": "audio/webm",
}
"""Of formats, which are also endings of file names."""
RATE: Final = 24_000
"""Samples a second of OpenAI's `pcm`: 16 bits, little-endian, one channel."""
OPENAI_VOICES: Final = frozenset(
    {
        "alloy",
        "ash",
        "ballad",
        "cedar",
        "coral",
        "echo",
        "fable",
        "marin",
        "nova",
        "onyx",
        "sage",
        "shimmer",
        "verse",
    }
)
"""Names that mean nobody elsewhere."""
MAX_CHUNKS: Final = 64
"""Chunks of a WAV file that are looked at for its samples."""
_UNKNOWN: Final = 0xFFFFFFFF
"""The length of a WAV file that was streamed before it was whole."""


def media_type(said: str, name: str, data: bytes | memoryview) -> str:
    """The type of a file: as its sender said, by its name, by its first bytes."""
    if said.startswith(("audio/", "video/")):
        return said.partition(";")[0].strip()
    by_name = TYPES.get(name.rpartition(".")[2].lower())
    return by_name or _by_bytes(bytes(data[:12])) or "application/octet-stream"


def _by_bytes(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "audio/mpeg"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    return {
        b"OggS": "audio/ogg",
        b"fLaC": "audio/flac",
        b"\x1aE\xdf\xa3": "audio/webm",
    }.get(head[:4], "")


def wav(samples: bytes, rate: int = RATE) -> bytes:
    """16-bit samples of one channel as a WAV file."""
    return wav_head(len(samples), rate) + samples


def wav_head(size: int | None, rate: int = RATE) -> bytes:
    """What goes before `size` bytes of such samples; `None`: before a stream."""
    whole = _UNKNOWN if size is None else size
    riff = _UNKNOWN if size is None else size + 36
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    return struct.pack(
        "<4sI8sI16s4sI", b"RIFF", riff, b"WAVEfmt ", 16, form, b"data", whole
    )


def wav_ms(data: bytes | memoryview) -> int | None:
    """Milliseconds of a WAV file; `None` for anything else."""
    view = memoryview(data)
    if _by_bytes(bytes(view[:12])) != "audio/wav":
        return None
    at, rate = 12, 0
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(view):
            break
        name = bytes(view[at : at + 4])
        (size,) = struct.unpack_from("<I", view, at + 4)
        if name == b"fmt " and at + 20 <= len(view):
            (rate,) = struct.unpack_from("<I", view, at + 16)
        if name == b"data":
            size = min(size, len(view) - at - 8)
            return size * 1000 // rate if rate else None
        at += 8 + size + size % 2
    return None


class SoundDecoder:
    """Bytes of a sound -> frames; what it costs is known from the call."""

    __slots__ = ("_usage",)

    def __init__(self, call: SpeechCall) -> None:
        self._usage = call.least()

    def feed(self, data: bytes) -> list[Frame]:
        """A frame for each piece."""
        usage, self._usage = self._usage, None
        deltas: tuple[Delta, ...] = (Sound(data),)
        return [Frame(data, deltas if usage is None else (*deltas, Used(usage)))]

    def close(self) -> list[Frame]:
        """Nothing, unless there was no sound at all."""
        if self._usage is None:
            return []
        return [Frame(deltas=(Failed(Garbled("the answer holds no sound")),))]
