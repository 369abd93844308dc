"""`routeiq route explain`, of a file and of a running gateway; strategies of others."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.provider import CHAT, ENV, call, command, deployment
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream
from tests.shared import ROOT

MASTER = "sk-master-canary-0123456789"
PLUGIN = '''
from routing.contract import Options
from routing.types import Score


class LastOptions(Options, frozen=True, kw_only=True):
    """`last`."""

    word: str = "last"


class Last:
    """The last one goes first."""

    options = LastOptions

    def __init__(self, name, options, setting):
        self.name = name
        self._word = options.word

    def score(self, query, candidates, health):
        last = len(candidates) - 1
        return [
            Score(float(i), f"{self._word} {i}", float(i == last))
            for i, _ in enumerate(candidates)
        ]
'''


def path(plugins: Path) -> str:
    return f"{ROOT}{os.pathsep}{plugins}"


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which another distribution is installed."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "lastly.py").write_text(PLUGIN)
    info = folder / "lastly-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: lastly\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[routeiq.strategies]\nlast = lastly:Last\nbroken = lastly:Nothing\n"
    )
    return folder


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, plugins: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    models = {
        "fast": {
            "strategy": "cheapest",
            "deployments": [
                deployment(upstream, "dear", price={"input": 9, "output": 9}),
                deployment(upstream, "cheap", price={"input": 1, "output": 1}),
            ],
        },
        "plugged": {
            "strategy": "mine",
            "deployments": [deployment(upstream, "p1"), deployment(upstream, "p2")],
        },
    }
    config = {
        "keys": {"master": "env:MASTER"},
        "models": models,
        "routing": {
            "strategies": {"mine": {"kind": "last", "options": {"word": "place"}}}
        },
    }
    env = {**ENV, "MASTER": MASTER, "PYTHONPATH": path(plugins)}
    with gateway(config, tmp_path_factory.mktemp("route"), env=env) as running:
        yield running


def _explain(running: Running, *words: str, **environ: str) -> Any:
    return command(
        running.folder,
        *("route", "explain", *words, "--config", "routeiq.yaml"),
        **ENV,
        MASTER=MASTER,
        **environ,
    )


def test_a_file_tells_the_decision(running: Running, plugins: Path) -> None:
    place = {"PYTHONPATH": path(plugins)}
    done = _explain(running, "-m", "fast", "hello", **place)
    assert done.returncode == 0, done.stderr
    first, *_ = [line for line in done.stdout.splitlines() if "openai/m" in line]
    assert first.startswith("cheap")
    assert done.stdout.startswith("fast by cheapest")


def test_wishes_are_options_and_json_is_for_programs(
    running: Running, plugins: Path
) -> None:
    words = ("-m", "fast", "--pin", "dear", "--json", "hello")
    done = _explain(running, *words, PYTHONPATH=path(plugins))
    told = json.loads(done.stdout)
    assert [s["deployment"] for s in told["order"]] == ["dear"]
    assert told["removed"][0]["by"] == "wish"
    wrong = _explain(running, "-m", "nobody", "hello", PYTHONPATH=path(plugins))
    assert wrong.returncode == 1
    assert "nobody" in wrong.stderr


def test_a_running_gateway_is_asked(running: Running, plugins: Path) -> None:
    place = {"PYTHONPATH": path(plugins)}
    where = ("--url", running.url, "--key", "env:MASTER")
    done = _explain(running, "-m", "fast", *where, "hello", **place)
    assert done.returncode == 0, done.stderr
    assert "cheap" in done.stdout
    keyless = _explain(running, "-m", "fast", *where[:2], "hello", **place)
    assert keyless.returncode == 1
    assert "401" in keyless.stderr
    assert MASTER not in done.stdout + done.stderr + keyless.stderr


def test_a_strategy_of_another_distribution_decides(
    running: Running, plugins: Path
) -> None:
    headers = {"authorization": f"Bearer {MASTER}"}
    answer = running.post(CHAT, json=call("plugged"), headers=headers)
    assert answer.headers["x-routeiq-deployment"] == "p2"
    done = _explain(running, "-m", "plugged", "--json", "hi", PYTHONPATH=path(plugins))
    assert json.loads(done.stdout)["order"][0]["reason"] == "place 1"


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        ({"kind": "lasst"}, "did you mean `last`?"),
        ({"kind": "broken"}, "does not load"),
        ({"kind": "last", "options": {"wort": "x"}}, "no option 'wort'"),
        ({"kind": "latency", "options": {"target_s": "soon"}}, "Expected `float"),
        ({"kind": "blend", "options": {"of": {"odd": 1}}}, "in a circle"),
        (
            {"kind": "rules", "options": {"rules": [{"text": "(", "use": ["a"]}]}},
            "regular",
        ),
        (
            {"kind": "cascade", "options": {"doubt": "verify", "verifier": "jugde"}},
            "no model `jugde`",
        ),
        ({"kind": "cascade", "options": {"verifier": "x"}}, "doubt: verify"),
        ({"kind": "cascade", "options": {"router": "usage"}}, "over an artifact"),
        ({"kind": "cascade", "options": {"rungs": 1}}, ">= 2"),
    ],
)
def test_what_cannot_be_made_is_told_by_check(
    plugins: Path, tmp_path: Path, strategy: dict[str, Any], says: str
) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(json.dumps({"routing": {"strategies": {"odd": strategy}}}))
    done = command(tmp_path, "check", "odd.yaml", PYTHONPATH=path(plugins))
    assert done.returncode == 1
    assert says in done.stdout + done.stderr
    assert "odd.yaml:1:" in done.stdout + done.stderr
