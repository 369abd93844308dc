"""The program that says what a decision takes."""

import subprocess
import sys
from pathlib import Path

from tests.bench.decisions import KINDS, LONG, SHORT, repeated
from tests.routing import outcomes

ROOT = Path(__file__).resolve().parents[3]


def test_every_way_to_decide_is_timed(tmp_path: Path) -> None:
    data = tmp_path / "table.jsonl"
    data.write_bytes(b"\n".join(outcomes.lines(60)) + b"\n")
    words = "--data", data, "--models", "5", "--rows", "50", "--rounds", "1"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.decisions", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.split(": ") for line in done.stdout.splitlines()[1:])
    ways = ["features", "centroid"]
    ways += [f"{kind} {what}, 5" for kind in KINDS for what in ("prediction", "plan")]
    assert set(told) == {f"{way}, {size}" for way in ways for size in (SHORT, LONG)}
    for numbers in told.values():
        median, fastest = map(float, numbers.split(", "))
        assert 0.0 < fastest <= median


def test_a_repeated_model_is_another_one(tmp_path: Path) -> None:
    table = outcomes.table(tmp_path, 200)
    wide = repeated(table, 7)
    assert len(wide.models) == len(set(wide.models)) == 7
    assert (wide.quality[:, :3] == table.quality).all()
    for i in range(3, 7):
        same = (wide.quality[:, i] == wide.quality[:, i % 3]).mean()
        assert 0.7 < same < 1.0
