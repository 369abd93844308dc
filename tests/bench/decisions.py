"""What a decision takes, features included, by an artifact of many models.

    python -m tests.bench.decisions --data ../shared/routing-data/llmrouter9.jsonl.gz

The table's models are repeated, each with a fifth of its outcomes drawn anew, until
there are `--models` of them. Asked about are prompts of about 116 characters, and
28,000 characters of prompts in a row. `prediction`: from a text to what is expected of
each model; `plan`: from a query over as many candidates to the order in which they are
tried, reasons and all. Where the machine is shared, read the fastest, not the median.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from routing.book import Book, Spec
from routing.engine import Pool, plan
from routing.health import Health
from routing.lab.lines import read_lines
from routing.lab.table import Table, read
from routing.lab.train import train
from routing.learned import centroids
from routing.learned.artifact import load
from routing.learned.model import Model
from routing.text import Reader
from routing.types import Candidate, Prompt, Query

SHORT: Final = 116
LONG: Final = 28_000
KINDS: Final = ("gbdt", "ridge")
DRAWN: Final = 0.2
"""Of a repeated model's outcomes."""
TOKENS: Final = 200
Ask = Callable[[str], object]


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--models", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    every = [line.prompt or "" for line in read_lines(given.data).lines]
    short = sorted(every, key=lambda prompt: abs(len(prompt) - SHORT))[:400]
    joined = "\n".join(every)
    long = [
        joined[at : at + LONG] for at in range(0, min(len(joined), 40 * LONG), LONG)
    ]
    prompts = {f"{SHORT}": short, f"{LONG}": long}
    table = read(given.data, given.rows)
    print("asked, models, characters: median, fastest (milliseconds)")
    reader, shipped = Reader(), centroids.read()
    for length, some in prompts.items():
        told("features", length, reader.sketch, some, given.rounds)
        kind = "centroid", length
        told(*kind, lambda text: shipped.need(reader.sketch(text)), some, given.rounds)
    for count in given.models:
        with tempfile.TemporaryDirectory() as folder:
            train(repeated(table, count)).write(Path(folder) / "router")
            for name, ask in asked(Path(folder) / "router"):
                for length, some in prompts.items():
                    told(f"{name}, {count}", length, ask, some, given.rounds)


def repeated(table: Table, count: int) -> Table:
    """A table of `count` models."""
    rng = np.random.default_rng(0)
    own = len(table.models)
    places = np.arange(count) % own
    quality = table.quality[:, places]
    new = (rng.random(quality.shape) < DRAWN) & (np.arange(count) >= own)
    return Table(
        name=table.name,
        models=tuple(f"m{i}" for i in range(count)),
        sketches=table.sketches,
        domains=table.domains,
        quality=np.where(new, rng.random(quality.shape) < 0.5, quality),
        cost=table.cost[:, places] * (1.0 + 0.1 * (np.arange(count) // own)),
    )


def asked(artifact: Path) -> list[tuple[str, Ask]]:
    """What is measured of an artifact."""
    found: list[tuple[str, Ask]] = []
    reader, model = Reader(), Model(load(artifact))
    pool = Pool(
        [Candidate(id=m) for m in model.models], [Health() for _ in model.models]
    )
    specs = {
        kind: Spec(kind=kind, options={"artifact": str(artifact)}) for kind in KINDS
    }
    book = Book(specs, random.Random(0), time.monotonic)
    for kind in KINDS:

        def predicted(text: str, kind: str = kind) -> object:
            return model.predict(reader.sketch(text), kind)

        def planned(text: str, kind: str = kind) -> object:
            tokens = len(text) // 4
            query = Query(
                alias="m",
                input_tokens=tokens,
                output_tokens=TOKENS,
                prompt=Prompt(text=text),
            )
            made = plan(book.get(kind), query, pool, 0.0)
            assert "artifact " in made.order[0].reason
            return made

        found += [(f"{kind} prediction", predicted), (f"{kind} plan", planned)]
    return found


def told(name: str, length: str, ask: Ask, prompts: list[str], rounds: int) -> None:
    """Ask about every prompt, `rounds` times after a first one that is not counted."""
    for prompt in prompts:
        ask(prompt)
    took = []
    for _ in range(rounds):
        for prompt in prompts:
            began = time.perf_counter()
            ask(prompt)
            took.append(time.perf_counter() - began)
    each = np.sort(took) * 1e3
    print(f"{name}, {length}: {each[len(each) // 2]:.3f}, {each[0]:.3f}", flush=True)


if __name__ == "__main__":
    main()
