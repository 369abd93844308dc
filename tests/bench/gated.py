"""What cascades that a router chooses save, by the very code that decides in serving.

    python -m tests.bench.gated --data ../shared/routing-data/mmlu_pro.jsonl.gz

Learns from one half of an outcome table, asks the strategies `gbdt` and `cascade` over
that artifact about every prompt of the other half, and looks up what would have come of
it; then the halves change sides. No HTTP: whoever answers is the table. Where it has no
`answers`, agreement is simulated, as by `routeiq routing evaluate --cascade`.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from routing.book import Book, Spec
from routing.contract import Strategy
from routing.engine import Pool, plan
from routing.health import Health
from routing.lab.cascade import Agreement, Arms, agreement, outcome
from routing.lab.frontier import best_single
from routing.lab.lines import read_lines
from routing.lab.split import Fold, by_chance
from routing.lab.table import Table, read
from routing.lab.train import train
from routing.types import Candidate, Prompt, Query, Wishes

SHARES: Final = (0.95, 0.99, 1.0)
Key = tuple[str, float]


class Sums(NamedTuple):
    """Of quality and dollars, of a strategy and of the best single model."""

    quality: float = 0.0
    cost: float = 0.0
    best: float = 0.0
    price: float = 0.0
    cascades: float = 0.0
    rows: float = 0.0

    def plus(self, other: "Sums") -> "Sums":
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


def main() -> None:
    """Print a line for each strategy and share of quality."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wrong-agreement", type=float, default=0.5)
    given = parser.parse_args()
    table = read(given.data)
    prompts = [line.prompt for line in read_lines(given.data).lines]
    assert len(prompts) == len(table)
    rows = np.random.default_rng(given.seed).permutation(len(table))[: given.limit]
    arms = Arms(given.wrong_agreement, given.seed)
    totals: dict[Key, Sums] = {}
    for fold in by_chance(len(rows), 2, given.seed):
        both = Fold(rows[fold.train], rows[fold.test])
        for key, sums in judged(table, prompts, both, arms).items():
            totals[key] = totals.get(key, Sums()).plus(sums)
    print("strategy, share asked for: saved, share of quality reached, cascades")
    for (name, share), one in totals.items():
        saved, reached = 1 - one.cost / one.price, one.quality / one.best
        part = one.cascades / one.rows
        print(f"{name:8} {share:.2f}: {saved:.1%} at {reached:.1%}, {part:.1%}")


def judged(table: Table, prompts: list[str], fold: Fold, arms: Arms) -> dict[Key, Sums]:
    """What came of every prompt of the one half, by what the other taught."""
    began = time.perf_counter()
    wide = arms.widened(table, fold.train)
    with tempfile.TemporaryDirectory() as folder:
        train(wide.take(fold.train)).write(Path(folder) / "router")
        took = time.perf_counter() - began
        print(f"cascades: {', '.join(wide.arms)}; learned in {took:.0f} s", flush=True)
        specs = {
            "router": Spec(
                kind="gbdt", options={"artifact": f"{folder}/router", "budget_ms": 1e6}
            ),
            "gated": Spec(kind="cascade", options={"router": "router"}),
        }
        book = Book(specs, random.Random(0), time.monotonic)
        best = best_single(table.quality[fold.train], table.cost[fold.train])
        agreed = agreement(table, arms.wrong_agreement, arms.seed)
        return {
            (name, share): _asked(
                book.get(name), share, table, prompts, fold, agreed, best
            )
            for name in specs
            for share in SHARES
        }


def _asked(
    strategy: Strategy,
    share: float,
    table: Table,
    prompts: list[str],
    fold: Fold,
    agreed: Agreement,
    best: int,
) -> Sums:
    pool = Pool(
        [Candidate(id=m) for m in table.models], [Health() for _ in table.models]
    )
    place = {name: i for i, name in enumerate(table.models)}
    quality, cost, cascades = 0.0, 0.0, 0
    columns: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}
    gated = strategy.name == "gated"
    query = Query(alias="m", cascades=gated, wishes=Wishes(quality=share))
    for row in fold.test.tolist():
        asked = msgspec.structs.replace(query, prompt=Prompt(text=prompts[row]))
        planned = plan(strategy, asked, pool, 0.0)
        assert "artifact " in planned.order[0].reason
        if not planned.rungs:
            at = place[planned.order[0].candidate]
            quality += table.quality[row, at]
            cost += table.cost[row, at]
            continue
        members = tuple(place[id] for id in planned.rungs)
        if members not in columns:
            columns[members] = outcome(table, agreed, *members)
        quality += columns[members][0][row]
        cost += columns[members][1][row]
        cascades += 1
    return Sums(
        quality,
        cost,
        float(table.quality[fold.test, best].sum()),
        float(table.cost[fold.test, best].sum()),
        cascades,
        len(fold.test),
    )


if __name__ == "__main__":
    main()
