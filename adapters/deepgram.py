"""Deepgram: speech written down (`/listen`) and words spoken (`/speak`).

Settings stand in the address, a file is the whole body. Source: developers.deepgram.com
(pre-recorded audio, text to speech); recordings of 2026-08.
"""

from typing import Final
from urllib.parse import quote, urlencode

import msgspec

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
from adapters.normal.audio import (
    Segment,
    SpeechCall,
    TranscribeCall,
    TranscribeResult,
    Word,
)
from adapters.normal.usage import Usage
from adapters.retry_after import retry_after

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
_BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


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


class Deepgram:
    """The half that speaks to the provider; there is no other."""

    dialect = "deepgram"
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
                raise Unsupported("Deepgram speaks and listens only", "model")

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer."""
        try:
            told = _heard.decode(response.body)
        except _BROKEN as error:
            text = f"no transcript: {error}"
            raise Garbled(text, body=response.body[:2000]) from error
        if not isinstance(call, TranscribeCall):
            raise Garbled("the answer holds no sound", body=response.body[:2000])
        return _result(told)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        try:
            told = _wrong.decode(response.body)
        except _BROKEN:
            told = _Wrong(message=response.body[:2000].decode(errors="replace"))
        message = told.err_msg or told.message or told.details
        code = told.err_code or told.category
        kind = phrases.classify(response.status, message, code, "")
        return kind(
            message or f"Deepgram answered {response.status}",
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
    _strict(dropped, target)
    body = msgspec.json.encode({"text": call.input})
    head = _head(target, "speak", {"model": model, **asked}, b"application/json")
    return WireRequest(head, body, (), tuple(dropped))


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
    _strict(dropped, target)
    head = _head(target, "listen", asked, kind.encode("latin-1", "replace"))
    return WireRequest(head, bytes(file.data), (), tuple(dropped))


def _head(target: Target, path: str, asked: dict[str, str], kind: bytes) -> WireHead:
    query = urlencode(sorted(asked.items()), quote_via=quote)
    key = f"{path}?{query} {kind.decode('latin-1')}"
    head = target.heads.get(key)
    if head is None:
        lines: Headers = signing.headers(
            ((b"content-type", kind),), signing.auth_headers(target), target.headers
        )
        head = WireHead("POST", f"{target.base_url}/{path}?{query}", lines)
        if len(target.heads) < 64:  # clients may name any language and voice
            target.heads[key] = head
    return head


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


def _strict(dropped: list[str], target: Target) -> None:
    if dropped and target.strict:
        raise Unsupported(f"Deepgram cannot be asked for {dropped[0]}", dropped[0])


UPSTREAM: Final = Deepgram()
