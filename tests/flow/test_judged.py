"""What would really be served is judged before it serves, cascades too, and watched
while it does: an answer costs what all of its calls cost."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from routing.lab.lines import read_lines, write_lines
from tests.flow.gated import ARM, COSTS, KINDS, MODELS, WAY, prompt, table, trained
from tests.flow.provider import CHAT, ENV, body, command, deployment, usage
from tests.flow.routed import PATIENCE
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, tell

TOKENS = (100, 50)
BOTH = ["gbdt (100% of the best)", "gbdt (100% of the best, cascades)"]
REGISTRIES = ("judged", "without", "forced", "plain")
"""Each has the same version."""


@pytest.fixture(scope="module")
def worse() -> threading.Event:
    """Once it is set, `other` says something else than `small`."""
    return threading.Event()


@pytest.fixture(scope="module")
def upstream(worse: threading.Event) -> Iterator[Upstream]:
    def answer(request: Request) -> Script:
        name = request.path.split("/")[1]
        text = "41" if worse.is_set() and name == "other" else "42"
        return tell(200, body(text, usage=usage(*TOKENS)))

    with Upstream() as up:
        up.on(None, answer)
        yield up


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`held` says what everybody answered, `sharp` only who was right; of `graded`
    nobody can tell who agreed."""
    folder = tmp_path_factory.mktemp("judged")
    assert list(trained(folder, "judged/v1", "--cascade")["arms"]) == [ARM]
    for name in REGISTRIES[1:]:
        shutil.copytree(folder / "judged", folder / name)
    table(folder / "held.jsonl", seed=2)
    table(folder / "sharp.jsonl", seed=2, answers=False)
    lines = read_lines(folder / "sharp.jsonl")
    for line in lines.lines:
        line.scores = [0.9 if score else 0.1 for score in line.scores]
    write_lines(folder / "graded.jsonl", lines.name, lines.models, lines.lines)
    return folder


def _config(up: Upstream) -> dict[str, Any]:
    """For each registry a model by cascades; `plain` has none."""
    strategies: dict[str, Any] = {}
    models = {}
    for name in REGISTRIES:
        options = {"artifact": name, "quality": 1.0, "band": {"cost": 0.1}, **PATIENCE}
        strategies[f"by-{name}"] = {"kind": "gbdt", "options": options}
        strategies[f"of-{name}"] = {
            "kind": "explore",
            "options": {"of": f"by-{name}", "share": 0.0, "floor": 0.0},
        }
        if name != "plain":
            strategies[name] = {"kind": "cascade", "options": {"router": f"of-{name}"}}
        models[name] = {
            "strategy": name if name in strategies else f"by-{name}",
            "deployments": [
                deployment(up, m, id=f"{name}/{m}", model=f"openai/{m}", price=price)
                for m, cost in reversed(list(zip(MODELS, COSTS, strict=True)))
                for price in (dict.fromkeys(("input", "output"), cost / 150 * 1e6),)
            ],
        }
    return {
        "models": models,
        "routing": {"strategies": strategies},
        "retries": {"per_deployment": 0},
        "demo": False,
    }


@pytest.fixture(scope="module")
def running(upstream: Upstream, folder: Path) -> Iterator[Running]:
    config = _config(upstream)
    (folder / "routing.yaml").write_text(json.dumps({"routing": config["routing"]}))
    with gateway(config, folder, env=ENV) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield client


def _routing(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = command(folder, "routing", *words, "--json", OPENBLAS_NUM_THREADS="1")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def _promote(folder: Path, name: str, data: str, *more: str) -> Any:
    words = ("--data", f"{data}.jsonl", *more)
    if "--config" not in more:
        words += ("--quality", "1.0")
    return _routing(folder, "promote", name, "v1", *words)


def _live(folder: Path, name: str) -> dict[str, Any]:
    live: dict[str, Any] = json.loads((folder / name / "live.json").read_bytes())
    return live


def _asked(client: httpx.Client, up: Upstream, model: str, kind: str) -> list[str]:
    """Whom the gateway asked."""
    before = len(up.requests)
    messages = [{"role": "user", "content": prompt(kind)}]
    answer = client.post(CHAT, json={"model": model, "messages": messages})
    assert answer.status_code == 200, answer.text
    return sorted(request.path.split("/")[1] for request in up.requests[before:])


def _told(client: httpx.Client, name: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/v1/routing/strategies/by-{name}").json()
    return told


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def _serves(client: httpx.Client, up: Upstream, name: str) -> None:
    """The version has been taken."""
    _until(lambda: bool(_asked(client, up, name, "sums")) and _is_in(client, name))


def _is_in(client: httpx.Client, name: str) -> bool:
    return _told(client, name)["version"] == "v1"


def test_where_nobody_knows_who_agreed_cascades_do_not_serve(
    client: httpx.Client, upstream: Upstream, folder: Path
) -> None:
    code, told = _promote(folder, "without", "graded")
    assert (code, told["promoted"], told["cascades"]) == (1, False, False)
    (why,) = told["reasons"]
    assert "cascades cannot be judged" in why
    assert "needs `answers`, or scores of 0 and 1" in why
    assert "`--no-cascades`" in why
    assert not (folder / "without" / "live.json").exists()

    code, told = _promote(folder, "without", "graded", "--no-cascades")
    assert (code, told["promoted"], told["judged"]) == (0, True, BOTH[:1])
    assert "cascades" not in _live(folder, "without")
    _serves(client, upstream, "without")
    assert not _told(client, "without")["cascades"]
    assert len(_asked(client, upstream, "without", "quiz")) == 1


def test_force_lets_nothing_serve_that_nobody_could_judge(
    client: httpx.Client, upstream: Upstream, folder: Path
) -> None:
    code, told = _promote(folder, "forced", "graded", "--force")
    assert (code, told["promoted"], told["passed"]) == (0, True, False)
    assert "cascades" not in _live(folder, "forced")
    _serves(client, upstream, "forced")
    assert len(_asked(client, upstream, "forced", "quiz")) == 1


def test_who_asks_for_no_cascade_is_judged_without(
    client: httpx.Client, folder: Path
) -> None:
    words = ("promote", "plain", "v1", "--data", "held.jsonl")
    done = command(folder, "routing", *words, "--config", "routing.yaml", **ENV)
    assert done.returncode == 0, done.stderr
    assert "v1 serves, without its cascades" in done.stdout
    assert "cascades" not in _live(folder, "plain")


def test_cascades_that_were_judged_serve_until_they_cost_too_much(
    client: httpx.Client, upstream: Upstream, folder: Path, worse: threading.Event
) -> None:
    code, told = _promote(folder, "judged", "held", "--config", "routing.yaml")
    assert (code, told["promoted"], told["reasons"]) == (0, True, [])
    assert (told["judged"], told["agreement"]) == (BOTH, "by answers")
    assert 0.2 < told[f"{BOTH[1]}: cascades"] < 0.5
    # With cascades it is as good, for less.
    assert told[f"{BOTH[1]}: relative_low"] > 0.95
    assert told[f"{BOTH[1]}: cost_high"] < told["cost_low"]
    live = _live(folder, "judged")
    assert live["cascades"]["gbdt"]["cost"] < live["by"]["gbdt"]["cost"]
    _serves(client, upstream, "judged")
    told = _told(client, "judged")
    assert (told["watched"], told["cascades"]) == (True, True)
    for kind in list(KINDS) * 15:
        assert _asked(client, upstream, "judged", kind) == WAY[kind]

    # One of two goes on, cheap and never failing, but says something else.
    worse.set()
    asked = 0
    while _is_in(client, "judged"):
        for kind in KINDS:
            _asked(client, upstream, "judged", kind)
        asked += 1
        assert asked < 150
    history = (folder / "judged" / "history.jsonl").read_text().splitlines()
    event = json.loads(history[-1])
    assert (event["what"], event["live"]["version"]) == ("rollback", "")
    assert event["why"].startswith("with cascades: $")
    assert _asked(client, upstream, "judged", "quiz") == ["large"]


def test_agreement_that_is_simulated_is_said_to_be(folder: Path) -> None:
    shutil.copytree(folder / "judged" / "v1", folder / "other" / "v1")
    wrong = ("--wrong-agreement", "0.25")
    code, told = _promote(folder, "other", "sharp", *wrong)
    assert (code, told["judged"]) == (0, BOTH)
    assert told["agreement"] == "by simulated agreement (0.25 of two wrong)"


def test_routers_are_compared_by_what_they_would_really_do(folder: Path) -> None:
    trained(folder, "bare")
    words = ("compare", "bare", "judged/v1", "--quality", "1.0", "--data")
    code, told = _routing(folder, *words, "held.jsonl")
    assert code == 0
    assert "cheaper" in told[1]["verdict"]
    assert "worse" not in told[1]["verdict"]
    _, alone = _routing(folder, *words, "held.jsonl", "--no-cascades")
    assert alone[0]["cost"] == told[0]["cost"]
    assert alone[1]["cost"] > 1.1 * told[1]["cost"]
    done = command(folder, "routing", *words, "graded.jsonl")
    assert done.returncode == 1
    assert "cascades cannot be compared" in done.stderr
    assert "--no-cascades" in done.stderr
    code, _ = _routing(folder, *words, "graded.jsonl", "--no-cascades")
    assert code == 0
