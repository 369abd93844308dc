"""The demo model draws, speaks, listens and judges: OpenAI's SDK, no provider at all."""

import asyncio
import base64
import io
import struct
import wave
import zlib
from typing import Any

import openai
import pytest

from tests.flow.media.conftest import Scene


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the rows of a PNG, every checksum checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, size, data = 8, (0, 0), b""
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", png, at + 8 + length)
        assert crc == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack_from(">II", body)
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    return *size, zlib.decompress(data)


def test_the_demo_draws(scene: Scene) -> None:
    made = scene.client.images.generate(model="demo", prompt="a cat", n=3)
    assert made.data is not None
    pictures = [base64.b64decode(p.b64_json or "") for p in made.data]
    assert len(set(pictures)) == 3
    width, height, rows = pixels(pictures[0])
    assert len(rows) == height * (1 + 3 * width)
    assert made.data[0].revised_prompt == "echo: a cat"
    assert made.created > 1_700_000_000

    file = ("cat.png", pictures[0], "image/png")
    edited = scene.client.images.edit(model="demo", image=[file, file], prompt="red")
    assert edited.data is not None
    assert edited.data[0].revised_prompt == "echo: red [cat.png] [cat.png]"
    varied = scene.client.images.create_variation(
        model="demo", image=file, response_format="url"
    )
    assert varied.data is not None
    assert (varied.data[0].url or "").startswith("data:image/png;base64,")

    events = list(scene.client.images.generate(model="demo", prompt="a", stream=True))
    assert [e.type for e in events] == ["image_generation.completed"]
    pixels(base64.b64decode(events[0].b64_json))


def test_the_demo_speaks_and_listens(scene: Scene) -> None:
    spoken = scene.client.audio.speech.create(
        model="demo", voice="alloy", input="one two three"
    )
    assert spoken.response.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(spoken.content)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    assert seconds == pytest.approx(0.36)

    listen = scene.client.audio.transcriptions.create
    file = ("voice.wav", spoken.content, "audio/wav")
    size = len(spoken.content)
    said = f"Echo heard voice.wav: audio/wav, {size} bytes, 0.4 seconds."
    assert listen(model="demo", file=file).text == said
    assert listen(model="demo", file=file, response_format="text") == said + "\n"
    vtt = listen(model="demo", file=file, response_format="vtt")
    assert vtt == f"WEBVTT\n\n00:00:00.000 --> 00:00:00.360\n{said}\n\n"
    verbose = listen(
        model="demo",
        file=file,
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert verbose.duration == pytest.approx(0.36)
    assert [w.word for w in verbose.words or ()] == said.split()
    assert verbose.usage is not None
    assert verbose.usage.type == "duration"
    diarized = listen(model="demo", file=file, response_format="diarized_json")
    assert [s.speaker for s in diarized.segments] == ["A"]
    told = list(listen(model="demo", file=file, stream=True))
    assert [e.type for e in told] == ["transcript.text.delta", "transcript.text.done"]
    who = list(
        listen(model="demo", file=file, stream=True, response_format="diarized_json")
    )
    assert who[1].type == "transcript.text.segment"
    translated = scene.client.audio.translations.create(model="demo", file=file)
    assert translated.text == said


def test_the_demo_speaks_wav_and_pcm_only(scene: Scene) -> None:
    with pytest.raises(openai.BadRequestError, match="wav and pcm"):
        scene.client.audio.speech.create(
            model="demo", voice="alloy", input="hi", response_format="mp3"
        )


def test_the_demo_judges(scene: Scene) -> None:
    judged = scene.client.moderations.create(
        model="demo", input=["please flag violence", "good morning"]
    )
    assert [r.flagged for r in judged.results] == [True, False]
    assert judged.results[0].categories.violence
    assert judged.results[0].category_scores.violence == 0.99
    assert not judged.results[0].categories.hate
    parts: list[Any] = [
        {"type": "text", "text": "flag hate"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    together = scene.client.moderations.create(model="demo", input=parts)
    assert [r.categories.hate for r in together.results] == [True]


def test_the_asynchronous_client_does_the_same(scene: Scene) -> None:
    async def go() -> None:
        async with scene.async_client() as client:
            made = await client.images.generate(model="demo", prompt="a cat")
            assert made.data is not None
            png = base64.b64decode(made.data[0].b64_json or "")
            file = ("a.png", png, "image/png")
            await client.images.edit(model="demo", image=file, prompt="x")
            await client.images.create_variation(model="demo", image=file)
            stream = await client.images.generate(model="demo", prompt="a", stream=True)
            assert [e.type async for e in stream] == ["image_generation.completed"]
            async with client.audio.speech.with_streaming_response.create(
                model="demo", voice="a", input="hi you", response_format="pcm"
            ) as spoken:
                sound = b"".join([piece async for piece in spoken.iter_bytes()])
            assert len(sound) == 2 * 2 * int(24_000 * 0.12)
            heard = await client.audio.transcriptions.create(
                model="demo", file=("a.pcm", sound)
            )
            assert heard.text.startswith("Echo heard a.pcm")
            events = await client.audio.transcriptions.create(
                model="demo", file=("a.pcm", sound), stream=True
            )
            assert [e.type async for e in events][-1] == "transcript.text.done"
            await client.audio.translations.create(model="demo", file=("a", sound))
            judged = await client.moderations.create(model="demo", input="hi")
            assert not judged.results[0].flagged

    asyncio.run(go())


def test_what_an_echo_costs_is_nothing(scene: Scene) -> None:
    scene.client.images.generate(model="demo", prompt="a cat")
    assert scene.row()["cost_nano"] == 0
