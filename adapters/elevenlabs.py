"""ElevenLabs: words spoken and speech written down.

Source: elevenlabs.io/docs/api-reference (text to speech, streaming; speech to text),
2026-11. Voices are ids; names of OpenAI's mean nobody there.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Raw

from adapters import kin, signing, sound, studio
from adapters.contract import (
    Call,
    Operation,
    Result,
    Target,
    WireRequest,
    WireResponse,
)
from adapters.errors import Garbled, Unsupported
from adapters.framing import multipart
from adapters.framing.multipart import Part
from adapters.normal.audio import (
    Segment,
    SpeechCall,
    TranscribeCall,
    TranscribeResult,
    Word,
)
from adapters.normal.usage import Usage
from adapters.studio import BROKEN, Studio

VOICE: Final = "21m00Tcm4TlvDq8ikWAM"
"""Who speaks where the client names nobody known: the voice of their own examples."""
_FORMATS: Final = {
    "": "mp3_44100_128",
    "mp3": "mp3_44100_128",
    "opus": "opus_48000_128",
    "pcm": "pcm_24000",
    "wav": "wav_24000",
}


class _Word(msgspec.Struct, frozen=True):
    text: str = ""
    type: str = "word"
    start: float | None = None
    end: float | None = None
    speaker_id: str | None = None


class _Heard(msgspec.Struct, frozen=True):
    text: str
    language_code: str = ""
    words: list[_Word] = []


class _Detail(msgspec.Struct, frozen=True):
    status: str = ""
    message: str = ""


class _Wrong(msgspec.Struct, frozen=True):
    detail: Raw = Raw(b'""')


_heard = msgspec.json.Decoder(_Heard)
_wrong = msgspec.json.Decoder(_Wrong)
_detail = msgspec.json.Decoder(_Detail | str | list[dict[str, Any]])


class ElevenLabs(Studio):
    """The half that speaks to the provider; there is no other."""

    dialect = "elevenlabs"
    title = "ElevenLabs"
    operations = frozenset({Operation.speech, Operation.transcribe})

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it cannot be said there.
        """
        match call:
            case SpeechCall():
                return _speak(call, target)
            case TranscribeCall(operation="transcribe"):
                return _listen(call, target)
            case _:
                raise Unsupported("ElevenLabs speaks and listens only", "model")

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer."""
        try:
            told = _heard.decode(response.body)
        except BROKEN as error:
            text = f"no transcript: {error}"
            raise Garbled(text, body=response.body[:2000]) from error
        if not isinstance(call, TranscribeCall):
            raise Garbled("the answer holds no sound", body=response.body[:2000])
        return _result(told, call)

    def _said(self, body: bytes) -> tuple[str, str]:
        """`detail` is a text, an object, or a list."""
        try:
            found = _detail.decode(_wrong.decode(body).detail)
        except BROKEN:
            return studio.text(body), ""
        if isinstance(found, str):
            return found, ""
        if isinstance(found, _Detail):
            return found.message or found.status, found.status
        told = [f"{_where(e)}{e.get('msg', '')}" for e in found[:5]]
        return "; ".join(told), "invalid_request"


def _speak(call: SpeechCall, target: Target) -> WireRequest:
    format = _FORMATS.get(call.format)
    if format is None:
        raise Unsupported(
            f"ElevenLabs makes no {call.format[:40]!r}", "response_format"
        )
    dropped = list(call.extra)
    voice = call.voice
    if voice.lower() in sound.OPENAI_VOICES or not voice:
        dropped += ["voice"] if voice else []
        voice = VOICE
    if call.instructions:
        dropped.append("instructions")
    named = kin.named(dropped, call.dialect, target)
    body: dict[str, object] = {"text": call.input, "model_id": target.model}
    if call.speed is not None:
        body["voice_settings"] = {"speed": call.speed}
    path = f"text-to-speech/{quote(voice, safe='')}/stream?output_format={format}"
    head = signing.head(target, f"{target.base_url}/{path}")
    return WireRequest(head, msgspec.json.encode(body), (), named)


def _listen(call: TranscribeCall, target: Target) -> WireRequest:
    dropped = list(call.extra)
    for name, value in (
        ("prompt", call.prompt),
        ("include", call.include),
        ("known_speaker_names", call.speakers),
        ("chunking_strategy", call.chunking),
    ):
        if value:
            dropped.append(name)
    named = kin.named(dropped, call.dialect, target)
    file = call.file
    fields = {"model_id": target.model, "timestamps_granularity": "word"}
    if call.language:
        fields["language_code"] = call.language
    if call.format == "diarized_json":
        fields["diarize"] = "true"
    if call.temperature is not None:
        fields["temperature"] = str(call.temperature)
    parts = [Part(name=name, data=value.encode()) for name, value in fields.items()]
    parts.append(
        Part(
            name="file",
            filename=file.name or "audio",
            content_type=sound.media_type(file.media_type, file.name, file.data),
            data=file.data,
        )
    )
    body, mark = multipart.write(parts)
    head = signing.head(target, f"{target.base_url}/speech-to-text", ())
    lines = (multipart.content_type(mark),)
    return WireRequest(head, body, lines, named, boundary=mark)


def _result(told: _Heard, call: TranscribeCall) -> TranscribeResult:
    words = [w for w in told.words if w.type == "word"]
    ends = [w.end for w in words if w.end is not None]
    ms = sound.wav_ms(call.file.data)
    if ms is None and ends:
        ms = round(max(ends) * 1000)
    return TranscribeResult(
        text=told.text,
        language=told.language_code,
        duration=None if ms is None else ms / 1000,
        words=tuple(Word(w.text, w.start or 0.0, w.end or 0.0) for w in words),
        segments=tuple(_segments(told.words)),
        usage=None if ms is None else Usage(audio_ms=ms, estimated=True),
    )


def _segments(words: list[_Word]) -> list[Segment]:
    """Words of one speaker, up to the end of a sentence."""
    made: list[Segment] = []
    names: dict[str, str] = {}
    run: list[_Word] = []
    for word in words:
        if run and word.speaker_id != run[0].speaker_id and word.type == "word":
            made.append(_segment(run, names))
            run = []
        if run or word.type == "word":
            run.append(word)
        if word.text.endswith((".", "?", "!")):
            made.append(_segment(run, names))
            run = []
    return [*made, _segment(run, names)] if run else made


def _segment(run: list[_Word], names: dict[str, str]) -> Segment:
    """Speakers are lettered in the order they begin, as OpenAI does."""
    who = run[0].speaker_id
    if who:
        names.setdefault(who, chr(ord("A") + len(names) % 26))
    ends = [w.end for w in run if w.end is not None]
    text = "".join(w.text for w in run).strip()
    start = run[0].start or 0.0
    return Segment(text, start, max(ends, default=start), names.get(who or "", ""))


def _where(entry: dict[str, Any]) -> str:
    where = entry.get("loc")
    return ".".join(map(str, where)) + ": " if isinstance(where, list) else ""


UPSTREAM: Final = ElevenLabs()
