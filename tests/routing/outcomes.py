"""Made-up outcome tables: models that are good at different kinds of prompts."""

import random
from pathlib import Path

import msgspec

from routing.lab.table import Table, read

WORDS = {
    "sums": [
        "add",
        "subtract",
        "number",
        "total",
        "apples",
        "sum",
        "how",
        "many",
        "left",
        "each",
        "price",
    ],
    "law": [
        "court",
        "statute",
        "plaintiff",
        "contract",
        "liable",
        "judge",
        "appeal",
        "tort",
        "clause",
    ],
    "code": [
        "function",
        "return",
        "python",
        "list",
        "loop",
        "class",
        "variable",
        "compile",
        "bug",
    ],
}
PROMPTS = {domain: f"5 {' '.join(2 * words)}?" for domain, words in WORDS.items()}
"""One that could be of no other domain."""
MODELS = ("small", "coder", "large")
COSTS = (0.0001, 0.0004, 0.004)
QUALITY = {
    "sums": (0.95, 0.5, 0.96),
    "law": (0.05, 0.1, 0.96),
    "code": (0.1, 0.95, 0.96),
}


def lines(count: int, seed: int = 0) -> list[bytes]:
    rng = random.Random(seed)
    made = [msgspec.json.encode({"dataset": "made_up", "models": MODELS})]
    for i in range(count):
        domain = rng.choice(sorted(WORDS))
        words = rng.choices(WORDS[domain], k=rng.randrange(6, 25))
        scores = [float(rng.random() < q) for q in QUALITY[domain]]
        costs = [c * len(words) / 15 for c in COSTS]
        row = {"prompt": f"{i} {' '.join(words)}?", "domain": domain}
        made.append(msgspec.json.encode(row | {"scores": scores, "cost_usd": costs}))
    return made


def write(path: Path, count: int, seed: int = 0) -> Path:
    path.write_bytes(b"\n".join(lines(count, seed)) + b"\n")
    return path


def table(folder: Path, count: int, seed: int = 0) -> Table:
    return read(write(folder / "made_up.jsonl", count, seed))
