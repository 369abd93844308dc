"""Pictures that are submitted and asked for until they are ready (Black Forest Labs),
and those of fal, for OpenAI's SDK through the gateway."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import openai
import pytest

from tests.flow.media.conftest import UPSTREAM_KEY, Scene
from tests.harness.upstream import Request, Script, tell

PNG: Final = b"\x89PNG\r\n\x1a\n"
DATA: Final = base64.b64encode(PNG).decode()
SAMPLE: Final = "https://delivery.example/a.jpeg?signature=x"
Json = dict[str, Any]


def later(scene: Scene, *answers: Any, at: str = "") -> Callable[[Request], Script]:
    """Submitted, and then answered one after the other."""
    left = list(answers)
    url = at or f"{scene.up.url}/v1/get_result?id=t1"

    def script(request: Request) -> Script:
        if request.method == "POST":
            return tell(200, {"id": "t1", "polling_url": url})
        assert request.headers["x-key"] == UPSTREAM_KEY
        status, told = left.pop(0)
        return tell(status, {"id": "t1", **told})

    return script


def on(scene: Scene, model: str, *answers: Any, at: str = "") -> None:
    script = later(scene, *answers, at=at)
    scene.up.on(f"/v1/{model}", script)
    scene.up.on("/v1/get_result", script)


def asked(scene: Scene, path: str) -> list[Request]:
    return [r for r in scene.up.requests if r.path == path]


PENDING: Final = (200, {"status": "Pending", "result": None, "progress": 0.5})
READY: Final = (200, {"status": "Ready", "result": {"sample": SAMPLE, "seed": 1}})


def test_a_picture_is_asked_for_until_it_is_ready(scene: Scene) -> None:
    on(scene, "flux-2-pro", PENDING, (503, {}), READY)
    before = len(asked(scene, "/v1/get_result"))
    raw = scene.client.images.with_raw_response.generate(
        model="flux",
        prompt="a cat",
        size="1024x768",
        quality="high",
        output_format="jpeg",
        extra_body={"seed": 7},
    )
    assert raw.headers["x-routeiq-dropped"] == "quality"
    (picture,) = raw.parse().data or ()
    assert picture.url == SAMPLE
    submitted = asked(scene, "/v1/flux-2-pro")[-1]
    assert submitted.headers["x-key"] == UPSTREAM_KEY
    size = {"width": 1024, "height": 768}
    said = {"prompt": "a cat", "output_format": "jpeg", "seed": 7, **size}
    assert submitted.json() == said
    assert len(asked(scene, "/v1/get_result")) - before == 3
    row = scene.row()
    assert row["tokens"] == {"images": 1}
    assert len(row["attempts"]) == 1


def test_a_picture_is_edited(scene: Scene) -> None:
    on(scene, "flux-kontext-pro", READY)
    scene.client.images.edit(
        model="kontext", prompt="redder", image=("a.png", PNG, "image/png")
    )
    said = asked(scene, "/v1/flux-kontext-pro")[-1].json()
    assert said == {"prompt": "redder", "input_image": DATA}
    with pytest.raises(openai.BadRequestError, match="mask"):
        scene.client.images.edit(
            model="kontext", prompt="x", image=("a.png", PNG), mask=("m.png", PNG)
        )


def test_a_streamed_picture_comes_when_it_is_ready(scene: Scene) -> None:
    on(scene, "flux-2-pro", PENDING, READY)
    events = list(
        scene.client.images.generate(model="flux", prompt="a cat", stream=True)
    )
    assert [event.type for event in events] == ["image_generation.completed"]


def test_what_was_moderated_is_told(scene: Scene) -> None:
    on(scene, "flux-2-pro", (200, {"status": "Content Moderated", "result": None}))
    with pytest.raises(openai.BadRequestError, match="Content Moderated") as caught:
        scene.client.images.generate(model="flux", prompt="a fight")
    assert caught.value.code == "content_filter"


def test_a_picture_that_never_comes_is_late(scene: Scene) -> None:
    on(scene, "flux-2-pro", *[PENDING] * 9)
    with pytest.raises(openai.APIStatusError) as caught:
        scene.client.images.generate(model="flux-in-a-hurry", prompt="a cat")
    assert caught.value.status_code == 504


@pytest.mark.parametrize(
    "place",
    [
        "https://api.bfl.ai.evil.example/v1/get_result",
        "http://169.254.169.254/latest/meta-data",
        "https://api.bfl.ai/v1/get_result",
    ],
)
def test_no_key_is_shown_at_a_stranger_s_address(scene: Scene, place: str) -> None:
    on(scene, "flux-2-pro", READY, at=place)
    with pytest.raises(openai.APIStatusError, match="stranger") as caught:
        scene.client.images.generate(model="flux", prompt="a cat")
    assert caught.value.status_code == 502


def test_fal_draws(scene: Scene) -> None:
    made: Json = {
        "images": [
            {"url": "https://v3.fal.media/a.png", "content_type": "image/png"},
            {"url": "https://v3.fal.media/black.png"},
        ],
        "has_nsfw_concepts": [False, True],
    }
    scene.up.on("/fal-ai/flux/dev", tell(200, made))
    raw = scene.client.images.with_raw_response.generate(
        model="fal-flux",
        prompt="a cat",
        n=2,
        size="1024x768",
        user="u",
        extra_body={"num_inference_steps": 30},
    )
    assert raw.headers["x-routeiq-dropped"] == "user"
    assert [p.url for p in raw.parse().data or ()] == ["https://v3.fal.media/a.png"]
    assert scene.asked.headers["authorization"] == f"Key {UPSTREAM_KEY}"
    assert scene.asked.json() == {
        "prompt": "a cat",
        "num_images": 2,
        "image_size": {"width": 1024, "height": 768},
        "num_inference_steps": 30,
    }
    assert scene.row()["tokens"] == {"images": 2}


def test_fal_edits_and_answers_with_data(scene: Scene) -> None:
    url = f"data:image/png;base64,{DATA}"
    scene.up.on("/fal-ai/nano-banana/edit", tell(200, {"images": [{"url": url}]}))
    told = scene.client.images.edit(
        model="fal-edit",
        prompt="redder",
        image=("a.png", PNG, "image/png"),
        response_format="b64_json",
    )
    assert [p.b64_json for p in told.data or ()] == [DATA]
    said = {"prompt": "redder", "image_urls": [url], "sync_mode": True}
    assert scene.asked.json() == said


def test_fal_refuses_in_its_own_words(scene: Scene) -> None:
    where = {"loc": ["body", "prompt"], "msg": "The content could not be processed"}
    wrong = {"detail": [{**where, "type": "content_policy_violation"}]}
    scene.up.on("/fal-ai/flux/dev", tell(422, wrong))
    with pytest.raises(openai.BadRequestError, match="could not be processed") as no:
        scene.client.images.generate(model="fal-flux", prompt="a fight")
    assert no.value.code == "content_filter"
    scene.up.on("/fal-ai/flux/dev", tell(200, json.dumps({"seed": 1}).encode()))
    with pytest.raises(openai.APIStatusError) as garbled:
        scene.client.images.generate(model="fal-flux", prompt="a cat")
    assert garbled.value.status_code == 502
