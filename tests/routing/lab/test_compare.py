"""Routers beside each other on the same rows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.lab.compare import compared
from routing.lab.completion import Partial, partial
from routing.lab.lines import read_lines
from routing.lab.table import Table
from routing.lab.train import Trained, train
from tests.routing import outcomes
from tests.shared import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    outcomes.write(folder / "held.jsonl", 300, seed=5)
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> Partial:
    return partial(read_lines(folder / "held.jsonl"))


# Every example is a bootstrap: a hundred take longer than hypothesis is patient for.
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_router_does_nothing_better_than_itself(rows: Partial, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, models = rows.quality.shape
    own = rng.integers(0, models, count)
    for one in compared(rows, [own, own.copy()], seed=seed):
        assert one.same == 1.0
        assert one.better == (0.0, 0.0, 0.0)
        assert one.verdict() == "no difference that could be told from chance"


def test_what_is_clear_is_told(rows: Partial) -> None:
    count, _ = rows.quality.shape
    small, large = np.zeros(count, int), np.full(count, 2)
    told = compared(rows, [large, small])[1]
    assert told.verdict() == "worse, cheaper"
    assert told.better.low <= told.better.mean <= told.better.high < 0.0
    assert compared(rows, [small, large])[1].verdict() == "better, dearer"
    assert told.quality == pytest.approx(rows.quality[:, 0].mean())


def _compare(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "routing", "compare", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_command_tells_the_better_of_two(
    folder: Path, table: Table, trained: Trained
) -> None:
    trained.write(folder / "good")
    mixed = np.random.default_rng(1).permutation(len(table))
    false = table.take(np.arange(len(table)))
    false.quality = table.quality[mixed]
    train(false).write(folder / "poor")
    done = _compare(folder, "good", "poor", "--data", "held.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert first["artifact"] == "good"
    assert first["same"] == 1.0
    assert second["better"][0] < 0.0 or second["dearer"][0] > 0.0
    assert second["verdict"] in {"worse", "dearer", "worse, dearer"}
    shown = _compare(folder, "good", "poor", "--data", "held.jsonl")
    assert shown.stdout.startswith("300 rows; against good, with 95% bounds")
    assert second["verdict"] in shown.stdout


def test_what_cannot_be_compared_is_told(folder: Path, trained: Trained) -> None:
    trained.write(folder / "alone")
    alone = _compare(folder, "alone", "--data", "held.jsonl")
    assert alone.returncode == 2
    assert "two artifacts" in alone.stderr
    none = _compare(folder, "alone", "nowhere", "--data", "held.jsonl")
    assert none.returncode == 1
    assert "nowhere" in none.stderr
