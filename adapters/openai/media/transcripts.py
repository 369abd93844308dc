"""Speech written down, or translated: read from clients, asked of providers, answered.

Source: platform.openai.com/docs/api-reference/audio; openai-python 3.54.0. Seen in
recordings (2026): Mistral answers JSON whatever the format, without a duration.
"""

from typing import Any, Final, Literal

import msgspec

from adapters import sound
from adapters.contract import Hint, Medium, Operation, WireResponse
from adapters.errors import BadCall
from adapters.normal.audio import Segment, TranscribeCall, TranscribeResult, Word
from adapters.normal.usage import Usage
from adapters.openai import errors, mend, wire
from adapters.openai import fields as f
from adapters.openai.calls import forwarded
from adapters.openai.media import asked, used
from adapters.openai.media.events import Json

FORMATS: Final = ("json", "verbose_json", "text", "srt", "vtt", "diarized_json")
TEXTS: Final = frozenset({"text", "srt", "vtt"})
"""Formats that are no JSON."""
_TYPES: Final = {
    "text": b"text/plain; charset=utf-8",
    "srt": b"text/plain; charset=utf-8",
    "vtt": b"text/plain; charset=utf-8",
}
"""As OpenAI has them."""


def read_call(body: bytes, hint: Hint) -> TranscribeCall:
    """A call of one of the two.

    Raises:
        BadCall: not one; says where.
    """
    told = asked.read(body, hint, form=True, plain=False)
    files = told.files.get("file", ())
    if not files:
        raise BadCall("file: missing", "file")
    format = told.text("response_format")
    if format and format not in FORMATS:
        allowed = ", ".join(FORMATS)
        raise BadCall(
            f"response_format: {format[:40]!r} is none of {allowed}", "response_format"
        )
    translate = hint.operation is Operation.translate_audio
    operation: Literal["transcribe", "translate_audio"] = (
        "translate_audio" if translate else "transcribe"
    )
    return TranscribeCall(
        operation=operation,
        model=asked.model(told, hint),
        dialect=wire.TRANSCRIPTIONS,
        raw=body,
        boundary=told.boundary,
        stream=told.flag("stream"),
        file=files[0],
        language=told.text("language"),
        prompt=told.text("prompt"),
        format=format,
        temperature=told.number("temperature"),
        granularities=told.texts("timestamp_granularities"),
        include=told.texts("include"),
        speakers=told.texts("known_speaker_names"),
        samples=told.texts("known_speaker_references"),
        chunking=f.take_raw(told.top, "chunking_strategy"),
        user=told.text("user"),
        headers=forwarded(hint.headers),
        received=hint.received,
        extra=told.extra(),
    )


def parse(response: WireResponse, call: TranscribeCall) -> TranscribeResult:
    """What was said.

    Raises:
        UpstreamError: an error inside the 200, or no transcript.
    """
    body = response.body
    kind = response.header(b"content-type") or b""
    if call.format in TEXTS and (b"json" not in kind or body.lstrip()[:1] != b"{"):
        return _plain(body, kind, call)
    try:
        found = wire.value.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        found = mend.load(body)
        body = wire.encode(found)
    if error := errors.inside(found, body):
        raise error
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise errors.garbled("no transcript", body)
    result = _result(found, call)
    if call.format in TEXTS or not _fits(found, call.format):
        return result
    return msgspec.structs.replace(result, raw=body, dialect=wire.TRANSCRIPTIONS)


def _plain(body: bytes, kind: bytes, call: TranscribeCall) -> TranscribeResult:
    return TranscribeResult(
        model=call.model,
        text=body.decode("utf-8", "replace"),
        usage=length(call, None),
        raw=body,
        media_type=kind.decode("latin-1"),
        dialect=wire.TRANSCRIPTIONS,
    )


def length(call: TranscribeCall, seconds: float | None) -> Usage | None:
    """Sound listened to, where nobody counts: as the answer tells, or a WAV file."""
    if seconds:
        return Usage(audio_ms=round(seconds * 1000))
    ms = sound.wav_ms(call.file.data)
    return Usage(audio_ms=ms, estimated=True) if ms else None


def _fits(found: Json, format: str) -> bool:
    """Whether it has what OpenAI's type of that format demands."""
    if format == "verbose_json":
        return isinstance(found.get("language"), str) and _number(found, "duration")
    if format == "diarized_json":
        return isinstance(found.get("segments"), list) and _number(found, "duration")
    return True


def _number(found: Json, name: str) -> bool:
    return isinstance(found.get(name), int | float)


def _result(found: Json, call: TranscribeCall) -> TranscribeResult:
    duration = float(found["duration"]) if _number(found, "duration") else None
    language = found.get("language")
    model = found.get("model")
    segments = tuple(_segment(s) for s in _objects(found, "segments"))
    usage = used.read(found.get("usage"))
    if duration and usage is not None and not usage.audio_ms:
        usage = msgspec.structs.replace(usage, audio_ms=round(duration * 1000))
    return TranscribeResult(
        model=model if isinstance(model, str) else "",
        text=found["text"],
        language=language if isinstance(language, str) else "",
        duration=duration,
        segments=segments,
        words=tuple(_word(w) for w in _objects(found, "words")),
        usage=usage or length(call, duration),
    )


def _objects(found: Json, name: str) -> list[Json]:
    entries = found.get(name)
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def segment(found: Json) -> Segment:
    """A segment of any grammar that says start, end, text and speaker so."""
    return _segment(found)


def _segment(found: Json) -> Segment:
    return Segment(
        text=_text(found, "text"),
        start=_seconds(found, "start"),
        end=_seconds(found, "end"),
        speaker=_text(found, "speaker"),
        id=_text(found, "id"),
    )


def _word(found: Json) -> Word:
    return Word(_text(found, "word"), _seconds(found, "start"), _seconds(found, "end"))


def _text(found: Json, name: str) -> str:
    value = found.get(name)
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def _seconds(found: Json, name: str) -> float:
    value = found.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def write(result: TranscribeResult, call: TranscribeCall) -> bytes | Medium:
    """The answer; one that is OpenAI's already goes verbatim."""
    format = call.format or "json"
    if result.raw and result.dialect == wire.TRANSCRIPTIONS:
        if format in TEXTS:
            return Medium(result.raw, result.media_type.encode() or _TYPES[format])
        return result.raw
    if format in TEXTS:
        return Medium(_WRITERS[format](result).encode(), _TYPES[format])
    body: Json = {"text": result.text}
    if format != "json":
        body |= _detailed(result, call, speakers=format == "diarized_json")
    if result.usage is not None:
        counted = result.usage
        if format == "verbose_json" and counted.audio_ms:
            counted = Usage(audio_ms=counted.audio_ms)  # its type knows no tokens
        body["usage"] = used.of_speech(counted)
    return wire.encode(body)


def _detailed(
    result: TranscribeResult, call: TranscribeCall, *, speakers: bool
) -> Json:
    translate = call.operation == "translate_audio"
    ends = [s.end for s in result.segments] + [w.end for w in result.words]
    duration = result.duration
    body: Json = {
        "task": "translate" if translate else "transcribe",
        "duration": max(ends, default=0.0) if duration is None else duration,
        "segments": [
            _diarized(segment, at) if speakers else _verbose(segment, at)
            for at, segment in enumerate(result.segments)
        ],
    }
    if not speakers:
        body["language"] = result.language or call.language or "unknown"
    if result.words and not speakers:
        body["words"] = [
            {"word": w.word, "start": w.start, "end": w.end} for w in result.words
        ]
    return body


def _diarized(segment: Segment, at: int) -> Json:
    return {
        "type": "transcript.text.segment",
        "id": segment.id or f"seg_{at}",
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "speaker": segment.speaker or "A",
    }


def _verbose(segment: Segment, at: int) -> Json:
    """Whisper's own figures are what only Whisper has; its type demands them."""
    return {
        "id": at,
        "seek": 0,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "compression_ratio": 0.0,
        "no_speech_prob": 0.0,
    }


def _cues(result: TranscribeResult) -> list[Segment]:
    if result.segments:
        return list(result.segments)
    ends = [w.end for w in result.words]
    return [Segment(result.text, 0.0, result.duration or max(ends, default=0.0))]


def _srt(result: TranscribeResult) -> str:
    return "".join(
        f"{at}\n{_clock(s.start, ',')} --> {_clock(s.end, ',')}\n{s.text.strip()}\n\n"
        for at, s in enumerate(_cues(result), 1)
    )


def _vtt(result: TranscribeResult) -> str:
    return "WEBVTT\n\n" + "".join(
        f"{_clock(s.start, '.')} --> {_clock(s.end, '.')}\n{s.text.strip()}\n\n"
        for s in _cues(result)
    )


def _clock(seconds: float, point: str) -> str:
    ms = round(max(seconds, 0.0) * 1000)
    minutes, ms = divmod(ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}{point}{ms % 1000:03}"


def _text_of(result: TranscribeResult) -> str:
    return result.text.rstrip("\n") + "\n"


_WRITERS: Final[dict[str, Any]] = {"text": _text_of, "srt": _srt, "vtt": _vtt}
