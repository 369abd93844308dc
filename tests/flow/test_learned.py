"""Strategies that decide by what was learned, seen from outside: who served, and why."""

import base64
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from routing.lab.table import read
from routing.lab.train import train
from routing.learned.signature import signer
from tests.flow.provider import CHAT
from tests.flow.routed import routed
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running
from tests.routing import outcomes
from tests.routing.outcomes import PROMPTS

KINDS = ("gbdt", "ridge", "knn", "logistic", "svm", "mlp", "mf", "ratings", "hybrid")
KEY = "hmac-sha256:" + base64.b64encode(b"f" * 32).decode()
SERVES = {"sums": "small", "code": "coder", "law": "large"}


def _train(folder: Path, out: str, seed: int = 0) -> Path:
    """Signed by KEY, of 400 made-up outcomes."""
    made = train(read(outcomes.write(folder / f"{out}.jsonl", 400, seed)))
    made.write(folder / out, signer(KEY))
    return folder / out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    (folder / "key").write_text(KEY)
    _train(folder, "router")
    shutil.copytree(folder / "router", folder / "watched")
    shutil.copytree(folder / "router", folder / "unsigned")
    (folder / "unsigned" / "manifest.sig").unlink()
    return folder


def _floor(of: str, **more: Any) -> dict[str, Any]:
    return {"kind": "floor", "options": {"of": of, **more}}


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    def options(artifact: str, **more: Any) -> dict[str, Any]:
        key = str(folder / "key")
        return {"artifact": str(folder / artifact), "key_file": key, **more}

    strategies: dict[str, Any] = {
        f"by-{kind}": {"kind": kind, "options": options("router")} for kind in KINDS
    }
    strategies["watching"] = {"kind": "gbdt", "options": options("watched")}
    strategies["refusing"] = {
        "kind": "gbdt",
        "options": options("unsigned", otherwise="ordered"),
    }
    strategies["likely"] = {
        "kind": "hybrid",
        "options": options("router", threshold=0.0),
    }
    strategies["able"] = _floor("by-gbdt")
    strategies["ablest"] = _floor("by-gbdt", least=0.999)
    strategies["untold"] = _floor("refusing", least=0.9)
    strategies["strict"] = _floor("refusing", strict=True)
    with routed(folder, strategies) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield client


def _call(model: str, text: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}]}


def _by(client: httpx.Client, model: str, text: str, **headers: str) -> str:
    answer = client.post(CHAT, json=_call(model, text), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-routeiq-deployment"].rpartition("/")[2]


def _why(client: httpx.Client, model: str, text: str) -> str:
    answer = client.post("/v1/routing/explain", json=_call(model, text))
    assert answer.status_code == 200, answer.text
    reason: str = answer.json()["order"][0]["reason"]
    return reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("domain", SERVES)
def test_the_cheapest_that_is_good_at_it_serves(
    client: httpx.Client, kind: str, domain: str
) -> None:
    enough = {"x-routeiq-quality": "0.95"}
    assert _by(client, f"by-{kind}", PROMPTS[domain], **enough) == SERVES[domain]
    assert "artifact " in _why(client, f"by-{kind}", PROMPTS[domain])


def test_the_client_says_how_good_is_enough(client: httpx.Client) -> None:
    poor = {"x-routeiq-profile": "premium"}
    assert _by(client, "by-gbdt", PROMPTS["law"], **poor) == "large"
    assert "100% of the best" in _why_with(client, "premium")
    assert "95% of the best" in _why_with(client, "eco")


def _why_with(client: httpx.Client, profile: str) -> str:
    answer = client.post(
        "/v1/routing/explain",
        json=_call("by-gbdt", PROMPTS["law"]),
        headers={"x-routeiq-profile": profile},
    )
    reason: str = answer.json()["order"][0]["reason"]
    return reason


def test_a_threshold_takes_the_cheapest_above_it(client: httpx.Client) -> None:
    assert _by(client, "likely", PROMPTS["law"]) == "small"
    assert "is enough" in _why(client, "likely", PROMPTS["law"])


def test_under_the_floor_of_a_prompt_nobody_serves(client: httpx.Client) -> None:
    # Any of them by chance, were it not for the floor.
    assert {_by(client, "able", PROMPTS["law"]) for _ in range(12)} == {"large"}
    assert {_by(client, "able", PROMPTS["sums"]) for _ in range(40)} == {
        "large",
        "small",
    }
    answer = client.post("/v1/routing/explain", json=_call("able", PROMPTS["law"]))
    out = {r["deployment"]: r["by"] for r in answer.json()["removed"]}
    assert set(out) == {"able/coder", "able/small"}
    assert all(why.startswith("strategy: quality 0.") for why in out.values()), out
    assert "at least 0." in _why(client, "able", PROMPTS["law"])


def test_a_client_can_only_raise_the_floor(client: httpx.Client) -> None:
    def served(quality: str) -> set[str]:
        wish = {"x-routeiq-quality": quality}
        return {_by(client, "able", PROMPTS["sums"], **wish) for _ in range(30)}

    assert served("0.1") == {"large", "small"}
    assert len(served("1.0")) == 1


def test_where_nobody_is_able_the_call_is_refused(client: httpx.Client) -> None:
    for model, why in (("ablest", ", under 0.999"), ("strict", "quality unknown")):
        answer = client.post(CHAT, json=_call(model, PROMPTS["law"]))
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["code"] == "no_deployment_allowed"
        assert why in answer.json()["error"]["message"]
    # Nothing is known, as no artifact is good: that alone keeps nobody away.
    assert _by(client, "untold", PROMPTS["law"]) in {"large", "coder", "small"}


def test_unlike_anything_learned_the_mean_of_all_decides(client: httpx.Client) -> None:
    assert "trust 0.00" in _why(client, "by-gbdt", "zzyzx qwop " * 30)


def test_what_is_not_signed_does_not_decide(
    client: httpx.Client, running: Running
) -> None:
    assert _by(client, "refusing", PROMPTS["sums"]) == "large"
    told = _why(client, "refusing", PROMPTS["sums"])
    assert "signature" in told
    assert "not signed" in told
    running.logged("artifact refused")


def test_a_newer_artifact_serves_and_a_damaged_one_does_not(
    client: httpx.Client, folder: Path, running: Running
) -> None:
    def settled(before: str) -> str:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if (now := _why(client, "watching", PROMPTS["code"])) != before:
                return now
            assert _by(client, "watching", PROMPTS["code"]) == "coder"
            time.sleep(0.2)
        return before

    first = _why(client, "watching", PROMPTS["code"])
    newer = _train(folder, "newer", seed=5)
    shutil.move(folder / "watched", folder / "old")
    shutil.move(newer, folder / "watched")
    second = settled(first)
    assert second.rpartition("artifact")[2] != first.rpartition("artifact")[2]
    manifest = folder / "watched" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-100])
    end = time.monotonic() + 20
    while "watched: the signature is another's" not in running.log:
        assert _why(client, "watching", PROMPTS["code"]) == second
        assert time.monotonic() < end
        time.sleep(0.2)
    assert _by(client, "watching", PROMPTS["code"]) == "coder"
