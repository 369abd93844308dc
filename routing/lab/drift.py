"""Whether prompts and outcomes are still like those that a router learned from."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.guard import FALSE_ALARMS
from routing.lab.measures import ece
from routing.learned.model import Model
from routing.sketch import Sketch

Doubles = npt.NDArray[np.float64]

TIMES: Final = 3.0
"""More prompts that seem strange than so many times those that did in training: they
have changed."""
SIGMAS: Final = 1.645
DRAWS: Final = 200
LEAST: Final = 30


class Drift(NamedTuple):
    """What is different now."""

    reasons: tuple[str, ...]
    """Empty: nothing to speak of."""
    rows: int
    strange: float
    """Share of prompts that seem to be of a kind that was never learned from."""
    ece: float
    """Calibration error on the known outcomes of these rows; NaN: none is known."""
    allowed: float
    """What it may be, by chance and by what it was when the router was trained."""


def drift(
    model: Model, sketches: Sequence[Sketch], quality: Doubles, seed: int = 0
) -> Drift:
    """Of prompts and their outcomes, (rows, models of the artifact), NaN: unknown."""
    said = [model.predict(sketch) for sketch in sketches]
    trust = np.array([p.trust for p in said])
    predicted = np.array([p.quality for p in said], np.float64)
    known = np.isfinite(quality)
    p, y = np.clip(predicted[known], 0.0, 1.0), quality[known]
    rng = np.random.default_rng(seed)
    found = allowed = float("nan")
    if len(p):
        by_chance = [
            ece(p, (rng.random(len(p)) < p).astype(np.float64)) for _ in range(DRAWS)
        ]
        trained = model.artifact.manifest.metrics.get("ece", 0.0)
        found = ece(p, y)
        allowed = trained + float(np.quantile(by_chance, 0.95))
    made = Drift(
        (),
        len(said),
        float((trust < 0.5).mean()),
        found,
        allowed,
    )
    return made._replace(reasons=tuple(_reasons(made)))


def _reasons(found: Drift) -> list[str]:
    if found.rows < LEAST:
        return [f"too little to tell: {found.rows} prompts, {LEAST} are needed"]
    reasons = []
    spread = np.sqrt(found.strange * (1.0 - found.strange) / found.rows)
    if found.strange - SIGMAS * spread > TIMES * FALSE_ALARMS:
        reasons.append(
            f"{found.strange:.0%} of the prompts are of kinds that it never learned"
            f" from; {FALSE_ALARMS:.0%} seemed so in training"
        )
    if found.ece > found.allowed:
        reasons.append(
            f"calibration error {found.ece:.3f}, {found.allowed:.3f} could be chance"
        )
    return reasons
