"""Deepgram: speech written down (`/listen`) and words spoken (`/speak`).

Settings stand in the address, a file is the whole body. Source: developers.deepgram.com
(pre-recorded audio, text to speech); recordings of 2026-08.
"""

from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from adapters import kin, signing, sound
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
from adapters.errors import Garbled, Unsupported
from adapters.normal.audio import (
    Segment,
    SpeechCall,
    TranscribeCall,
    TranscribeResult,
    Word,
)
from adapters.normal.usage import Usage
from adapters.studio import BROKEN, Studio, text

_ENCODINGS: Final = {
    "": {"encoding": "mp3"},
    "mp3": {"encoding": "mp3"},
    "opus": {"encoding": "opus"},
    "aac": {"encoding": "aac"},
    "flac": {"encoding": "flac"},
    "wav": {"encoding": "linear16", "container": "wav"},
    "pcm": {"encoding": "linear16", "container": "none", "sample_rate": "24000"},
}
"""OpenAI's formats -> Deepgram's words."""


class _Word(msgspec.Struct, frozen=True):
    word: str = ""
    start: float = 0.0
    end: float = 0.0
    punctuated_word: str = ""
    speaker: int | None = None


class _Utterance(msgspec.Struct, frozen=True):
    transcript: str = ""
    start: float = 0.0
    end: float = 0.0
    speaker: int | None = None


class _Alternative(msgspec.Struct, frozen=True):
    transcript: str = ""
    words: list[_Word] = []


class _Channel(msgspec.Struct, frozen=True):
    alternatives: list[_Alternative] = []
    detected_language: str = ""


class _Results(msgspec.Struct, frozen=True):
    channels: list[_Channel]
    utterances: list[_Utterance] = []


class _Metadata(msgspec.Struct, frozen=True):
    request_id: str = ""
    duration: float = 0.0


class _Heard(msgspec.Struct, frozen=True):
    results: _Results
    metadata: _Metadata = _Metadata()


class _Wrong(msgspec.Struct, frozen=True):
    err_code: str = ""
    err_msg: str = ""
    category: str = ""
    message: str = ""
    details: str = ""


_heard = msgspec.json.Decoder(_Heard)
_wrong = msgspec.json.Decoder(_Wrong)


class Deepgram(Studio):
    """The half that speaks to the provider; there is no other."""

    dialect = "deepgram"
    title = "Deepgram"
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
                raise Unsupported("Deepgram speaks and listens only", "model")

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer."""
        try:
            told = _heard.decode(response.body)
        except BROKEN as error:
            why = f"no transcript: {error}"
            raise Garbled(why, body=response.body[:2000]) from error
        if not isinstance(call, TranscribeCall):
            raise Garbled("the answer holds no sound", body=response.body[:2000])
        return _result(told)

    def _said(self, body: bytes) -> tuple[str, str]:
        try:
            told = _wrong.decode(body)
        except BROKEN:
            return text(body), ""
        message = told.err_msg or told.message or told.details
        return message, told.err_code or told.category


def _speak(call: SpeechCall, target: Target) -> WireRequest:
    asked = _ENCODINGS.get(call.format)
    if asked is None:
        raise Unsupported(f"Deepgram makes no {call.format[:40]!r}", "response_format")
    dropped = list(call.extra)
    model, voice = target.model, call.voice.lower()
    if model in ("aura", "aura-2"):
        own = "thalia" if model == "aura-2" else "asteria"
        known = voice and voice not in sound.OPENAI_VOICES
        model = voice if voice.startswith(model) else f"{model}-{voice}-en"
        if not known:
            model = f"{target.model}-{own}-en"
    if voice and voice not in model:
        dropped.append("voice")
    for name, value in (("instructions", call.instructions), ("speed", call.speed)):
        if value not in ("", None, 1.0):
            dropped.append(name)
    named = kin.named(dropped, call.dialect, target)
    body = msgspec.json.encode({"text": call.input})
    head = _head(target, "speak", {"model": model, **asked}, signing.JSON)
    return WireRequest(head, body, (), named)


def _listen(call: TranscribeCall, target: Target) -> WireRequest:
    file = call.file
    kind = sound.media_type(file.media_type, file.name, file.data)
    asked = {"model": target.model, "smart_format": "true", "utterances": "true"}
    if call.language:
        asked["language"] = call.language
    else:
        asked["detect_language"] = "true"
    if call.format == "diarized_json" or call.speakers:
        asked["diarize"] = "true"
    dropped = list(call.extra)
    for name, value in (
        ("prompt", call.prompt),
        ("temperature", call.temperature),
        ("include", call.include),
        ("known_speaker_names", call.speakers),
        ("chunking_strategy", call.chunking),
    ):
        if value:
            dropped.append(name)
    named = kin.named(dropped, call.dialect, target)
    head = _head(target, "listen", asked, ())
    lines = ((b"content-type", kind.encode("latin-1", "replace")),)
    return WireRequest(head, bytes(file.data), lines, named)


def _head(target: Target, path: str, asked: dict[str, str], kind: Headers) -> WireHead:
    query = urlencode(sorted(asked.items()), quote_via=quote)
    return signing.head(target, f"{target.base_url}/{path}?{query}", kind)


def _result(told: _Heard) -> TranscribeResult:
    channels = told.results.channels
    first = channels[0] if channels else _Channel()
    best = first.alternatives[0] if first.alternatives else _Alternative()
    duration = told.metadata.duration
    return TranscribeResult(
        id=told.metadata.request_id,
        text=best.transcript,
        language=first.detected_language,
        duration=duration,
        segments=tuple(
            Segment(u.transcript, u.start, u.end, _who(u.speaker))
            for u in told.results.utterances
        ),
        words=tuple(
            Word(w.punctuated_word or w.word, w.start, w.end, _who(w.speaker))
            for w in best.words
        ),
        usage=Usage(audio_ms=round(duration * 1000)) if duration else None,
    )


def _who(speaker: int | None) -> str:
    """Letters, as OpenAI names speakers."""
    if speaker is None or not 0 <= speaker < 26:
        return "" if speaker is None else str(speaker)
    return chr(ord("A") + speaker)


UPSTREAM: Final = Deepgram()
