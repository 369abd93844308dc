"""Sound: words spoken by Gemini's TTS models, and speech written down by any of its
models that hear.

Source: ai.google.dev/gemini-api/docs/speech-generation and /audio. Speech comes as bare
samples, whole; a transcript is an answer like any other, asked for in words.
"""

import base64
import binascii
import re
from typing import Final

from adapters import sound
from adapters.contract import Target, WireResponse
from adapters.errors import Garbled, Unsupported
from adapters.gemini.wire import encode
from adapters.normal.audio import (
    SpeechCall,
    SpeechResult,
    TranscribeCall,
    TranscribeResult,
)
from adapters.normal.chat import ChatResult
from adapters.normal.content import Text

VOICE: Final = "Kore"
"""Who speaks where the client names a voice of OpenAI's."""
_FORMATS: Final = ("wav", "pcm")
_RATE: Final = re.compile(rb"rate=(\d{4,6})")
_ASKED: Final = {
    "transcribe": "Write down, word for word, what is said in this recording.",
    "translate_audio": "Translate into English what is said in this recording.",
}
_ALONE: Final = "Answer with the words alone, nothing before or after them."


def speech(call: SpeechCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body, and what it cannot say.

    Raises:
        Unsupported: an encoding of sound that it does not make, or, where the target is
            strict, anything left out.
    """
    if call.format and call.format not in _FORMATS:
        raise Unsupported("Gemini speaks wav and pcm", "response_format")
    dropped = list(call.extra)
    voice = call.voice
    if voice.lower() in sound.OPENAI_VOICES or not voice:
        dropped += ["voice"] if voice else []
        voice = VOICE
    if call.speed not in (None, 1.0):
        dropped.append("speed")
    _strict(dropped, target)
    words = f"{call.instructions}:\n{call.input}" if call.instructions else call.input
    named = {"prebuiltVoiceConfig": {"voiceName": voice}}
    body = {
        "contents": [{"role": "user", "parts": [{"text": words}]}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": named},
        },
    }
    return encode(body), tuple(dropped)


def spoken(
    result: ChatResult, call: SpeechCall, response: WireResponse
) -> SpeechResult:
    """The sound.

    Raises:
        UpstreamError: there is none.
    """
    data = [
        piece
        for choice in result.choices()
        for part in choice.parts
        if (piece := getattr(part, "data", ""))
    ]
    if not data:
        raise Garbled("the answer holds no sound", body=response.body[:2000])
    try:
        samples = b"".join(base64.b64decode(piece, validate=True) for piece in data)
    except binascii.Error as error:
        raise Garbled("the sound is not base64", body=response.body[:2000]) from error
    told = _RATE.search(response.body)
    rate = int(told[1]) if told else sound.RATE
    bare = call.format == "pcm"
    return SpeechResult(
        id=result.id,
        model=result.model,
        usage=result.usage,
        audio=samples if bare else sound.wav(samples, rate),
        media_type=sound.TYPES["pcm" if bare else "wav"],
    )


def transcript(call: TranscribeCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body, and what it cannot say.

    Raises:
        Unsupported: times or speakers are asked for; or, where the target is strict,
            anything is left out.
    """
    if call.format not in ("", "json", "text"):
        raise Unsupported(
            "Gemini writes down words, without times: json or text", "response_format"
        )
    dropped = list(call.extra)
    for name, value in (
        ("timestamp_granularities", call.granularities),
        ("include", call.include),
        ("chunking_strategy", call.chunking),
        ("known_speaker_names", call.speakers),
    ):
        if value:
            dropped.append(name)
    _strict(dropped, target)
    asked = [_ASKED[call.operation], _ALONE]
    if call.language:
        asked.append(f"The language is {call.language}.")
    if call.prompt:
        asked.append(f"What was said before, or words to expect: {call.prompt}")
    file = call.file
    kind = sound.media_type(file.media_type, file.name, file.data)
    data = base64.b64encode(file.data).decode()
    parts = [
        {"text": " ".join(asked)},
        {"inlineData": {"mimeType": kind, "data": data}},
    ]
    body: dict[str, object] = {"contents": [{"role": "user", "parts": parts}]}
    if call.temperature is not None:
        body["generationConfig"] = {"temperature": call.temperature}
    return encode(body), tuple(dropped)


def heard(result: ChatResult) -> TranscribeResult:
    """What was said."""
    words = "".join(
        part.text
        for choice in result.choices()
        for part in choice.parts
        if isinstance(part, Text)
    )
    return TranscribeResult(
        id=result.id, model=result.model, usage=result.usage, text=words.strip()
    )


def _strict(dropped: list[str], target: Target) -> None:
    if dropped and target.strict:
        raise Unsupported(f"gemini has no word for {dropped[0]}", dropped[0])
