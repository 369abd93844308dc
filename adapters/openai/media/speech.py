"""Words spoken: read from clients, asked of providers, answered.

The sound goes on as it comes. Source: platform.openai.com/docs/api-reference/audio;
openai-python 3.54.0.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from adapters.contract import Hint, Told, WireResponse
from adapters.errors import BadCall, Garbled, UpstreamError
from adapters.normal.audio import SpeechCall
from adapters.normal.delta import Delta, Frame, Sound, Used
from adapters.normal.usage import Usage
from adapters.openai import errors, mend, wire
from adapters.openai import fields as f
from adapters.openai.calls import forwarded
from adapters.openai.media import asked, used
from adapters.openai.media.events import EventDecoder, EventEncoder, event
from adapters.sound import SoundDecoder

FORMATS: Final = ("mp3", "opus", "aac", "flac", "wav", "pcm")


def read_call(body: bytes, hint: Hint) -> SpeechCall:
    """A call.

    Raises:
        BadCall: not one; says where.
    """
    told = asked.read(body, hint, form=False)
    voice = f.decode(f.anything, f.take_raw(told.top, "voice") or b'""', "voice")
    if isinstance(voice, dict):
        voice = voice.get("id")
    if not isinstance(voice, str):
        raise BadCall("voice: neither a name nor an object with an id", "voice")
    stream_format = told.text("stream_format")
    if stream_format not in ("", "audio", "sse"):
        raise BadCall("stream_format: audio or sse", "stream_format")
    call = SpeechCall(
        model=asked.model(told, hint),
        dialect=wire.SPEECH,
        raw=body,
        input=told.text("input"),
        voice=voice,
        instructions=told.text("instructions"),
        format=told.text("response_format"),
        speed=told.number("speed"),
        as_events=stream_format == "sse",
        user=told.text("user"),
        headers=forwarded(hint.headers),
        extra=told.extra(),
    )
    if not call.input:
        raise BadCall("input: missing", "input")
    return call


def refused(response: WireResponse) -> UpstreamError:
    """JSON where sound should be: an error, whatever its status."""
    found = mend.load(response.body)
    garbled = errors.garbled("no sound", response.body)
    return errors.inside(found, response.body) or garbled


def decoder(call: SpeechCall) -> EventDecoder | SoundDecoder:
    """A decoder of one stream."""
    return EventDecoder(_read) if call.as_events else SoundDecoder(call)


def _read(kind: str, body: dict[str, Any]) -> tuple[tuple[Delta, ...], bool]:
    if kind == "speech.audio.delta":
        try:
            return (Sound(base64.b64decode(body["audio"])),), False
        except binascii.Error as error:
            raise Garbled("speech.audio.delta: not base64") from error
    if kind == "speech.audio.done":
        usage = used.read(body.get("usage"))
        return ((Used(usage),) if usage is not None else ()), True
    return (), False


class SoundEncoder:
    """Sound -> its bytes. It has no words for errors: a stream that ends without its
    end, the connection cut, is all a client is told."""

    content_type = ""

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The bytes for these frames."""
        return b"".join(
            [d.data for frame in frames for d in frame.deltas if isinstance(d, Sound)]
        )

    def close(self) -> bytes:
        """It ends with its last byte."""
        return b""

    def error(self, told: Told) -> bytes:
        """There are no words for it."""
        return b""


class SpeechEvents(EventEncoder):
    """Sound as events."""

    _usage = Usage()

    def write(self, delta: Delta) -> bytes:
        """One delta."""
        if isinstance(delta, Sound):
            audio = base64.b64encode(delta.data).decode()
            return event("speech.audio.delta", audio=audio)
        if isinstance(delta, Used):
            self._usage = delta.usage
        return b""

    def end(self) -> bytes:
        """The last event."""
        usage = self._usage
        counted = {
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "total_tokens": usage.total,
        }
        return event("speech.audio.done", usage=counted)


def encoder(call: SpeechCall, *, relay: bool) -> SoundEncoder | SpeechEvents:
    """An encoder of one stream."""
    if call.as_events:
        return SpeechEvents(relay=relay)
    return SoundEncoder()
