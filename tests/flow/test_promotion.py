"""Versions of a router: put in by evidence, taken out again, never half."""

import hashlib
import io
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from routing.lab.lines import read_lines, write_lines
from routing.lab.table import read
from routing.lab.train import train
from tests.flow.provider import CHAT, command
from tests.flow.routed import PATIENCE, routed
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running
from tests.routing import outcomes
from tests.routing.outcomes import PROMPTS

RULED = "large"
"""Who serves by the strategy that decides otherwise."""


def _flipped(path: Path) -> Path:
    """The same prompts, with every score turned round: what a poisoner would like."""
    lines = read_lines(path)
    for line in lines.lines:
        line.scores = [1.0 - (score or 0.0) for score in line.scores]
    out = path.with_name("flipped.jsonl")
    write_lines(out, lines.name, lines.models, lines.lines)
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`router` has v1, honest, and v2, learned from false votes; `good` is honest."""
    folder = tmp_path_factory.mktemp("promotion")
    table = outcomes.write(folder / "learn.jsonl", 400, 0)
    outcomes.write(folder / "held.jsonl", 400, 9)
    honest = train(read(table))
    honest.write(folder / "router" / "v1")
    honest.write(folder / "good")
    train(read(_flipped(table))).write(folder / "router" / "v2")
    shutil.copytree(folder / "good", folder / "watched")
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    def by(artifact: str, **more: Any) -> dict[str, Any]:
        return {"kind": "gbdt", "options": {**PATIENCE, "artifact": artifact, **more}}

    strategies = {
        "promoted": by("router"),
        "hurried": by("good", budget_ms=0.001),
        "watching": by("watched"),
        "unhurried": by("coming", poll_s=3600.0),
        "latest": by("router", version="newest"),
        "sided": {
            "kind": "experiment",
            "options": {"arms": {"ordered": 1}, "shadows": ["latest"]},
        },
    }
    with routed(folder, strategies) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield client


def _by(client: httpx.Client, model: str, kind: str) -> str:
    messages = [{"role": "user", "content": PROMPTS[kind]}]
    answer = client.post(CHAT, json={"model": model, "messages": messages})
    assert answer.status_code == 200, answer.text
    return answer.headers["x-routeiq-deployment"].rpartition("/")[2]


def _why(client: httpx.Client, model: str, kind: str = "sums") -> str:
    messages = [{"role": "user", "content": PROMPTS[kind]}]
    body = {"model": model, "messages": messages}
    answer = client.post("/v1/routing/explain", json=body)
    reason: str = answer.json()["order"][0]["reason"]
    return reason


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60  # traffic and loading share a busy machine
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def _routing(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = command(folder, "routing", *words, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_version_serves_once_evidence_lets_it_in(
    client: httpx.Client, folder: Path, running: Running
) -> None:
    assert _by(client, "promoted", "sums") == RULED
    assert "no version serves" in _why(client, "promoted")
    held = ("--data", "held.jsonl")
    code, told = _routing(folder, "promote", "router", "v1", *held)
    assert (code, told["promoted"], told["reasons"]) == (0, True, [])
    assert told["saved"] > 0.2
    assert told["gap_low"] > 0.0
    _until(lambda: _by(client, "promoted", "sums") == "small")
    assert "artifact " in _why(client, "promoted")

    # Learned from false votes: refused with the figures, in only by force.
    code, told = _routing(folder, "promote", "router", "v2", *held)
    assert (code, told["promoted"]) == (1, False)
    assert any("quality floor" in why for why in told["reasons"])
    assert told["relative_high"] < 0.95
    assert _by(client, "promoted", "sums") == "small"
    before = _why(client, "promoted")
    code, told = _routing(folder, "promote", "router", "v2", *held, "--force")
    assert (code, told["promoted"], told["passed"]) == (0, True, False)
    _until(lambda: _why(client, "promoted") != before)

    assert _routing(folder, "rollback", "router", "--why", "bad") == (0, {"live": "v1"})
    _until(lambda: _why(client, "promoted") == before)
    assert _routing(folder, "rollback", "router")[1] == {"live": ""}
    _until(lambda: _by(client, "promoted", "sums") == RULED)
    lines = (folder / "router" / "history.jsonl").read_text().splitlines()
    told_of = [json.loads(line) for line in lines]
    assert [(e["what"], e["live"]["version"]) for e in told_of] == [
        ("promote", "v1"),
        ("promote", "v2"),
        ("rollback", "v1"),
        ("rollback", ""),
    ]
    assert [e.get("forced", False) for e in told_of] == [False, True, False, False]


def test_rows_that_it_learned_from_prove_nothing(folder: Path) -> None:
    code, told = _routing(folder, "promote", "router", "v1", "--data", "learn.jsonl")
    assert code == 1
    assert "learned from" in told["reasons"][0]


def test_a_kind_that_nobody_trained_is_named(folder: Path) -> None:
    words = ("promote", "router", "v1", "--data", "held.jsonl", "--kind", "magic")
    done = command(folder, "routing", *words)
    assert done.returncode == 1
    assert "'magic'; kinds: " in done.stderr


def test_the_newest_version_watches_beside_the_one_that_serves(
    client: httpx.Client, running: Running
) -> None:
    messages = [{"role": "user", "content": PROMPTS["law"]}]
    answer = client.post(CHAT, json={"model": "sided", "messages": messages})
    assert answer.headers["x-routeiq-deployment"] == "sided/large"
    plan = running.record(answer.headers["x-routeiq-id"])["plan"]
    assert plan["shadows"][0]["strategy"] == "latest"
    assert plan["shadows"][0]["candidate"] == "sided/small"


def test_the_operator_may_say_look_now(
    client: httpx.Client, folder: Path, running: Running
) -> None:
    assert "missing" in _why(client, "unhurried")
    shutil.copytree(folder / "good", folder / "coming")
    told = client.post("/v1/routing/reload").json()["data"]
    ours = {one["name"]: one for one in told}["unhurried"]
    assert (ours["fault"], ours["version"], ours["refused"]) == ("", "coming", 1)
    assert _by(client, "unhurried", "sums") == "small"
    asked = client.get("/v1/routing/strategies/unhurried").json()
    assert asked["artifact"] == ours["artifact"]


def test_drift_is_told_and_fails_the_command(folder: Path) -> None:
    code, told = _routing(folder, "drift", "good", "--data", "held.jsonl")
    assert (code, told["reasons"]) == (0, [])
    assert told["rows"] == 400
    lines = read_lines(folder / "held.jsonl")
    for at, line in enumerate(lines.lines):
        line.prompt = f"{at} zzyzx qwop " * (5 + at % 7)
    write_lines(folder / "other.jsonl", lines.name, lines.models, lines.lines)
    code, told = _routing(folder, "drift", "good", "--data", "other.jsonl")
    assert code == 1
    assert any("never learned from" in why for why in told["reasons"])
    turned = _flipped(folder / "held.jsonl")
    code, told = _routing(folder, "drift", "good", "--data", turned.name)
    assert code == 1
    assert any("calibration" in why for why in told["reasons"])


def test_who_answers_too_late_does_not_decide(client: httpx.Client) -> None:
    assert _by(client, "hurried", "sums") == RULED
    assert "slow" in _why(client, "hurried")


def _truncated(folder: Path) -> None:
    trees = folder / "trees.txt"
    trees.write_bytes(trees.read_bytes()[: trees.stat().st_size // 2])


def _other_hash(folder: Path) -> None:
    data = bytearray((folder / "prior.npy").read_bytes())
    data[-1] ^= 1
    (folder / "prior.npy").write_bytes(data)


def _rewritten(folder: Path, name: str, data: bytes) -> None:
    """With a manifest that says so: only what is in it is wrong."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _array(values: Any, *, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=allow_pickle)
    return buffer.getvalue()


def _nan(folder: Path) -> None:
    prior = np.load(folder / "prior.npy")
    prior[0] = np.nan
    _rewritten(folder, "prior.npy", _array(prior))


def _infinite(folder: Path) -> None:
    """Finite numbers whose sums are not."""
    line = np.load(folder / "linear_bias.npy")
    _rewritten(folder, "linear_bias.npy", _array(np.full_like(line, 3e38)))


class _Opens:
    """What runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return open, ("unpickled", "w")


def _pickle(folder: Path) -> None:
    values = np.array([_Opens()], dtype=object)
    _rewritten(folder, "prior.npy", _array(values, allow_pickle=True))


def _shape(folder: Path) -> None:
    _rewritten(folder, "prior.npy", _array(np.zeros(2, np.float32)))


def _schema(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["schema"] = 999
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _setting(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["settings"] = {}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _put(made: Path, at: Path) -> None:
    """As `train` does it: the folder is exchanged whole."""
    old = at.with_name(f"{at.name}.old")
    at.rename(old)
    made.rename(at)
    shutil.rmtree(old)


class _Load(threading.Thread):
    """Asks until it is told to stop; who served, and what went wrong."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.stopped = threading.Event()
        self.served: set[str] = set()
        self.failed: list[str] = []
        self.count = 0

    def run(self) -> None:
        with httpx.Client(base_url=self._url, **PATIENT) as client:
            while not self.stopped.is_set():
                try:
                    self.served.add(_by(client, "watching", "sums"))
                except (AssertionError, httpx.HTTPError) as error:
                    self.failed.append(repr(error))
                self.count += 1


@pytest.fixture
def load(running: Running) -> Iterator[_Load]:
    load = _Load(running.url)
    load.start()
    yield load
    load.stopped.set()
    load.join()


DAMAGE = (
    (_truncated, "hash"),
    (_other_hash, "hash"),
    (_schema, "schema"),
    (_nan, "not_finite"),
    (_infinite, "not_finite"),
    (_pickle, "damaged"),
    (_shape, "damaged"),
    (_setting, "damaged"),
)


def test_what_must_not_serve_does_not_and_no_request_notices(
    folder: Path, running: Running, load: _Load
) -> None:
    for damage, kind in DAMAGE:
        made = folder / "made"
        shutil.copytree(folder / "good", made)
        damage(made)
        before, asked = running.log.count(f"refused ({kind})"), load.count
        _put(made, folder / "watched")
        _until(lambda: running.log.count(f"refused ({kind})") > before)  # noqa: B023
        _until(lambda: load.count > asked + 3)  # noqa: B023
    assert load.served == {"small"}
    assert not load.failed
    assert not (folder / "unpickled").exists()
    told = running.metric(
        "routeiq_routing_artifacts_refused_total", strategy="watching"
    )
    assert told == len(DAMAGE)


def test_exchanged_under_load_no_request_fails_and_none_is_decided_by_two(
    folder: Path, running: Running, load: _Load, client: httpx.Client
) -> None:
    shutil.copytree(folder / "good", folder / "made")
    _put(folder / "made", folder / "watched")
    flipped = folder / "router" / "v2"
    seen = set()
    for at, artifact in enumerate([flipped, folder / "good"] * 3):
        shutil.copytree(artifact, folder / "made")
        digest = hashlib.sha256((artifact / "manifest.json").read_bytes()).hexdigest()[
            :8
        ]
        _put(folder / "made", folder / "watched")
        _until(lambda: digest in _why(client, "watching"))  # noqa: B023
        seen.add(digest)
        order = _order(client)
        assert len({reason.rpartition("artifact ")[2] for reason in order}) == 1, at
    assert len(seen) == 2
    assert not load.failed
    assert load.count > 20


def _order(client: httpx.Client) -> list[str]:
    messages = [{"role": "user", "content": PROMPTS["sums"]}]
    body = {"model": "watching", "messages": messages}
    answer = client.post("/v1/routing/explain", json=body)
    return [step["reason"] for step in answer.json()["order"]]
