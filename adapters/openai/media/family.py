"""Both halves of OpenAI's media, for the family's own tables."""

from typing import Final

from adapters.contract import (
    Call,
    Decoder,
    Encoder,
    Hint,
    Medium,
    Operation,
    Result,
    Target,
    Told,
    WireRequest,
    WireResponse,
)
from adapters.errors import Unsupported
from adapters.normal.audio import (
    SpeechCall,
    SpeechResult,
    TranscribeCall,
    TranscribeResult,
)
from adapters.normal.image import ImageCall, ImageResult
from adapters.normal.moderate import ModerateCall, ModerateResult
from adapters.openai import errors, wire
from adapters.openai.media import (
    images,
    moderations,
    request,
    speech,
    transcript_events,
    transcripts,
)

OPERATIONS: Final = frozenset(
    {
        Operation.images_generate,
        Operation.images_edit,
        Operation.images_vary,
        Operation.speech,
        Operation.transcribe,
        Operation.translate_audio,
        Operation.moderate,
    }
)


def build(call: Call, target: Target) -> WireRequest:
    """The call, for the target.

    Raises:
        Unsupported: another family's, or something must be left out and the target is
            strict.
    """
    if not isinstance(call, ImageCall | SpeechCall | TranscribeCall | ModerateCall):
        raise Unsupported("OpenAI's API has no such call", "operation")
    if not call.raw or call.dialect not in wire.MEDIA:
        raise Unsupported("this can be asked in OpenAI's dialect only", "model")
    return request.build(call, Operation(call.operation), target, call.headers)


def parse(response: WireResponse, call: Call) -> Result:
    """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
    match call:
        case ImageCall():
            return images.parse(response, call)
        case TranscribeCall():
            return transcripts.parse(response, call)
        case ModerateCall():
            return moderations.parse(response, call)
        case SpeechCall():
            raise speech.refused(response)
        case _:
            raise TypeError("not a call of media")


def decoder(call: Call) -> Decoder:
    """A decoder for one streamed answer."""
    match call:
        case ImageCall():
            return images.decoder()
        case SpeechCall():
            return speech.decoder(call)
        case TranscribeCall():
            return transcript_events.TranscriptDecoder(call)
        case _:
            raise TypeError("this is not streamed")


class _Dialect:
    """What the four have in common."""

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return errors.write(told)


class ImagesDialect(_Dialect):
    """Pictures, the half that speaks to clients."""

    name = wire.IMAGES

    def read_call(self, body: bytes, hint: Hint) -> ImageCall:
        """The call. Raises `BadCall`."""
        return images.read_call(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes | Medium:
        """The pictures."""
        if not isinstance(result, ImageResult) or not isinstance(call, ImageCall):
            raise TypeError("a call for pictures is answered with pictures")
        return images.write(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """An encoder for a stream whose frames' `raw` is of dialect `source`."""
        if not isinstance(call, ImageCall):
            raise TypeError("not a call for pictures")
        return images.ImageEncoder(call, relay=source == wire.CHAT)


class SpeechDialect(_Dialect):
    """Words spoken, the half that speaks to clients."""

    name = wire.SPEECH

    def read_call(self, body: bytes, hint: Hint) -> SpeechCall:
        """The call. Raises `BadCall`."""
        return speech.read_call(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes | Medium:
        """Sound that came whole."""
        if not isinstance(result, SpeechResult):
            raise TypeError("a call for speech is answered with sound")
        return Medium(result.audio, result.media_type.encode())

    def write_stream(self, call: Call, source: str) -> Encoder:
        """An encoder for a stream whose frames' `raw` is of dialect `source`."""
        if not isinstance(call, SpeechCall):
            raise TypeError("not a call for speech")
        return speech.encoder(call, relay=source == wire.CHAT)


class TranscriptionsDialect(_Dialect):
    """Speech written down or translated, the half that speaks to clients."""

    name = wire.TRANSCRIPTIONS

    def read_call(self, body: bytes, hint: Hint) -> TranscribeCall:
        """The call. Raises `BadCall`."""
        return transcripts.read_call(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes | Medium:
        """What was said."""
        if not isinstance(result, TranscribeResult) or not isinstance(
            call, TranscribeCall
        ):
            raise TypeError("a call for a transcript is answered with one")
        return transcripts.write(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """An encoder for a stream whose frames' `raw` is of dialect `source`."""
        if not isinstance(call, TranscribeCall):
            raise TypeError("not a call for a transcript")
        return transcript_events.TranscriptEncoder(call, relay=source == wire.CHAT)


class ModerationsDialect(_Dialect):
    """Moderation, the half that speaks to clients."""

    name = wire.MODERATIONS

    def read_call(self, body: bytes, hint: Hint) -> ModerateCall:
        """The call. Raises `BadCall`."""
        return moderations.read_call(body, hint)

    def write_result(self, result: Result, call: Call) -> bytes:
        """The judgements."""
        if not isinstance(result, ModerateResult):
            raise TypeError("a call for moderation is answered with judgements")
        return moderations.write(result)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """Judgements are not streamed."""
        raise TypeError("judgements are not streamed")


IMAGES: Final = ImagesDialect()
SPEECH: Final = SpeechDialect()
TRANSCRIPTIONS: Final = TranscriptionsDialect()
MODERATIONS: Final = ModerationsDialect()
