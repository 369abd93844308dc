"""`routeiq routing estimate`: traffic with scores through a running gateway, then what
others would have been worth, said from its records alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.provider import CHAT, ENV, call, command, deployment, whole
from tests.harness.clients import PATIENT
from tests.harness.gateway import gateway
from tests.harness.upstream import Upstream

TRUTH = {"good": 0.9, "poor": 0.3}
PRICES = {"good": {"input": 10, "output": 40}, "poor": {"input": 0.1, "output": 0.4}}
ROUNDS = 90
STRATEGIES: dict[str, Any] = {
    "slice": {"kind": "explore", "options": {"of": "ordered", "share": 0.6}},
    "watched": {
        "kind": "experiment",
        "options": {"arms": {"slice": 1}, "shadows": ["cheapest"]},
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("estimate")
    with Upstream() as up:
        up.on(None, whole())
        places = [deployment(up, name, price=PRICES[name]) for name in TRUTH]
        sure = [{**place, "id": f"sure-{place['id']}"} for place in places]
        config = {
            "models": {
                "open": {"strategy": "watched", "deployments": places},
                "sure": {"strategy": "ordered", "deployments": sure},
            },
            "routing": {"strategies": STRATEGIES},
            "demo": False,
        }
        with (
            gateway(config, folder, env=ENV) as running,
            httpx.Client(base_url=running.url, **PATIENT) as client,
        ):
            for i in range(ROUNDS):
                for model in ("open", "sure") if i < 20 else ("open",):
                    answer = client.post(CHAT, json=call(model))
                    served = answer.headers["x-routeiq-deployment"]
                    score = TRUTH[served.removeprefix("sure-")]
                    said = {"id": answer.headers["x-routeiq-id"], "score": score}
                    told = client.post("/v1/feedback", json=said)
                    assert told.status_code == 201, told.text
        yield folder


def _estimated(folder: Path, *more: str) -> dict[tuple[str, str], dict[str, Any]]:
    words = ("routing", "estimate", "--config", "routeiq.yaml", "--json", *more)
    done = command(folder, *words, **ENV)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["estimates"]
    return {(one["model"], one["target"]): one for one in told}


def test_what_others_would_have_been_worth_is_told(folder: Path) -> None:
    told = _estimated(folder, "--least", "10")
    for target, truth in (
        ("always good", 0.9),
        ("always poor", 0.3),
        ("strategy cheapest", 0.3),
    ):
        found = told["open", target]
        assert found["verdict"] == "enough"
        for way in ("snips", "doubly_robust"):
            assert found["quality"][way]["mean"] == pytest.approx(truth, abs=0.02)
        ips = found["quality"]["ips"]
        assert ips["low"] - 0.2 <= truth <= ips["high"] + 0.2
        assert 10 <= found["effective_rows"] < ROUNDS
    dear = told["open", "always good"]["cost_usd"]["mean"]
    assert dear > 20 * told["open", "strategy cheapest"]["cost_usd"]["mean"]
    served = told["open", "what was recorded"]
    assert served["effective_rows"] == served["rows"] == ROUNDS


def test_nothing_is_concluded_from_too_few_or_from_what_was_never_tried(
    folder: Path,
) -> None:
    told = _estimated(folder, "--least", "80")
    assert told["open", "strategy cheapest"]["verdict"] == "too_few_rows"
    assert told["open", "what was recorded"]["verdict"] == "enough"
    assert told["sure", "always sure-poor"]["verdict"] == "no_support"


def test_people_are_told_in_words(folder: Path) -> None:
    words = ("routing", "estimate", "--config", "routeiq.yaml", "--model", "open")
    done = command(folder, *words, "--least", "80", **ENV)
    assert done.returncode == 0, done.stderr
    assert "strategy cheapest" in done.stdout
    assert "nothing: too few rows" in done.stdout
    assert "sure" not in done.stdout
    nobody = command(folder, *words[:-1], "nobody", **ENV)
    assert nobody.returncode == 1
    assert "was scored" in nobody.stderr
