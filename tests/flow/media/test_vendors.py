"""OpenAI's SDK for media through the gateway to vendors with grammars of their own."""

import base64
import io
import json
import wave
from typing import Any, Final

import openai
import pytest

from adapters.framing import multipart
from tests.flow.media.conftest import UPSTREAM_KEY, Scene
from tests.harness.upstream import chunk, end, events, head, tell
from tests.shared import cassettes, needs_shared

PNG: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
WAV: Final = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(16)
GEMINI: Final = "/v1beta/models/"
TOKENS: Final = {
    "promptTokenCount": 7,
    "candidatesTokenCount": 1290,
    "totalTokenCount": 1297,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
}


def answer(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts)}
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    return {"candidates": [{**candidate, **more}], "usageMetadata": TOKENS}


def inline(kind: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": kind, "data": data}}


def test_imagen_draws(scene: Scene) -> None:
    made = {
        "predictions": [
            {"bytesBase64Encoded": PNG, "mimeType": "image/png", "prompt": "a fat cat"},
            {"raiFilteredReason": "one was filtered"},
        ]
    }
    scene.up.on(f"{GEMINI}imagen-4.0-generate-001:predict", tell(200, made))
    raw = scene.client.images.with_raw_response.generate(
        model="imagen", prompt="a cat", n=2, size="1792x1024", quality="hd", user="u"
    )
    assert raw.headers["x-routeiq-dropped"] == "quality, user"
    pictures = raw.parse()
    assert pictures.data is not None
    assert [(p.b64_json, p.revised_prompt) for p in pictures.data] == [
        (PNG, "a fat cat")
    ]
    assert pictures.created > 1_700_000_000
    assert scene.asked.headers["x-goog-api-key"] == UPSTREAM_KEY
    assert scene.asked.json() == {
        "instances": [{"prompt": "a cat"}],
        "parameters": {
            "sampleCount": 2,
            "includeRaiReason": True,
            "aspectRatio": "16:9",
        },
    }
    assert scene.row()["tokens"] == {"images": 1}


def test_imagen_says_what_it_filtered(scene: Scene) -> None:
    made = {"predictions": [{"raiFilteredReason": "too violent"}]}
    scene.up.on(f"{GEMINI}imagen-4.0-generate-001:predict", tell(200, made))
    with pytest.raises(openai.BadRequestError, match="too violent") as caught:
        scene.client.images.generate(model="imagen", prompt="a fight")
    assert caught.value.code == "content_filter"


@needs_shared
def test_recorded_answers_of_imagen(scene: Scene) -> None:
    paths = cassettes("google_predict")
    assert paths
    for path in paths:
        recorded = json.loads(path.read_text())["response"]["body"]
        scene.up.on(f"{GEMINI}imagen-4.0-generate-001:predict", tell(200, recorded))
        got = scene.client.images.generate(model="imagen", prompt="x", n=4).data
        there = [
            p.get("bytesBase64Encoded") or p.get("gcsUri")
            for p in recorded["predictions"]
            if "raiFilteredReason" not in p and "mimeType" in p
        ]
        assert [p.b64_json or p.url for p in got or ()] == there, path.name


def test_gemini_draws_and_edits(scene: Scene) -> None:
    verb = f"{GEMINI}gemini-2.5-flash-image:generateContent"
    scene.up.on(verb, tell(200, answer({"text": "Here"}, inline("image/png", PNG))))
    edited = scene.client.images.edit(
        model="drawer",
        prompt="redder",
        image=("a.png", b"\x89PNG", "image/png"),
        size="1024x1536",
    )
    assert edited.data is not None
    assert edited.data[0].b64_json == PNG
    assert edited.usage is not None
    assert edited.usage.output_tokens == 1290
    assert scene.asked.json() == {
        "contents": [
            {
                "role": "user",
                "parts": [{"text": "redder"}, inline("image/png", "iVBORw==")],
            }
        ],
        "generationConfig": {
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "2:3"},
        },
    }
    row = scene.row()
    assert row["tokens"]["images"] == 1
    assert row["tokens"]["image_output"] == 1290
    got = list(
        scene.client.images.generate(model="drawer", prompt="a cat", stream=True)
    )
    assert [(e.type, e.b64_json) for e in got] == [("image_generation.completed", PNG)]


@pytest.mark.parametrize(
    ("model", "more", "word"),
    [
        ("drawer", {"n": 2}, "one picture"),
        ("imagen", {"n": 5}, "at most 4"),
        ("imagen", {"size": "big"}, "no width"),
    ],
)
def test_what_google_cannot_draw(
    scene: Scene, model: str, more: Any, word: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=word):
        scene.client.images.generate(model=model, prompt="x", **more)


def test_words_where_a_picture_should_be(scene: Scene) -> None:
    verb = f"{GEMINI}gemini-2.5-flash-image:generateContent"
    scene.up.on(verb, tell(200, answer({"text": "I would rather not"})))
    with pytest.raises(openai.APIStatusError, match="I would rather not"):
        scene.client.images.generate(model="drawer", prompt="x")


@pytest.mark.parametrize("format", ["wav", "pcm", None])
def test_gemini_speaks(scene: Scene, format: str | None) -> None:
    verb = f"{GEMINI}gemini-2.5-flash-preview-tts:generateContent"
    samples = bytes(range(200))
    part = inline("audio/L16;codec=pcm;rate=24000", base64.b64encode(samples).decode())
    scene.up.on(verb, tell(200, answer(part)))
    asked: dict[str, Any] = {} if format is None else {"response_format": format}
    spoken = scene.client.audio.speech.create(
        model="speaker",
        voice="Puck" if format == "pcm" else "alloy",
        input="hello",
        instructions="cheerfully",
        **asked,
    )
    heads = spoken.response.headers
    if format == "pcm":
        assert heads["content-type"] == "audio/pcm"
        assert spoken.content == samples
        assert "x-routeiq-dropped" not in heads
    else:
        assert heads["content-type"] == "audio/wav"
        assert heads["x-routeiq-dropped"] == "voice"
        with wave.open(io.BytesIO(spoken.content)) as sound:
            assert sound.getframerate() == 24_000
            assert sound.readframes(1000) == samples
    body = scene.asked.json()
    assert body["contents"][0]["parts"] == [{"text": "cheerfully:\nhello"}]
    config = body["generationConfig"]
    assert config["responseModalities"] == ["AUDIO"]
    voice = config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]
    assert voice == ("Puck" if format == "pcm" else "Kore")
    with pytest.raises(openai.BadRequestError, match="wav and pcm"):
        scene.client.audio.speech.create(
            model="speaker", voice="Puck", input="x", response_format="mp3"
        )


def test_gemini_listens(scene: Scene) -> None:
    said = answer({"text": "Hello there.\n"})
    scene.up.on(f"{GEMINI}gemini-2.5-flash:generateContent", tell(200, said))
    listen = scene.client.audio.transcriptions.create
    file = ("a.wav", WAV, "audio/wav")
    assert listen(model="listener", file=file, language="en").text == "Hello there."
    text, data = scene.asked.json()["contents"][0]["parts"]
    assert "word for word" in text["text"]
    assert "The language is en." in text["text"]
    assert data == inline("audio/wav", base64.b64encode(WAV).decode())
    written = listen(model="listener", file=file, response_format="text")
    assert written == "Hello there.\n"
    translate = scene.client.audio.translations.create
    assert translate(model="listener", file=file).text == "Hello there."
    assert "English" in scene.asked.json()["contents"][0]["parts"][0]["text"]
    pieces = [answer({"text": "Hello "}), answer({"text": "there."})]
    del pieces[0]["candidates"][0]["finishReason"]
    stream = [f"data: {json.dumps(p)}\r\n\r\n".encode() for p in pieces]
    scene.up.on(f"{GEMINI}gemini-2.5-flash:streamGenerateContent", events(stream))
    told = list(listen(model="listener", file=file, stream=True))
    assert [e.type for e in told] == [
        "transcript.text.delta",
        "transcript.text.delta",
        "transcript.text.done",
    ]
    assert told[-1].text == "Hello there."  # type: ignore[union-attr]
    with pytest.raises(openai.BadRequestError, match="without times"):
        listen(model="listener", file=file, response_format="srt")


@needs_shared
def test_deepgram_as_recorded(scene: Scene) -> None:
    found = [json.loads(p.read_text()) for p in cassettes("audio_vendor")]
    assert len(found) == 4
    for recorded in found:
        request, response = recorded["request"], recorded["response"]
        target = request["url"].removeprefix("https://api.deepgram.com")
        path, _, query = target.partition("?")
        if path == "/v1/speak":
            sound = base64.b64decode(response["body_base64"])
            kind = {"content-type": "audio/mpeg"}
            scene.up.on(path, tell(200, sound, kind))
            spoken = scene.client.audio.speech.create(
                model="aura", voice="thalia", input=request["body"]["text"]
            )
            assert spoken.content == sound
            assert spoken.response.headers["content-type"] == "audio/mpeg"
            assert scene.asked.query == query
            assert scene.asked.json() == request["body"]
            continue
        scene.up.on(path, tell(200, response["body"]))
        audio = base64.b64decode(request["body_base64"])
        diarized = "diarize" in query
        heard = scene.client.audio.transcriptions.create(
            model="nova",
            file=("speech.wav", audio, "audio/wav"),
            language="en",
            response_format="diarized_json" if diarized else "verbose_json",
            timestamp_granularities=["word"],
        )
        assert scene.asked.body == audio
        assert scene.asked.headers["content-type"] == "audio/wav"
        assert "model=nova-3-general" in scene.asked.query
        assert ("diarize=true" in scene.asked.query) == diarized
        words = "Ruby is a programming language designed for developer happiness."
        assert heard.text == words
        assert [s.text for s in heard.segments or ()] == [words]
        assert heard.duration == pytest.approx(3.6999376)
        assert scene.row()["tokens"] == {"audio_ms": 3700}
    assert scene.asked.headers["authorization"] == f"Token {UPSTREAM_KEY}"


def test_deepgram_is_told_what_the_configuration_sets(scene: Scene) -> None:
    body = {
        "metadata": {"duration": 2.0},
        "results": {
            "channels": [{"alternatives": [{"transcript": "hello you"}]}],
            "utterances": [
                {"start": 0, "end": 1.5, "transcript": "hello", "speaker": 0},
                {"start": 1.5, "end": 2, "transcript": "you", "speaker": 1},
            ],
        },
    }
    scene.up.on("/v1/listen", tell(200, body))
    raw = scene.client.audio.transcriptions.with_raw_response.create(
        model="nova-set", file=("a.mp3", b"ID3"), response_format="vtt", prompt="x"
    )
    assert raw.text.count(" --> ") == 2
    assert raw.headers["x-routeiq-dropped"] == "prompt"
    asked = set(scene.asked.query.split("&"))
    assert {"redact=pci", "detect_language=true"} <= asked
    assert "utterances=true" not in asked
    assert scene.asked.headers["content-type"] == "audio/mpeg"
    diarized = scene.client.audio.transcriptions.create(
        model="nova", file=("a.mp3", b"ID3"), response_format="diarized_json"
    )
    assert [s.speaker for s in diarized.segments] == ["A", "B"]


@pytest.mark.parametrize(
    ("status", "body", "told", "word"),
    [
        (401, {"err_code": "INVALID_AUTH", "err_msg": "bad key"}, 502, "credential"),
        (400, {"category": "bad", "message": "text is empty"}, 400, "text is empty"),
        (429, {"err_code": "TOO_MANY_REQUESTS", "err_msg": "slow"}, 429, "slow"),
    ],
)
def test_deepgrams_errors(
    scene: Scene, status: int, body: Any, told: int, word: str
) -> None:
    scene.up.on("/v1/speak", tell(status, body))
    with pytest.raises(openai.APIStatusError, match=word) as caught:
        scene.client.audio.speech.create(model="aura", voice="thalia", input="x")
    assert caught.value.status_code == told


def test_elevenlabs_speaks(scene: Scene) -> None:
    script = head(200, {"content-type": "audio/mpeg"}) + chunk(b"ID3") + chunk(b"x")
    path = "/v1/text-to-speech/voice 1/stream"
    scene.up.on(path, script + end())
    spoken = scene.client.audio.speech.create(
        model="reader", voice="voice 1", input="hello", speed=1.1
    )
    assert spoken.content == b"ID3x"
    assert scene.asked.query == "output_format=mp3_44100_128"
    assert scene.asked.headers["xi-api-key"] == UPSTREAM_KEY
    assert scene.asked.json() == {
        "text": "hello",
        "model_id": "eleven_flash_v2_5",
        "voice_settings": {"speed": 1.1},
    }
    assert scene.row()["tokens"] == {"characters": 5}
    wrong = {"detail": {"status": "voice_not_found", "message": "no such voice"}}
    scene.up.on(path, tell(404, wrong))
    with pytest.raises(openai.APIStatusError, match="no such voice"):
        scene.client.audio.speech.create(model="reader", voice="voice 1", input="x")
    listed = {"detail": [{"loc": ["body", "text"], "msg": "too long"}]}
    scene.up.on(path, tell(422, listed))
    with pytest.raises(openai.APIStatusError, match=r"body\.text: too long"):
        scene.client.audio.speech.create(model="reader", voice="voice 1", input="x")


def test_elevenlabs_listens(scene: Scene) -> None:
    words = [
        {"text": "Hi.", "type": "word", "start": 0.1, "end": 0.4, "speaker_id": "s9"},
        {"text": " ", "type": "spacing", "start": 0.4, "end": 0.5, "speaker_id": "s9"},
        {"text": "Hello", "type": "word", "start": 0.5, "end": 1, "speaker_id": "s1"},
        {"text": " ", "type": "spacing", "start": 1, "end": 1.1, "speaker_id": "s1"},
        {"text": "you", "type": "word", "start": 1.1, "end": 1.5, "speaker_id": "s1"},
    ]
    body = {"language_code": "eng", "text": "Hi. Hello you", "words": words}
    scene.up.on("/v1/speech-to-text", tell(200, body))
    heard = scene.client.audio.transcriptions.create(
        model="scribe", file=("a.ogg", b"OggS"), response_format="diarized_json"
    )
    assert [(s.speaker, s.text, s.start, s.end) for s in heard.segments] == [
        ("A", "Hi.", 0.1, 0.4),
        ("B", "Hello you", 0.5, 1.5),
    ]
    kind = scene.asked.headers["content-type"].encode()
    form = multipart.read(scene.asked.body, multipart.boundary(kind))
    fields = {p.name: bytes(p.data) for p in form}
    assert fields["model_id"] == b"scribe_v1"
    assert fields["diarize"] == b"true"
    assert fields["file"] == b"OggS"
    row = scene.row()
    assert row["tokens"] == {"audio_ms": 1500, "estimated": True}
    with pytest.raises(openai.BadRequestError) as caught:
        scene.client.audio.translations.create(model="scribe", file=("a", b"OggS"))
    assert caught.value.code == "unsupported_operation"


def test_stability_draws(scene: Scene) -> None:
    place = "/v2beta/stable-image/generate"
    drawn = {"image": PNG, "finish_reason": "SUCCESS", "seed": 7}
    scene.up.on(f"{place}/ultra", tell(200, drawn))
    raw = scene.client.images.with_raw_response.generate(
        model="ultra",
        prompt="a cat",
        size="1792x1024",
        output_format="webp",
        quality="hd",
        partial_images=2,
        extra_body={"seed": 7, "negative_prompt": "dogs"},
    )
    assert raw.headers["x-routeiq-dropped"] == "quality, partial_images"
    (picture,) = raw.parse().data or ()
    assert picture.b64_json == PNG
    assert scene.asked.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert scene.asked.headers["accept"] == "application/json"
    kind = scene.asked.headers["content-type"].encode()
    form = multipart.read(scene.asked.body, multipart.boundary(kind))
    assert {p.name: p.text() for p in form} == {
        "prompt": "a cat",
        "output_format": "webp",
        "aspect_ratio": "16:9",
        "seed": "7",
        "negative_prompt": "dogs",
    }
    assert scene.row()["tokens"] == {"images": 1}
    scene.up.on(f"{place}/sd3", tell(200, drawn))
    scene.client.images.generate(model="sd", prompt="a cat")
    assert b"sd3.5-large" in scene.asked.body
    filtered = {"image": "", "finish_reason": "CONTENT_FILTERED", "seed": 1}
    scene.up.on(f"{place}/sd3", tell(200, filtered))
    with pytest.raises(openai.BadRequestError, match="filter"):
        scene.client.images.generate(model="sd", prompt="a fight")
    wrong = {"id": "1", "name": "bad_request", "errors": ["prompt: too long"]}
    scene.up.on(f"{place}/sd3", tell(400, wrong))
    with pytest.raises(openai.BadRequestError, match="prompt: too long"):
        scene.client.images.generate(model="sd", prompt="x")
    with pytest.raises(openai.BadRequestError, match="one picture"):
        scene.client.images.generate(model="sd", prompt="x", n=2)
