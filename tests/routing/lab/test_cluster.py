"""Large tables in pieces, and training of them on a real Dask cluster."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.lab.cluster import planned
from routing.lab.measures import auc
from routing.lab.pieces import head, lines, name, pieces
from routing.lab.table import Table, TableError, read
from routing.learned.artifact import load
from routing.learned.model import Model
from tests.routing import outcomes
from tests.shared import ROOT

ROWS = 900
texts = st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=12)


@given(texts, st.integers(1, 200))
def test_no_cut_loses_a_line_or_tells_it_twice(
    tmp_path_factory: pytest.TempPathFactory, prompts: list[str], stretch: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "t.jsonl"
    rows = [msgspec.json.encode({"prompt": prompt}) for prompt in prompts]
    path.write_bytes(b"\n".join([b'{"models":["a","b"]}', *rows]) + b"\n")
    found = [line for piece in pieces(path, stretch) for line in lines(piece)]
    assert found == rows


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1), st.integers(1, 9))
def test_each_prompt_is_kept_once_where_it_comes_first(
    named: list[list[int]], sample: int
) -> None:
    everyone = [(n, i, j) for i, part in enumerate(named) for j, n in enumerate(part)]
    if not everyone:
        return
    plan = planned([np.array(part, np.uint64) for part in named], sample)
    kept = [named[i][j] for i, places in enumerate(plan.kept) for j in places]
    assert sorted(kept) == sorted({n for n, _, _ in everyone})
    assert plan.rows + plan.duplicates == len(everyone)
    drawn = [n for n in kept if n <= plan.least]
    assert len(drawn) == min(sample, plan.rows)
    first = {n: (i, j) for n, i, j in reversed(everyone)}
    assert all(
        first[named[i][j]] == (i, j) for i, at in enumerate(plan.kept) for j in at
    )


def test_what_cannot_be_taken_apart_is_told(tmp_path: Path) -> None:
    packed = tmp_path / "t.jsonl.gz"
    packed.write_bytes(b"\x1f\x8b")
    with pytest.raises(TableError, match="unpack it, or use Parquet"):
        pieces(packed)
    with pytest.raises(TableError, match="cannot be read"):
        pieces(tmp_path / "none.jsonl")
    broken = tmp_path / "t.parquet"
    broken.write_bytes(b"PAR1")
    with pytest.raises(TableError, match="is no Parquet"):
        pieces(broken)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    outcomes.write(folder / "big.jsonl", ROWS, seed=3)
    _parquet(folder / "big.jsonl", folder / "big.parquet")
    return folder


def _parquet(source: Path, out: Path) -> None:
    """In a process of its own: pyarrow is large."""
    code = (
        "import json, sys, pyarrow as pa, pyarrow.parquet as pq\n"
        "head, *rows = open(sys.argv[1], 'rb').read().splitlines()\n"
        "table = pa.Table.from_pylist([json.loads(r) for r in rows])\n"
        "models = json.dumps(json.loads(head)['models'])\n"
        "table = table.replace_schema_metadata({'models': models})\n"
        "pq.write_table(table, sys.argv[2], row_group_size=200)\n"
    )
    subprocess.run([sys.executable, "-c", code, source, out], check=True, timeout=60)


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """A scheduler and workers, each a process; the address."""
    told = folder / "scheduler.json"
    dask = [sys.executable, "-m"]
    place = ("--scheduler-file", str(told))
    spill = ("--local-directory", str(folder / "spill"))
    worker = ("--no-nanny", "--nthreads", "1", *spill)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    local = ("--host", "127.0.0.1", "--no-dashboard")
    running = [
        subprocess.Popen(
            [*dask, "distributed.cli.dask_scheduler", *local, *place, "--port", "0"],
            env=env,
            **quiet,
        )
    ]
    try:
        deadline = time.monotonic() + 60.0
        while not told.exists() or not told.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        running += [
            subprocess.Popen(
                [*dask, "distributed.cli.dask_worker", *local, *place, *worker],
                env=env,
                **quiet,
            )
            for _ in range(workers)
        ]
        yield json.loads(told.read_text())["address"]
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def _train(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "routing", "train", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def _judged(folder: Path, held_out: Table) -> float:
    """AUC of an artifact on prompts that it has not seen."""
    model = Model(load(folder))
    said = np.array([model.predict(s).quality for s in held_out.sketches])
    return auc(said, held_out.quality)


def test_a_cluster_trains_the_same_router(folder: Path) -> None:
    local = _train(folder, "--data", "big.jsonl", "--out", "local")
    assert local.returncode == 0, local.stderr
    held_out = read(outcomes.write(folder / "held.jsonl", 400, seed=9))
    with cluster(folder, 3) as address:
        engine = ("--engine", "dask", "--scheduler", address, "--sample", "600")
        for data in ("big.jsonl", "big.parquet"):
            words = ("--data", data, "--out", data[4:], "--json", *engine)
            done = _train(folder, *words)
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            assert told["data"]["rows"] == ROWS
            assert told["data"]["workers"] == 3
            assert told["data"]["sample"] == 600
    alone = _judged(folder / "local", held_out)
    assert alone > 0.7
    for made in ("jsonl", "parquet"):
        assert abs(_judged(folder / made, held_out) - alone) < 0.03


def test_a_cluster_that_is_not_there_is_told(folder: Path) -> None:
    engine = ("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1")
    done = _train(folder, "--data", "big.jsonl", "--out", "none", *engine)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    without = _train(folder, "--data", "big.jsonl", "--out", "n", "--engine", "dask")
    assert without.returncode == 2
    assert "--scheduler" in without.stderr


def test_the_head_of_either_form_names_the_models(folder: Path) -> None:
    for data in ("big.jsonl", "big.parquet"):
        told = json.loads(head(folder / data))
        assert told["models"] == list(outcomes.MODELS)
    one, other = (
        sorted(name(line) for p in pieces(folder / data) for line in lines(p))
        for data in ("big.jsonl", "big.parquet")
    )
    assert one == other
