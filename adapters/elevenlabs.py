"""ElevenLabs: words spoken and speech written down.

Source: elevenlabs.io/docs/api-reference (text to speech, streaming; speech to text),
2026-11. Voices are ids; names of OpenAI's mean nobody there.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Raw

from adapters import phrases, signing, sound
from adapters.contract import (
    Call,
    Headers,
    Operation,
    Result,
    Target,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.errors import Garbled, Unsupported, UpstreamError
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
from adapters.retry_after import retry_after

VOICE: Final = "21m00Tcm4TlvDq8ikWAM"
"""Who speaks where the client names nobody known: the voice of their own examples."""
_FORMATS: Final = {
    "": "mp3_44100_128",
    "mp3": "mp3_44100_128",
    "opus": "opus_48000_128",
    "pcm": "pcm_24000",
    "wav": "wav_24000",
}
_BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


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


class ElevenLabs:
    """The half that speaks to the provider; there is no other."""

    dialect = "elevenlabs"
    operations = frozenset({Operation.speech, Operation.transcribe})

    def speaks(self, dialect: str) -> bool:
        """No client's dialect."""
        return dialect == self.dialect

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
        except _BROKEN as error:
            text = f"no transcript: {error}"
            raise Garbled(text, body=response.body[:2000]) from error
        if not isinstance(call, TranscribeCall):
            raise Garbled("the answer holds no sound", body=response.body[:2000])
        return _result(told, call)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        message, code = _said(response.body)
        kind = phrases.classify(response.status, message, code, "")
        return kind(
            message or f"ElevenLabs answered {response.status}",
            status=response.status,
            code=code or None,
            retry_after=retry_after(response.headers, response.status, message),
            body=response.body,
        )

    def parse_stream(self, call: Call) -> sound.SoundDecoder:
        """A decoder for speech: transcripts come whole."""
        if not isinstance(call, SpeechCall):
            raise TypeError("transcripts are not streamed")
        return sound.SoundDecoder(call)


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
    _strict(dropped, target)
    body: dict[str, object] = {"text": call.input, "model_id": target.model}
    if call.speed is not None:
        body["voice_settings"] = {"speed": call.speed}
    path = f"text-to-speech/{quote(voice, safe='')}/stream?output_format={format}"
    head = _head(target, path, ((b"content-type", b"application/json"),))
    return WireRequest(head, msgspec.json.encode(body), (), tuple(dropped))


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
    _strict(dropped, target)
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
    head = _head(target, "speech-to-text", ())
    lines = (multipart.content_type(mark),)
    return WireRequest(head, body, lines, tuple(dropped), boundary=mark)


def _head(target: Target, path: str, kind: Headers) -> WireHead:
    head = target.heads.get(path)
    if head is None:
        lines = signing.headers(kind, signing.auth_headers(target), target.headers)
        head = WireHead("POST", f"{target.base_url}/{path}", lines)
        if len(target.heads) < 64:  # clients may name any voice
            target.heads[path] = head
    return head


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


def _said(body: bytes) -> tuple[str, str]:
    """Message and code of an error: `detail` is a text, an object, or a list."""
    try:
        found = _detail.decode(_wrong.decode(body).detail)
    except _BROKEN:
        return body[:2000].decode(errors="replace"), ""
    if isinstance(found, str):
        return found, ""
    if isinstance(found, _Detail):
        return found.message or found.status, found.status
    told = [f"{_where(e)}{e.get('msg', '')}" for e in found[:5]]
    return "; ".join(told), "invalid_request"


def _where(entry: dict[str, Any]) -> str:
    where = entry.get("loc")
    return ".".join(map(str, where)) + ": " if isinstance(where, list) else ""


def _strict(dropped: list[str], target: Target) -> None:
    if dropped and target.strict:
        raise Unsupported(f"ElevenLabs cannot be asked for {dropped[0]}", dropped[0])


UPSTREAM: Final = ElevenLabs()
