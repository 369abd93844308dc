"""From traffic and what was said of it to a table, and from the table to a router."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from routing.lab.lines import Lines, read_lines
from tests.flow.provider import CHAT, ENV, command, priced
from tests.flow.test_records import BEARER, MASTER
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream
from tests.routing.outcomes import QUALITY, WORDS

PRICES = {"small": (0.1, 0.4), "large": (10.0, 40.0)}
ASKED = 80
ALL = {**ENV, "MASTER": MASTER}


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("dataset")
    deployments = [
        priced(upstream, name, price, model=f"openai/{name}")
        for name, price in PRICES.items()
    ]
    setup = {
        "keys": {"master": "env:MASTER"},
        "models": {"auto": {"deployments": deployments}},
        "routing": {"collect": "sketch"},
    }
    with gateway(setup, folder, env=ALL) as running:
        yield running


def _traffic(running: Running) -> None:
    """Questions, each judged by how good who served is at its kind."""
    rng = random.Random(7)
    with httpx.Client(base_url=running.url, headers=BEARER, **PATIENT) as client:
        for i in range(ASKED):
            kind = rng.choice(["sums", "law"])
            text = f"{i} {' '.join(rng.choices(WORDS[kind], k=12))}?"
            messages = [{"role": "user", "content": text}]
            answer = client.post(CHAT, json={"model": "auto", "messages": messages})
            served = answer.headers["x-routeiq-deployment"]
            good = rng.random() < QUALITY[kind][0 if served == "small" else 2]
            said = {"id": answer.headers["x-routeiq-id"], "score": float(good)}
            assert client.post("/v1/feedback", json=said).status_code == 201
    running.record(said["id"])


def _command(folder: Path, *words: str) -> Any:
    done = command(folder, "routing", *words, "--json", **ALL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_traffic_becomes_a_table_and_the_table_a_router(running: Running) -> None:
    _traffic(running)
    folder = running.folder
    made = _command(folder, "dataset", "-o", "learn.jsonl.gz", "--held", "held.jsonl")
    assert made["rows"] + made["held"] == ASKED
    assert made["models"] == ["openai/large", "openai/small"]
    kept: Lines = read_lines(folder / "learn.jsonl.gz")
    held = read_lines(folder / "held.jsonl")
    assert 0 < len(held.lines) < len(kept.lines)
    assert not {x.key for x in held.lines} & {x.key for x in kept.lines}
    for line in [*kept.lines, *held.lines]:
        assert sorted(line.served or ()) == [0, 1]
        assert line.propensity == [0.5, 0.5]
        assert [s is None for s in line.scores] == [n == 0 for n in line.served or ()]
        assert [c is None for c in line.cost_usd] == [n == 0 for n in line.served or ()]
        assert not line.prompt
    dear = [x.cost_usd[0] for x in kept.lines if x.cost_usd[0] is not None]
    assert dear[0] == pytest.approx(10 * 10e-6 + 5 * 40e-6)
    trained = _command(folder, "train", "--data", "learn.jsonl.gz", "--out", "router")
    assert trained["models"] == ["openai/large", "openai/small"]
    assert trained["data"]["rows"] == made["rows"]


def test_of_answers_by_several_calls_only_a_models_own_is_learned_from(
    upstream: Upstream, tmp_path: Path
) -> None:
    def two(alias: str) -> list[dict[str, Any]]:
        return [
            priced(
                upstream,
                name,
                (price, 0.0),
                id=f"{alias}-{name}",
                model=f"openai/{name}",
            )
            for name, (price, _) in PRICES.items()
        ]

    thinks = {"thinker": "steps", "max_iterations": 1}
    setup = {
        "models": {
            "steps": {"strategy": "steps", "deployments": two("steps")},
            "thinks": {"strategy": "thinks", "deployments": two("thinks")},
        },
        "routing": {
            "collect": "text",
            "strategies": {
                "steps": {"kind": "cascade"},
                "thinks": {"kind": "router_r1", "options": thinks},
            },
        },
    }
    with gateway(setup, tmp_path, env=ENV) as running:
        for model in ("steps", "thinks"):
            messages = [{"role": "user", "content": f"to {model}"}]
            answer = running.post(CHAT, {"model": model, "messages": messages})
            assert answer.status_code == 200, answer.text
            said = {"id": answer.headers["x-routeiq-id"], "score": 1.0}
            assert running.post("/v1/feedback", said).status_code == 201
        running.record(said["id"])
    made = _command(tmp_path, "dataset", "-o", "t.jsonl")
    assert (made["rows"], made["models"]) == (1, ["openai/small"])
    line = read_lines(tmp_path / "t.jsonl").lines[0]
    assert line.prompt == "to steps"
    # Its own tokens, not those of the other one that was asked too.
    assert line.cost_usd == [pytest.approx(10 * 0.1e-6)]
    assert not any(line.propensity or ())


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with gateway({}, tmp_path) as running:
        answer = running.post(
            CHAT, {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
        )
        running.record(answer.headers["x-routeiq-id"])
    done = command(tmp_path, "routing", "dataset", "-o", "out.jsonl")
    assert done.returncode == 1
    assert "routing.collect" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_table_goes_through_split_by_domain(tmp_path: Path) -> None:
    head = {"dataset": "t", "models": ["a", "b"]}
    rows = [
        {
            "prompt": f"p{i % 15}",
            "domain": f"d{i % 5}",
            "scores": [1, 0],
            "cost_usd": [1, 2],
        }
        for i in range(30)
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(x) for x in [head, *rows]))
    made = _command(
        tmp_path,
        *("dataset", "--data", "t.jsonl", "-o", "a.jsonl", "--held", "b.jsonl"),
        *("--split", "group", "--held-share", "0.4"),
    )
    assert (made["rows"], made["held"], made["duplicates"]) == (9, 6, 15)
    kept, held = read_lines(tmp_path / "a.jsonl"), read_lines(tmp_path / "b.jsonl")
    assert not set(kept.groups) & set(held.groups)
