"""OpenAI's SDK through the gateway to a provider that speaks OpenAI: what was asked goes
on byte for byte but for the model, what is answered comes back the same."""

import base64
import json
from typing import Any

import openai
import pytest

from adapters.framing import multipart
from tests.flow.media.conftest import UPSTREAM_KEY, Scene
from tests.harness.upstream import chunk, end, events, head, tell

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()
USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"image_tokens": 40, "text_tokens": 10},
    "output_tokens": 272,
    "total_tokens": 322,
}
PICTURES = {"created": 1713833628, "data": [{"b64_json": PNG}], "usage": USAGE}
SOUND = bytes(range(256)) * 300
WAV = b"RIFF\xff\xff\xff\xffWAVEfmt \r\n--x\r\n" + bytes(range(256)) * 20


def parts(body: bytes, kind: str) -> list[tuple[str, str | None, str, bytes]]:
    found = multipart.read(body, multipart.boundary(kind.encode()))
    return [(p.name, p.filename, p.content_type, bytes(p.data)) for p in found]


def same_form(scene: Scene, asked: str = "alias", model: str = "real-model") -> None:
    """The form that reached the provider is the client's but for the model."""
    request = scene.asked
    kind = request.headers["content-type"]
    assert parts(request.body, kind) == [
        (n, f, t, model.encode() if n == "model" else d)
        for n, f, t, d in parts(scene.sent[-1], kind)
    ]
    assert len(request.body) - len(scene.sent[-1]) == len(model) - len(asked)
    assert request.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"


def test_pictures_are_made(scene: Scene) -> None:
    scene.up.on("/v1/images/generations", tell(200, PICTURES))
    made = scene.client.images.generate(
        model="alias", prompt="a cät", n=1, size="1024x1024", extra_body={"x": 1.50}
    )
    assert made.data is not None
    assert made.data[0].b64_json == PNG
    assert made.usage is not None
    assert made.usage.output_tokens == 272
    assert scene.asked.body == scene.sent[-1].replace(b'"alias"', b'"real-model"')
    row = scene.row()
    assert row["operation"] == "images_generate"
    assert row["tokens"] == {
        "input": 50,
        "output": 272,
        "image_input": 40,
        "image_output": 272,
        "images": 1,
    }
    # 50 in at $5 a million, 272 out at $40 a million, one picture at 4 cents.
    assert row["cost_nano"] == 50 * 5_000 + 272 * 40_000 + 40_000_000


def test_pictures_without_usage_cost_by_the_piece(scene: Scene) -> None:
    body = {"created": 1, "data": [{"url": "https://x/1"}, {"url": "https://x/2"}]}
    scene.up.on("/v1/images/generations", tell(200, body))
    scene.client.images.generate(model="alias", prompt="a cat", n=2)
    row = scene.row()
    assert (row["tokens"], row["cost_nano"]) == ({"images": 2}, 80_000_000)
    scene.client.images.generate(model="unpriced", prompt="a cat", n=2)
    assert scene.row()["cost_nano"] is None


def test_a_picture_is_watched_while_it_is_made(scene: Scene) -> None:
    common = {
        "b64_json": PNG,
        "background": "auto",
        "created_at": 1,
        "output_format": "png",
        "quality": "low",
        "size": "auto",
    }
    stream = [
        b"event: image_generation.partial_image\ndata: "
        + json.dumps(
            {
                "type": "image_generation.partial_image",
                **common,
                "partial_image_index": 0,
            }
        ).encode()
        + b"\n\n",
        b"event: image_generation.completed\ndata: "
        + json.dumps(
            {"type": "image_generation.completed", **common, "usage": USAGE}
        ).encode()
        + b"\n\n",
    ]
    scene.up.on("/v1/images/generations", events(stream))
    got = list(
        scene.client.images.generate(
            model="alias", prompt="a cat", stream=True, partial_images=1
        )
    )
    assert [e.type for e in got] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    with scene.client.images.with_streaming_response.generate(
        model="alias", prompt="a cat", stream=True
    ) as raw:
        assert b"".join(raw.iter_bytes()) == b"".join(stream)
    row = scene.row()
    assert row["stream"]
    assert row["tokens"]["images"] == 1
    assert row["tokens"]["output"] == 272


def test_a_large_picture_in_a_stream_arrives(scene: Scene) -> None:
    large = "A" * 6_000_000
    data = {"type": "image_generation.completed", "b64_json": large, "usage": USAGE}
    whole = b"data: " + json.dumps(data).encode() + b"\n\n"
    scene.up.on(
        "/v1/images/generations", events([whole[:3_000_000], whole[3_000_000:]])
    )
    with scene.client.images.with_streaming_response.generate(
        model="alias", prompt="a cat", stream=True
    ) as raw:
        assert b"".join(raw.iter_bytes()) == whole


def test_pictures_are_edited(scene: Scene) -> None:
    scene.up.on("/v1/images/edits", tell(200, PICTURES))
    png = base64.b64decode(PNG)
    scene.client.images.edit(
        model="alias",
        image=[("a.png", png, "image/png"), ("b.png", png * 40, "image/png")],
        mask=("m.png", b"\r\n--\r\n", "image/png"),
        prompt="grüner",
        n=2,
    )
    same_form(scene)
    row = scene.row()
    assert row["operation"] == "images_edit"
    told = json.loads(row["request"])
    assert ["prompt", "grüner"] in told
    assert ["mask", "m.png", "image/png", 6] in told
    assert "PNG" not in row["request"]


def test_pictures_are_edited_in_json(scene: Scene) -> None:
    scene.up.on("/v1/images/edits", tell(200, PICTURES))
    body = {
        "model": "alias",
        "prompt": "greener",
        "images": [{"image_url": f"data:image/png;base64,{PNG}"}, {"file_id": "f1"}],
    }
    scene.client.post("/images/edits", body=body, cast_to=object)
    assert scene.asked.json() == {**body, "model": "real-model"}


def test_pictures_are_varied(scene: Scene) -> None:
    scene.up.on("/v1/images/variations", tell(200, PICTURES))
    scene.client.images.create_variation(
        model="alias", image=("a.png", base64.b64decode(PNG)), n=2, size="256x256"
    )
    same_form(scene)


@pytest.mark.parametrize("format", ["mp3", "opus", "pcm"])
def test_words_are_spoken_as_they_come(scene: Scene, format: str) -> None:
    kind = {"mp3": "audio/mpeg", "opus": "audio/opus", "pcm": "audio/pcm"}[format]
    script = head(200, {"content-type": kind, "x-ratelimit-remaining-requests": "9"})
    # Sound may begin like JSON or a page.
    for piece in (b"{", b"<", SOUND, b"end"):
        script += chunk(piece)
    scene.up.on("/v1/audio/speech", script + end())
    with scene.client.audio.speech.with_streaming_response.create(
        model="alias", voice="alloy", input="Grüße", response_format=format
    ) as spoken:
        assert spoken.headers["content-type"] == kind
        assert spoken.headers["x-ratelimit-remaining-requests"] == "9"
        assert b"".join(spoken.iter_bytes()) == b"{<" + SOUND + b"end"
    assert scene.asked.body == scene.sent[-1].replace(b'"alias"', b'"real-model"')
    assert scene.asked.headers["accept"] == "*/*"
    row = scene.row()
    assert row["tokens"] == {"characters": 5}
    assert row["cost_nano"] == 5 * 15_000
    assert row["operation"] == "speech"
    assert "response" not in row


def test_sound_in_events(scene: Scene) -> None:
    audio = base64.b64encode(SOUND).decode()
    usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
    pieces = [
        b"data: "
        + json.dumps({"type": "speech.audio.delta", "audio": audio}).encode()
        + b"\n\n",
        b"data: "
        + json.dumps({"type": "speech.audio.done", "usage": usage}).encode()
        + b"\n\n",
    ]
    scene.up.on("/v1/audio/speech", events(pieces))
    got = scene.client.audio.speech.create(
        model="alias", voice="alloy", input="hi", stream_format="sse"
    )
    assert got.content == b"".join(pieces)
    row = scene.row()
    assert (row["tokens"]["input"], row["tokens"]["output"]) == (14, 101)


def test_speech_is_written_down(scene: Scene) -> None:
    body = {"text": "hello", "usage": {"type": "duration", "seconds": 30}}
    scene.up.on("/v1/audio/transcriptions", tell(200, body))
    heard = scene.client.audio.transcriptions.create(
        model="alias",
        file=("speech.wav", WAV, "audio/wav"),
        language="en",
        temperature=0.5,
        timestamp_granularities=["word", "segment"],
        include=["logprobs"],
    )
    assert heard.text == "hello"
    same_form(scene)
    row = scene.row()
    assert row["tokens"] == {"audio_ms": 30_000}
    assert row["cost_nano"] == 3_000_000  # half a minute at 0.6 cents
    assert row["operation"] == "transcribe"


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("text", "hello\n"),
        ("srt", "1\n00:00:00,000 --> 00:00:01,000\nhello\n\n"),
        ("vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"),
    ],
)
def test_transcripts_that_are_no_json(scene: Scene, format: str, body: str) -> None:
    kind = {"content-type": "text/plain; charset=utf-8"}
    scene.up.on("/v1/audio/transcriptions", tell(200, body, kind))
    raw = scene.client.audio.transcriptions.with_raw_response.create(
        model="alias", file=("speech.wav", WAV), response_format=format
    )
    assert raw.text == body
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("format", ["verbose_json", "diarized_json"])
def test_transcripts_in_detail(scene: Scene, format: str) -> None:
    segment = {
        "type": "transcript.text.segment",
        "id": "seg_0",
        "start": 0.0,
        "end": 3.5,
        "text": "hello",
        "speaker": "A",
    }
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": "english",
        "duration": 3.5,
        "text": "hello",
        "segments": [segment],
    }
    scene.up.on("/v1/audio/transcriptions", tell(200, body))
    raw = scene.client.audio.transcriptions.with_raw_response.create(
        model="alias", file=("speech.wav", WAV), response_format=format
    )
    assert json.loads(raw.text) == body
    assert scene.row()["tokens"] == {"audio_ms": 3500}


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("text", "hello you\n"),
        (
            "srt",
            "1\n00:00:00,000 --> 00:00:01,500\nhello\n\n"
            "2\n00:00:01,500 --> 01:00:02,000\nyou\n\n",
        ),
        (
            "vtt",
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nhello\n\n"
            "00:00:01.500 --> 01:00:02.000\nyou\n\n",
        ),
    ],
)
def test_json_where_text_was_asked_for_is_written_as_text(
    scene: Scene, format: str, expected: str
) -> None:
    body = {
        "text": "hello you",
        "segments": [
            {"start": 0, "end": 1.5, "text": " hello"},
            {"start": 1.5, "end": 3602, "text": " you"},
        ],
    }
    scene.up.on("/v1/audio/transcriptions", tell(200, body))
    raw = scene.client.audio.transcriptions.with_raw_response.create(
        model="alias", file=("speech.wav", WAV), response_format=format
    )
    assert raw.text == expected


def test_a_transcript_as_it_is_understood(scene: Scene) -> None:
    usage = {
        "type": "tokens",
        "input_tokens": 14,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
        "output_tokens": 3,
        "total_tokens": 17,
    }
    told = [
        {"type": "transcript.text.delta", "delta": "hel"},
        {"type": "transcript.text.delta", "delta": "lo"},
        {"type": "transcript.text.done", "text": "hello", "usage": usage},
    ]
    pieces = [f"data: {json.dumps(e)}\n\n".encode() for e in told]
    scene.up.on("/v1/audio/transcriptions", events([*pieces, b"data: [DONE]\n\n"]))
    got = list(
        scene.client.audio.transcriptions.create(
            model="alias", file=("speech.wav", WAV), stream=True
        )
    )
    assert [e.type for e in got] == [e["type"] for e in told]
    same_form(scene)
    assert scene.asked.headers["accept"] == "text/event-stream"
    row = scene.row()
    assert row["tokens"] == {"input": 14, "output": 3, "audio_input": 14}
    assert row["cost_nano"] == 14 * 6_000 + 3 * 40_000


@pytest.mark.parametrize("whole", ["json", "text"])
def test_a_whole_transcript_where_a_stream_was_asked_for(
    scene: Scene, whole: str
) -> None:
    """As Whisper does."""
    answer = tell(200, {"text": "hello"}) if whole == "json" else tell(200, "hello")
    scene.up.on("/v1/audio/transcriptions", answer)
    got = list(
        scene.client.audio.transcriptions.create(
            model="alias", file=("speech.wav", WAV), stream=True
        )
    )
    assert [e.type for e in got] == ["transcript.text.delta", "transcript.text.done"]
    assert got[-1].text == "hello"  # type: ignore[union-attr]


def test_speech_is_translated(scene: Scene) -> None:
    scene.up.on("/v1/audio/translations", tell(200, {"text": "hello"}))
    heard = scene.client.audio.translations.create(
        model="alias", file=("speech.wav", WAV), prompt="greeting"
    )
    assert heard.text == "hello"
    same_form(scene)
    assert scene.row()["operation"] == "translate_audio"


def test_texts_are_judged(scene: Scene) -> None:
    body = {
        "id": "modr-1",
        "model": "omni-moderation-latest",
        "results": [
            {
                "flagged": True,
                "categories": {"violence": True},
                "category_scores": {"violence": 0.91},
                "category_applied_input_types": {"violence": ["text"]},
            }
        ],
    }
    scene.up.on("/v1/moderations", tell(200, body))
    raw = scene.client.moderations.with_raw_response.create(
        model="alias", input=["I will", "hit"]
    )
    assert json.loads(raw.text) == body
    assert scene.asked.json() == {"model": "real-model", "input": ["I will", "hit"]}
    assert scene.row()["operation"] == "moderate"


def test_who_has_no_moderation_says_so(scene: Scene) -> None:
    for model in ("talker", "mute"):
        with pytest.raises(openai.BadRequestError) as caught:
            scene.client.moderations.create(model=model, input="hi")
        assert caught.value.code == "unsupported_operation"


def test_without_a_model_the_one_that_openai_takes_judges(scene: Scene) -> None:
    body = {"id": "m", "model": "m", "results": []}
    scene.up.on("/v1/moderations", tell(200, body))
    scene.client.moderations.create(input="hi")
    assert scene.asked.json() == {"input": "hi", "model": "omni-moderation-latest"}


def test_settings_of_a_deployment_reach_forms(scene: Scene) -> None:
    scene.up.on("/v1/audio/transcriptions", tell(200, {"text": "hello"}))
    raw = scene.client.audio.transcriptions.with_raw_response.create(
        model="set", file=("speech.wav", WAV), prompt="x", temperature=0.5
    )
    assert raw.headers["x-routeiq-dropped"] == "prompt"
    request = scene.asked
    got = parts(request.body, request.headers["content-type"])
    assert ("language", None, "", b"de") in got
    assert ("temperature", None, "", b"0.5") in got
    assert all(name != "prompt" for name, *_ in got)
    assert ("file", "speech.wav", "audio/x-wav", WAV) in got


@pytest.mark.parametrize(
    ("path", "body", "files", "told"),
    [
        ("images/generations", {"model": "alias"}, None, "prompt: missing"),
        ("images/generations", {"prompt": "x"}, None, "names no model"),
        ("images/generations", {"model": "alias", "prompt": 5}, None, "prompt:"),
        ("images/edits", {"model": "alias", "prompt": "x"}, None, "image: missing"),
        ("images/variations", {"model": "alias"}, None, "multipart/form-data"),
        ("audio/speech", {"model": "alias", "voice": "a"}, None, "input: missing"),
        ("audio/speech", {"model": "alias", "input": "a", "voice": 1}, None, "voice"),
        ("audio/transcriptions", {"model": "alias"}, None, "multipart/form-data"),
        ("audio/transcriptions", {"model": "alias"}, {"x": b"1"}, "file: missing"),
        (
            "audio/transcriptions",
            {"model": "alias", "response_format": "xml"},
            {"file": b"1"},
            "'xml' is none of json",
        ),
        (
            "audio/transcriptions",
            {"model": ["alias", "unpriced"]},
            {"file": b"1"},
            "model: it comes twice",
        ),
        (
            "audio/transcriptions",
            {"model": "alias", "temperature": "warm"},
            {"file": b"1"},
            "temperature: 'warm'",
        ),
        ("images/generations", {"model": "alias"}, {"x": b"1"}, "must be JSON"),
        ("moderations", {"model": "alias"}, None, "input: missing"),
        ("moderations", {"model": "alias", "input": [5]}, None, "input[0]"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    scene: Scene, path: str, body: Any, files: Any, told: str
) -> None:
    before = len(scene.up.requests)
    headers = {"authorization": f"Bearer {scene.client.api_key}"}
    kwargs = {"json": body} if files is None else {"files": files, "data": body}
    if files is None:
        answer = scene.gateway.post(f"/v1/{path}", body, headers=headers)
    else:
        answer = scene.gateway.post(f"/v1/{path}", headers=headers, **kwargs)
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]
    assert len(scene.up.requests) == before
