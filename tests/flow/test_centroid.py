"""`centroid` over three deployments with known prices and no configuration else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.provider import CHAT, ENV, deployment, whole
from tests.gateway.cli.test_routing import run
from tests.harness.clients import PATIENT
from tests.harness.gateway import gateway
from tests.harness.upstream import Upstream
from tests.routing import outcomes

EASY = "Which of these is a fruit?\nA. apple\nB. chair\nC. stone\nD. car"
PRICES = {"dear": (10, 40), "cheap": (0.1, 0.4), "middle": (1, 4)}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Centroids of one's own, where law needs a strong model and sums do not."""
    folder = tmp_path_factory.mktemp("centroids")
    data = outcomes.write(folder / "t.jsonl", 400)
    done = run("centroids", "--data", str(data), "--out", str(folder / "own.json"))
    assert done.returncode == 0, done.stderr
    return folder / "own.json"


@pytest.fixture(scope="module")
def client(
    own: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    def alias(strategy: str, **more: Any) -> dict[str, Any]:
        return {
            "strategy": strategy,
            "deployments": [
                deployment(
                    up,
                    place,
                    id=f"{strategy}-{place}",
                    price={"input": low, "output": high},
                    **more.get(place, {}),
                )
                for place, (low, high) in PRICES.items()
            ],
        }

    with Upstream() as up:
        up.on(None, whole())
        config = {
            "models": {
                "auto": alias("centroid", middle={"abilities": ["reasoning"]}),
                "own": alias("mine"),
            },
            "routing": {
                "strategies": {
                    "mine": {"kind": "centroid", "options": {"file": str(own)}}
                }
            },
        }
        folder = tmp_path_factory.mktemp("centroid")
        with (
            gateway(config, folder, env=ENV) as running,
            httpx.Client(base_url=running.url, **PATIENT) as client,
        ):
            yield client


def _by(client: httpx.Client, model: str, text: str, profile: str = "") -> str:
    asked = {"model": model, "messages": [{"role": "user", "content": text}]}
    headers = {"x-routeiq-profile": profile} if profile else {}
    answer = client.post(CHAT, json=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-routeiq-deployment"].rpartition("-")[2]


def test_profiles_really_differ(client: httpx.Client) -> None:
    assert _by(client, "auto", EASY, "free") == "cheap"
    assert _by(client, "auto", EASY, "premium") == "dear"
    assert _by(client, "auto", EASY, "reasoning") == "middle"


def test_a_prompt_gets_what_its_kind_needs(client: httpx.Client) -> None:
    law, sums = (f"200 {' '.join(outcomes.WORDS[kind])}?" for kind in ("law", "sums"))
    assert _by(client, "own", law) == "dear"
    assert _by(client, "own", sums) == _by(client, "own", sums, "eco") == "cheap"
    assert _by(client, "own", sums, "premium") == "dear"
    assert _by(client, "own", law, "free") == "cheap"


def test_explain_says_what_was_needed(client: httpx.Client) -> None:
    asked = {"model": "auto", "messages": [{"role": "user", "content": EASY}]}
    told = client.post("/v1/routing/explain", json=asked).json()
    assert "auto: need 0." in told["order"][0]["reason"]
