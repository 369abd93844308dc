"""Prompts of three kinds, by which a router learns where a cascade is worth it.

On `sums` the cheapest is right; on `quiz` two cheap ones are right together mostly, and
differ where they are wrong; on `law` both are wrong.
"""

import json
import random
from pathlib import Path
from typing import Any

from tests.flow.provider import command
from tests.routing.outcomes import WORDS

MODELS = ("small", "other", "large")
COSTS = (0.0001, 0.0001, 0.004)
ARM = "small+other>large"
QUIZ = ["capital", "river", "planet", "king", "poet", "island", "treaty", "anthem"]
KINDS = {"sums": WORDS["sums"], "quiz": QUIZ, "law": WORDS["law"]}
RIGHT = {"sums": (0.98, 0.3, 0.98), "quiz": (0.7, 0.7, 0.98), "law": (0.1, 0.1, 0.97)}
WAY = {"sums": ["small"], "quiz": ["other", "small"], "law": ["large"]}
"""Kind -> who is asked, at first."""


def table(path: Path, *, answers: bool = True, seed: int = 1) -> Path:
    """Outcomes of 600 prompts."""
    rng = random.Random(seed)
    lines: list[dict[str, Any]] = [{"dataset": "kinds", "models": MODELS}]
    for i in range(600):
        kind = rng.choice(sorted(KINDS))
        words = rng.choices(KINDS[kind], k=rng.randrange(8, 20))
        scores = [float(rng.random() < p) for p in RIGHT[kind]]
        if kind == "quiz":
            scores[1] = scores[0]
        row = {"prompt": f"{i} {' '.join(words)}?", "domain": kind, "scores": scores}
        row["cost_usd"] = [c * len(words) / 14 for c in COSTS]
        if answers:
            row["answers"] = [
                "right" if s else m for s, m in zip(scores, MODELS, strict=True)
            ]
        lines.append(row)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def trained(folder: Path, name: str, *more: str) -> dict[str, Any]:
    """What the command says of the artifact `name`."""
    data = table(folder / f"{name.replace('/', '-')}.jsonl")
    words = ("--data", str(data), "--out", name, "--json", *more)
    done = command(folder, "routing", "train", *words, OPENBLAS_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def prompt(kind: str, word: str = "same") -> str:
    """What is asked; `word` may say how the models are to behave."""
    return f"{word}: 5 {' '.join(2 * KINDS[kind][:8])}?"
