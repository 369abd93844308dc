"""Every trained kind is judged as it will decide, and taken out when it does not do
what was promised of it, whatever its kind."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from routing.lab.table import read
from routing.lab.train import train
from routing.learned.model import NAMES
from routing.learned.registry import Expected, Registry
from tests.flow.provider import CHAT, command
from tests.flow.routed import PATIENCE, routed
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running
from tests.routing import outcomes
from tests.routing.outcomes import PROMPTS

KINDS = tuple(name for name in NAMES if name != "domain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`router` has v1; so has the folder of each kind, where it was promoted."""
    folder = tmp_path_factory.mktemp("kinds")
    table = outcomes.write(folder / "learn.jsonl", 400, 0)
    outcomes.write(folder / "held.jsonl", 400, 9)
    train(read(table)).write(folder / "router" / "v1")
    for kind in KINDS:
        shutil.copytree(folder / "router", folder / kind)
        promised = {kind: Expected(quality=0.9, cost=1.0)}
        Registry(folder / kind).promote("v1", None, by=promised)
    return folder


def _config(folder: Path, **strategies: Any) -> str:
    name = f"{'-'.join(strategies)}.yaml"
    (folder / name).write_text(json.dumps({"routing": {"strategies": strategies}}))
    return name


def _promote(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    promote = ("routing", "promote", "router", "v1", "--data", "held.jsonl")
    done = command(folder, *promote, *words, "--json", OPENBLAS_NUM_THREADS="1")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_all_who_decide_by_a_version_are_judged(folder: Path) -> None:
    there = {"artifact": "router"}
    gain = {"kind": "hybrid", "options": {**there, "threshold": 0.0}}
    plain = {"kind": "gbdt", "options": {**there, "quality": 0.97}}
    watching = {"kind": "ridge", "options": {**there, "version": "newest"}}
    other = {"kind": "ridge", "options": {"artifact": "elsewhere"}}
    careless = _config(folder, plain=plain, gain=gain, watching=watching, other=other)
    code, told = _promote(folder, "--config", careless)
    # Whoever is cheapest, however bad, is not what was judged good.
    assert (code, told["promoted"]) == (1, False)
    assert told["judged"] == ["gbdt (97% of the best)", "hybrid (threshold 0)"]
    assert all(why.startswith("hybrid (threshold 0): ") for why in told["reasons"])
    assert any("quality floor" in why for why in told["reasons"])
    assert told["hybrid (threshold 0): cost"] < told["cost"]

    gain["options"]["threshold"] = 0.9
    careful = _config(folder, gain=gain, plain=plain)
    code, told = _promote(folder, "--config", careful)
    assert (code, told["promoted"], told["reasons"]) == (0, True, [])
    live = json.loads((folder / "router" / "live.json").read_bytes())
    assert set(live["by"]) == {"hybrid", "gbdt"}
    assert live["by"]["hybrid"] == live["expected"]
    assert live["by"]["hybrid"]["quality"] == pytest.approx(told["quality"])

    nobody = _config(folder, other=other)
    words = ("promote", "router", "v1", "--data", "held.jsonl", "--config", nobody)
    done = command(folder, "routing", *words)
    assert done.returncode == 1
    assert "has no strategy over router" in done.stderr


def test_kinds_are_named_one_by_one_too(folder: Path) -> None:
    Registry(folder / "router").rollback("again")
    kinds = ("--kind", "ridge", "--kind", "hybrid", "--threshold", "0.9")
    code, told = _promote(folder, *kinds)
    assert (code, told["promoted"]) == (0, True)
    assert told["judged"] == ["ridge (99% of the best)", "hybrid (threshold 0.9)"]


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    options = {**PATIENCE, "quality": 0.95}
    strategies: dict[str, Any] = {
        f"by-{kind}": {"kind": kind, "options": {"artifact": kind, **options}}
        for kind in KINDS
    }
    other = {"artifact": "svm", **options}
    strategies["unjudged"] = {"kind": "mlp", "options": other}
    with routed(folder, strategies) as running:
        yield running


def _told(client: httpx.Client, name: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/v1/routing/strategies/{name}").json()
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_out_of_its_band_every_kind_is_rolled_back(
    running: Running, folder: Path, kind: str
) -> None:
    name = f"by-{kind}"
    call = {"model": name, "messages": [{"role": "user", "content": PROMPTS["sums"]}]}
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        told = _told(client, name)
        assert (told["version"], told["watched"]) == ("v1", True)
        for i in range(200):
            answer = client.post(CHAT, json=call)
            served = answer.headers["x-routeiq-deployment"]
            if i == 0:
                assert served == f"{name}/small"
            said = {"id": answer.headers["x-routeiq-id"], "score": 0.0}
            assert client.post("/v1/feedback", json=said).status_code == 201
            if i > 30 and _told(client, name)["version"] is None:
                break
            time.sleep(0.02 * (i > 30))
        assert _told(client, name)["withdrawn"] == 1
        answer = client.post(CHAT, json=call)
        assert answer.headers["x-routeiq-deployment"] == f"{name}/large"
    event = Registry(folder / kind).history()[-1]
    assert (event.what, event.live.version) == ("rollback", "")
    assert "when 0.900 was expected" in event.why


def test_of_what_nobody_judged_nothing_is_expected(running: Running) -> None:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        told = _told(client, "unjudged")
    assert not told["watched"]
