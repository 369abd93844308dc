"""Media go the same way as chat: fallbacks, cooldowns, clients that leave, streams that
break."""

import json
from typing import Any, Final

import httpx
import openai
import pytest

from adapters.framing import multipart
from tests.faults.wire import Wire
from tests.flow.media.conftest import KEY, Scene
from tests.harness.clients import PATIENT
from tests.harness.upstream import chunk, cut, end, head, reset, stall, tell

PATIENT_S: Final = 30.0
SOUND: Final = {"content-type": "audio/mpeg"}
FORM, MARK = multipart.write(
    [
        multipart.Part(name="model", data=b"pair"),
        multipart.Part(name="prompt", data=b"x"),
        multipart.Part(name="file", filename="a.wav", data=b"RIFF" * 5000),
        multipart.Part(name="image", filename="a.png", data=b"PNG" * 5000),
    ]
)
PICTURES: Final = {"created": 1, "data": [{"b64_json": "AA=="}]}
JUDGED: Final = {
    "id": "m",
    "model": "m",
    "results": [{"flagged": False, "categories": {}, "category_scores": {}}],
}
CALLS: Final[dict[str, tuple[Any, Any]]] = {
    "images/generations": ({"model": "pair", "prompt": "x"}, PICTURES),
    "images/edits": (FORM, PICTURES),
    "images/variations": (FORM, PICTURES),
    "audio/speech": ({"model": "pair", "input": "x", "voice": "a"}, b"sound"),
    "audio/transcriptions": (FORM, {"text": "x"}),
    "audio/translations": (FORM, {"text": "x"}),
    "moderations": ({"model": "pair", "input": "x"}, JUDGED),
}


def ask(scene: Scene, path: str, body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}"}
    if isinstance(body, bytes):
        headers["content-type"] = f"multipart/form-data; boundary={MARK.decode()}"
        data = body
    else:
        headers["content-type"] = "application/json"
        data = json.dumps(body).encode()
    url = f"{scene.gateway.url}/v1/{path}"
    return httpx.post(url, content=data, headers=headers, **PATIENT)


@pytest.mark.parametrize("path", CALLS)
def test_another_deployment_answers_what_the_first_cannot(
    scene: Scene, path: str
) -> None:
    body, said = CALLS[path]
    name = f"pair-{list(CALLS).index(path)}"
    if isinstance(body, bytes):
        body = body.replace(b"pair", name.encode())
    else:
        body = {**body, "model": name}
    kind = SOUND if isinstance(said, bytes) else {}
    scene.up.on(f"/v1/{path}", tell(400, {"error": {"message": "no", "code": "x"}}))
    refused = ask(scene, path, body)
    assert refused.status_code == 400  # the call's own fault is nobody else's
    scene.up.on(f"/v1/{path}", tell(404, {"error": {"message": "no such model"}}))
    scene.spare.on(f"/v1/{path}", tell(200, said, kind))
    answer = ask(scene, path, body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-routeiq-provider"] == "spare"
    assert b"second" in scene.spare.requests[-1].body
    row = scene.gateway.record(answer.headers["x-routeiq-id"])
    assert row["attempts"][-1]["model"] == "second"
    # The first is left alone now: it does not know the model.
    before = len(scene.up.requests)
    assert ask(scene, path, body).status_code == 200
    assert len(scene.up.requests) == before


def test_a_limit_of_one_kind_is_told_as_for_chat(scene: Scene) -> None:
    limited = tell(429, {"error": {"message": "slow down"}}, {"retry-after": "7"})
    scene.up.on("/v1/audio/speech", limited)
    scene.spare.on("/v1/audio/speech", limited)
    with pytest.raises(openai.RateLimitError) as caught:
        scene.client.audio.speech.create(model="pair-7", voice="a", input="x")
    assert float(caught.value.response.headers["retry-after"]) >= 1
    assert caught.value.type == "rate_limit_error"


def test_an_error_under_a_200_is_an_error(scene: Scene) -> None:
    told = tell(200, {"error": {"message": "voice not found", "code": "x"}})
    scene.up.on("/v1/audio/speech", told)
    with pytest.raises(openai.APIStatusError, match="voice not found"):
        scene.client.audio.speech.create(model="alias", voice="a", input="x")
    scene.up.on("/v1/audio/speech", head(200, SOUND) + end())
    with pytest.raises(openai.APIStatusError, match="no sound"):
        scene.client.audio.speech.create(model="alias", voice="a", input="x")
    scene.up.on("/v1/images/generations", tell(200, {"created": 1, "data": []}))
    with pytest.raises(openai.APIStatusError, match="no pictures"):
        scene.client.images.generate(model="alias", prompt="x")
    scene.up.on("/v1/audio/transcriptions", tell(200, {"texts": 1}))
    with pytest.raises(openai.APIStatusError, match="no transcript"):
        scene.client.audio.transcriptions.create(model="alias", file=b"RIFF")


def test_sound_that_breaks_off_does_not_look_whole(scene: Scene) -> None:
    whole = head(200, SOUND) + chunk(b"a" * 1000) + chunk(b"b" * 1000) + end()
    scene.up.on("/v1/audio/speech", cut(whole, 1200, reset()))
    url = f"{scene.gateway.url}/v1/audio/speech"
    body = {"model": "alias", "input": "hello", "voice": "a"}
    headers = {"authorization": f"Bearer {KEY}"}
    got = b""
    with httpx.stream("POST", url, json=body, headers=headers, **PATIENT) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            for piece in answer.iter_bytes():
                got += piece
    assert got.startswith(b"a" * 1000)
    row = scene.gateway.record(answer.headers["x-routeiq-id"])
    assert row["error"]
    assert row["tokens"] == {"characters": 5}


def test_a_transcript_that_breaks_off_ends_in_an_error(scene: Scene) -> None:
    delta = b'data: {"type":"transcript.text.delta","delta":"hel"}\n\n'
    script = head(200, {"content-type": "text/event-stream"}) + chunk(delta) + end()
    scene.up.on("/v1/audio/transcriptions", script)
    stream = scene.client.audio.transcriptions.create(
        model="alias", file=("a.wav", b"RIFF"), stream=True
    )
    got = []
    with pytest.raises(openai.APIError, match="ended before"):
        for event in stream:
            got.append(event.type)
    assert got == ["transcript.text.delta"]


def test_a_listener_who_leaves_ends_the_speech(scene: Scene) -> None:
    script = head(200, SOUND) + chunk(b"a" * 1000) + stall()
    scene.up.on("/v1/audio/speech", script)
    with scene.client.audio.speech.with_streaming_response.create(
        model="alias", voice="a", input="hello"
    ) as spoken:
        assert next(iter(spoken.iter_bytes())) == b"a" * 1000
    number = scene.asked.connection
    assert scene.up.until(lambda: number in scene.up.closed_at, PATIENT_S)
    row = scene.row()
    assert (row["status"], row["error"]) == (499, "client_hung_up")
    assert row["tokens"] == {"characters": 5}


def test_who_leaves_while_it_is_heard_frees_the_provider(scene: Scene) -> None:
    scene.up.on("/v1/audio/transcriptions", stall())
    gone = len(_left(scene))
    before = len(scene.up.requests)
    with Wire(scene.gateway.port) as wire:
        wire.send(_upload(FORM.replace(b"pair", b"alias")))
        assert scene.up.until(lambda: len(scene.up.requests) > before, PATIENT_S)
    number = scene.asked.connection
    assert scene.up.until(lambda: number in scene.up.closed_at, PATIENT_S)
    assert scene.up.until(lambda: len(_left(scene)) > gone, PATIENT_S)
    row = _left(scene)[-1]
    assert row["cost_nano"] is None  # nobody knows what was heard


def test_an_upload_that_is_given_up_asks_nobody(scene: Scene) -> None:
    before, gone = len(scene.up.requests), len(_left(scene))
    body = FORM.replace(b"pair", b"alias")
    with Wire(scene.gateway.port) as wire:
        wire.send(_upload(body)[: -len(body) // 2])
    assert scene.up.until(lambda: len(_left(scene)) > gone, PATIENT_S)
    assert len(scene.up.requests) == before


def _left(scene: Scene) -> list[dict[str, Any]]:
    """Records of transcripts that nobody waited for."""
    rows = scene.gateway.records(1000, within_s=0.01)
    route = "/v1/audio/transcriptions"
    return [r for r in rows if r["status"] == 499 and r["route"] == route]


def _upload(body: bytes) -> bytes:
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"authorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n"
        f"content-type: multipart/form-data; boundary={MARK.decode()}\r\n\r\n"
    )
    return head.encode() + body
