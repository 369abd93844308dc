"""Pictures, sound and judgements of the echo family: real ones, plainly an echo's.

A picture is eight bars in the colours of its words, speech a tone for
each word, a transcript says what file was heard; moderation flags what it is told to:
`flag violence` flags violence.
"""

import base64
import hashlib
import math
import struct
import zlib
from functools import cache
from typing import Final

from adapters import sound
from adapters.contract import Call, Operation, Result
from adapters.echo import wire
from adapters.errors import Unsupported
from adapters.estimate import text as text_tokens
from adapters.normal.audio import (
    Segment,
    SpeechCall,
    SpeechResult,
    TranscribeCall,
    TranscribeResult,
    Word,
)
from adapters.normal.content import Text
from adapters.normal.image import ImageCall, ImageResult, Picture
from adapters.normal.moderate import Judgement, ModerateCall, ModerateResult
from adapters.normal.rerank import Ranked, RerankCall, RerankResult
from adapters.normal.usage import Usage

OPERATIONS: Final = frozenset(
    {
        Operation.images_generate,
        Operation.images_edit,
        Operation.images_vary,
        Operation.speech,
        Operation.transcribe,
        Operation.translate_audio,
        Operation.moderate,
        Operation.rerank,
    }
)
"""Answered whole, asked for a stream or not."""
MAX_PICTURES: Final = 10
MAX_WORDS: Final = 200
"""Words that are spoken."""
EDGE: Final = 64
"""Pixels of a picture's edge."""
WORD_S: Final = 0.12
CATEGORIES: Final = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""OpenAI's."""


def ask(call: Call, model: str) -> tuple[wire.Ask, tuple[str, ...]]:
    """The request, and what it has no notion of.

    Raises:
        Unsupported: more pictures than it makes, or a sound it cannot encode.
    """
    match call:
        case ImageCall():
            if (call.n or 1) > MAX_PICTURES:
                raise Unsupported(f"n is at most {MAX_PICTURES}", "n")
            return _image(call, model), tuple(call.extra)
        case SpeechCall():
            if call.format not in ("", "wav", "pcm"):
                raise Unsupported(
                    "the echo family speaks wav and pcm", "response_format"
                )
            asked = wire.Ask(
                operation=Operation.speech,
                model=model,
                inputs=(call.input,),
                form=call.format or "wav",
            )
            return asked, tuple(call.extra)
        case TranscribeCall():
            return _transcript(call, model), tuple(call.extra)
        case ModerateCall():
            texts = (p.text if isinstance(p, Text) else "" for p in call.inputs)
            inputs = (" ".join(texts),) if call.together else tuple(texts)
            asked = wire.Ask(operation=Operation.moderate, model=model, inputs=inputs)
            return asked, tuple(call.extra)
        case RerankCall():
            texts = (passage.text for passage in call.documents)
            inputs = (call.query, *texts)
            asked = wire.Ask(operation=Operation.rerank, model=model, inputs=inputs)
            return asked, tuple(call.extra)
        case _:
            raise Unsupported("the echo family has no such call", "operation")


def _image(call: ImageCall, model: str) -> wire.Ask:
    sources = "".join(f" [{f.name or f.url[:64] or f.file}]" for f in call.images)
    return wire.Ask(
        operation=Operation(call.operation),
        model=model,
        inputs=(call.prompt + sources,),
        n=call.n or 1,
    )


def _transcript(call: TranscribeCall, model: str) -> wire.Ask:
    file = call.file
    kind = sound.media_type(file.media_type, file.name, file.data)
    ms = sound.wav_ms(file.data)
    size = f"{len(file.data)} bytes"
    words = f"Echo heard {file.name or 'a file'}: {kind}, {size}"
    if ms is not None:
        words += f", {ms / 1000:.1f} seconds"
    return wire.Ask(
        operation=Operation(call.operation),
        model=model,
        inputs=(words + ".",),
        ms=1000 if ms is None else ms,
    )


def said(asked: wire.Ask, id: str) -> wire.Said:
    """The answer."""
    words = " ".join(entry for entry in asked.inputs if isinstance(entry, str))
    read = Usage(input=text_tokens(words))
    match asked.operation:
        case Operation.speech:
            samples = _tones(words)
            made = sound.wav(samples) if asked.form == "wav" else samples
            return wire.Said(model=asked.model, data=_base64(made), usage=read)
        case Operation.transcribe | Operation.translate_audio:
            used = Usage(output=text_tokens(words), audio_ms=asked.ms)
            return wire.Said(model=asked.model, text=words, ms=asked.ms, usage=used)
        case Operation.rerank:
            query, *texts = (str(entry) for entry in asked.inputs)
            scores = tuple(_alike(query, text) for text in texts)
            return wire.Said(model=asked.model, scores=scores, usage=read)
        case Operation.moderate:
            judgements = tuple(
                _judged(entry) for entry in asked.inputs if isinstance(entry, str)
            )
            return wire.Said(
                id=id, model=asked.model, judgements=judgements, usage=read
            )
        case _:
            pictures = tuple(
                Picture(
                    data=_base64(_png(f"{words} {at}")),
                    media_type="image/png",
                    revised_prompt=f"echo: {words}",
                )
                for at in range(asked.n)
            )
            return wire.Said(model=asked.model, pictures=pictures, usage=read)


def result(said: wire.Said, call: Call) -> Result:
    """The answer, in normal form."""
    match call:
        case ImageCall():
            return ImageResult(
                model=said.model,
                pictures=said.pictures,
                usage=said.usage,
                format="png",
            )
        case SpeechCall():
            return SpeechResult(
                model=said.model,
                audio=base64.b64decode(said.data),
                media_type=sound.TYPES[call.format or "wav"],
                usage=said.usage,
            )
        case TranscribeCall():
            seconds = said.ms / 1000
            words = said.text.split()
            step = seconds / max(len(words), 1)
            return TranscribeResult(
                model=said.model,
                text=said.text,
                language="en",
                duration=seconds,
                segments=(Segment(said.text, 0.0, seconds, "A"),),
                words=tuple(
                    Word(word, at * step, (at + 1) * step)
                    for at, word in enumerate(words)
                )
                if "word" in call.granularities
                else (),
                usage=said.usage,
            )
        case RerankCall():
            ranked = [Ranked(at, score) for at, score in enumerate(said.scores)]
            ranked.sort(key=lambda rank: -rank.score)
            best = tuple(ranked[: call.top_n])
            return RerankResult(model=said.model, ranked=best, usage=said.usage)
        case _:
            return ModerateResult(
                id=said.id,
                model=said.model,
                judgements=said.judgements,
                usage=said.usage,
            )


def _alike(query: str, text: str) -> float:
    """The share of the question's words that a text has."""
    asked = {*query.lower().split()}
    return len(asked.intersection(text.lower().split())) / max(len(asked), 1)


def _judged(text: str) -> Judgement:
    low = text.lower()
    found = {name: f"flag {name}" in low for name in CATEGORIES}
    return Judgement(
        any(found.values()),
        found,
        {name: 0.99 if held else 0.01 for name, held in found.items()},
        dict.fromkeys(CATEGORIES, ("text",)),
    )


def _tones(words: str) -> bytes:
    """A tone for each word, higher for longer ones."""
    spoken = words.split()[:MAX_WORDS] or [""]
    return b"".join(_tone(min(len(word), 12)) for word in spoken)


@cache
def _tone(height: int) -> bytes:
    count = int(sound.RATE * WORD_S)
    step = 2 * math.pi * (220 + 40 * height) / sound.RATE
    wave = (
        int(8000 * math.sin(step * at) * math.sin(math.pi * at / count))
        for at in range(count)
    )
    return struct.pack(f"<{count}h", *wave)


def _png(words: str) -> bytes:
    """Bars whose colours are the words' digest."""
    digest = hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=24).digest()
    line = b"\0" + b"".join(
        digest[at * 3 : at * 3 + 3] * (EDGE // 8) for at in range(8)
    )
    head = struct.pack(">IIBBBBB", EDGE, EDGE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(line * EDGE)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
