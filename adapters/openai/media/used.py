"""`usage` of media <-> `Usage`.

OpenAI bills pictures and new speech models by tokens of two kinds, Whisper by the
second; vendors that copy its API tell tokens under the names of chat (Groq, Mistral,
the latter seconds too), or nothing.
"""

from typing import Any

from adapters.normal.usage import Usage

Json = dict[str, Any]


def read(found: Any, *, images: int = 0, characters: int = 0) -> Usage | None:
    """Counts as told, with the pieces that the answer itself shows; `None`: nothing is
    told and nothing shows."""
    told = found if isinstance(found, dict) else {}
    source = _of(told, "input_tokens_details") or _of(told, "input_token_details")
    source = source or _of(told, "prompt_tokens_details")
    made = _of(told, "output_tokens_details") or _of(told, "completion_tokens_details")
    input = _count(told, "input_tokens") or _count(told, "prompt_tokens")
    output = _count(told, "output_tokens") or _count(told, "completion_tokens")
    audio, picture = _count(source, "audio_tokens"), _count(source, "image_tokens")
    ms = _ms(told.get("seconds", told.get("prompt_audio_seconds")))
    missing = _count(told, "total_tokens") - input - output
    if missing > 0 and (missing == audio or (ms and not audio)):
        # Mistral leaves the sound out of the prompt.
        audio, input = missing, input + missing
    drawn = _count(made, "image_tokens")
    if images and output and not made:
        drawn = output
    usage = Usage(
        input=input,
        output=output,
        cached=_count(source, "cached_tokens"),
        audio_input=audio,
        audio_output=_count(made, "audio_tokens"),
        image_input=picture,
        image_output=drawn,
        images=images,
        audio_ms=ms,
        characters=characters,
    )
    return usage if usage != _NOTHING else None


def tokens(usage: Usage) -> Json:
    """Of pictures."""
    words = max(usage.output - usage.image_output, 0)
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "image_tokens": usage.image_input,
            "text_tokens": max(usage.input - usage.image_input, 0),
        },
        "output_tokens": usage.output,
        "output_tokens_details": {
            "image_tokens": usage.image_output,
            "text_tokens": words,
        },
        "total_tokens": usage.total,
    }


def of_speech(usage: Usage) -> Json:
    """Of speech, spoken or written down: tokens, or where there are none seconds."""
    if not usage.total and usage.audio_ms:
        return {"type": "duration", "seconds": usage.audio_ms / 1000}
    return {
        "type": "tokens",
        "input_tokens": usage.input,
        "input_token_details": {
            "text_tokens": max(usage.input - usage.audio_input, 0),
            "audio_tokens": usage.audio_input,
        },
        "output_tokens": usage.output,
        "total_tokens": usage.total,
    }


_NOTHING = Usage()


def _of(told: Json, name: str) -> Json:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _count(told: Json, name: str) -> int:
    found = told.get(name)
    return found if isinstance(found, int) and found > 0 else 0


def _ms(seconds: Any) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return 0
    return round(seconds * 1000) if 0 < seconds < 1e9 else 0
