"""What a table saves before anything was learned of it."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from routing.lab.cascade import agreement, outcome
from routing.lab.centroids import learn
from routing.lab.table import Table, TableError
from routing.lab.untrained import three, untrained
from routing.learned.centroids import Centroids
from tests.routing import outcomes
from tests.shared import ROOT


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return outcomes.table(tmp_path_factory.mktemp("untrained"), 300)


@pytest.fixture(scope="module")
def centroids(table: Table) -> Centroids:
    return learn([table])


def test_profiles_save_what_their_choices_cost(
    table: Table, centroids: Centroids
) -> None:
    found = untrained(table, centroids)
    assert found.best == "large"
    assert list(found.deployments) == ["small", "coder", "large"]
    for one in found.profiles.values():
        assert sum(one.asked.values()) == pytest.approx(1.0)
    free, premium = found.profiles["free"], found.profiles["premium"]
    assert free.asked["small"] == 1.0
    prices = {name: one.cost for name, one in found.deployments.items()}
    assert free.saved == pytest.approx(1.0 - prices["small"] / prices["large"])
    assert free.quality == pytest.approx(free.mixed)  # one model is no better than it
    saved = [found.profiles[name].saved for name in ("premium", "auto", "eco", "free")]
    assert saved == sorted(saved)
    assert premium.quality > free.quality


def test_who_knows_the_prompts_beats_the_lot(
    table: Table, centroids: Centroids
) -> None:
    """Law prompts alone need the large model, and they are known by their words."""
    auto = untrained(table, centroids, ["small", "large"]).profiles["auto"]
    assert auto.quality > auto.mixed + 0.05


def test_a_cascade_asks_the_dearest_where_the_cheap_differ(
    table: Table, centroids: Centroids
) -> None:
    found = untrained(table, centroids, wrong_agreement=0.01)
    agreed = agreement(table, 0.01, 0)
    got, spent = outcome(table, agreed, 0, 1, 2)
    assert found.cascade is not None
    alone = found.deployments["large"]
    assert found.cascade.quality == pytest.approx(got.mean() / alone.quality)
    assert found.cascade.saved == pytest.approx(1 - spent.mean() / alone.cost)
    assert found.cascade.asked["large"] == pytest.approx(1 - agreed.of(0, 1).mean())
    two = untrained(table, centroids, ["small", "large"])
    assert two.cascade is None


def test_three_are_the_best_and_the_best_of_the_cheaper(table: Table) -> None:
    assert [table.models[j] for j in three(table)] == ["large", "coder", "small"]
    dear = table.take(np.arange(len(table)))
    dear.cost = np.full(dear.cost.shape, 1.0)
    with pytest.raises(TableError, match="half"):
        three(dear)


def test_a_model_that_is_not_there_is_told(table: Table, centroids: Centroids) -> None:
    for models in (["large"], ["large", "large"], ["large", "gone"]):
        with pytest.raises(TableError, match="name two or more of small, coder"):
            untrained(table, centroids, models)


def test_bench_routing_makes_a_page_of_each_table_and_one_of_all(
    tmp_path: Path,
) -> None:
    tables, out = tmp_path / "tables", tmp_path / "out"
    tables.mkdir()
    made_up = b"\n".join(outcomes.lines(120))
    (tables / "made.jsonl.gz").write_bytes(gzip.compress(made_up))
    rows = [msgspec.json.decode(line) for line in outcomes.lines(60, seed=3)]
    pair = [{"dataset": "pair", "models": ["small", "large"]}]
    pair += [
        {
            "prompt": r["prompt"],
            "scores": r["scores"][::2],
            "cost_usd": r["cost_usd"][::2],
        }
        for r in rows[1:]
    ]
    text = b"\n".join(map(msgspec.json.encode, pair))
    (tables / "pair.jsonl.gz").write_bytes(gzip.compress(text))
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.routing", "--data", tables, "--out", out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = ("chance", "cascade", "new-domains", "new-domains-100-labels")
    said = {
        name: json.loads((out / "made" / name / "report.json").read_text())
        for name in made
    }
    assert "3 parts by chance" in said["chance"]["protocol"]
    assert "cascades" in said["cascade"]["protocol"]
    assert "100 labels" in said["new-domains-100-labels"]["protocol"]
    assert not (out / "pair" / "cascade").exists()
    page = (out / "README.md").read_text()
    for name in made:
        assert f"(made/{name}/report.md) | {name} |" in page
        assert (out / "made" / name / "frontier.svg").exists()
    assert "(pair/chance/report.md) | chance |" in page
    assert "| made_up | small, coder, large | cascade |" in page
    assert "| pair | small, large | auto |" in page
