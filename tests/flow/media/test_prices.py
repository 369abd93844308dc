"""What pictures cost, by the catalogue and by a deployment's own price."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream, tell

DOLLAR: Final = 1_000_000_000
MADE: Final = {"created": 1, "data": [{"url": "https://x/1"}, {"url": "https://x/2"}]}
TOKENS: Final = {
    "input_tokens": 10,
    "output_tokens": 100,
    "total_tokens": 110,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 100},
}


@pytest.fixture(scope="module")
def up() -> Iterator[Upstream]:
    with Upstream() as up:
        yield up


@pytest.fixture(scope="module")
def running(
    up: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    def deployment(model: str, **more: Any) -> dict[str, Any]:
        key = {"base_url": f"{up.url}/v1", "api_key": "env:UPSTREAM_KEY"}
        return {"deployments": [{"model": model, **key, **more}]}

    models = {
        "dall-e-2": deployment("openai/dall-e-2"),
        "dall-e-3": deployment("openai/dall-e-3"),
        "always-hd": deployment(
            "openai/dall-e-3", params={"quality": "hd"}, drop=["size"]
        ),
        "own": deployment("openai/x", price={"image": 1.0, "sizes": {"2x2": 4.0}}),
        "gpt-image": deployment("openai/gpt-image-1"),
        "flux": deployment("fal_ai/fal-ai/flux/dev"),
        "imagen": deployment("gemini/imagen-3.0-generate-001"),
        "stranger": deployment("openai/somebody-s-picture-model"),
    }
    up.on("/v1/images/generations", tell(200, MADE))
    images = {"images": [{"url": "https://x/1"}]}
    up.on("/v1/fal-ai/flux/dev", tell(200, images))
    drawn = {"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}
    place = "/v1/models/imagen-3.0-generate-001:predict"
    up.on(place, tell(200, {"predictions": [drawn]}))
    folder = tmp_path_factory.mktemp("prices")
    env = {"UPSTREAM_KEY": "sk-upstream-0123456789"}
    with gateway({"models": models}, folder, env=env) as running:
        yield running


def cost(running: Running, model: str, **more: Any) -> Any:
    body = {"model": model, "prompt": "a cat", **more}
    answer = running.post("/v1/images/generations", body)
    assert answer.status_code == 200, answer.text
    return running.record(answer.headers["x-routeiq-id"])["cost_nano"]


@pytest.mark.parametrize(
    ("model", "asked", "dollars"),
    [
        ("dall-e-3", {}, 0.04),
        ("dall-e-3", {"quality": "hd"}, 0.08),
        ("dall-e-3", {"quality": "hd", "size": "1024x1792"}, 0.12),
        ("dall-e-3", {"quality": "standard", "size": "1792x1024"}, 0.08),
        ("dall-e-2", {"size": "256x256"}, 0.016),
        ("dall-e-2", {"size": "auto"}, 0.02),
        ("own", {"size": "2x2"}, 4.0),
        ("own", {"size": "3x3"}, 1.0),
    ],
)
def test_a_picture_costs_by_quality_and_size(
    running: Running, model: str, asked: dict[str, Any], dollars: float
) -> None:
    assert cost(running, model, n=2, **asked) == round(2 * dollars * DOLLAR)


@pytest.mark.parametrize(
    ("model", "asked"),
    [("dall-e-3", {"size": "4096x4096"}), ("stranger", {}), ("gpt-image", {})],
)
def test_an_unknown_price_is_none(
    running: Running, model: str, asked: dict[str, Any]
) -> None:
    assert cost(running, model, **asked) is None


def test_what_a_deployment_sets_is_priced(running: Running) -> None:
    asked = {"size": "1792x1024"}
    assert cost(running, "always-hd", **asked) == round(2 * 0.08 * DOLLAR)


def test_pictures_of_other_vendors_cost_by_the_piece(running: Running) -> None:
    assert cost(running, "flux") == round(0.025 * DOLLAR)
    assert cost(running, "imagen") == round(0.04 * DOLLAR)


def test_gpt_image_costs_by_its_tokens(running: Running, up: Upstream) -> None:
    up.on("/v1/images/generations", tell(200, {**MADE, "usage": TOKENS}))
    assert cost(running, "gpt-image") == 10 * 5_000 + 100 * 40_000
