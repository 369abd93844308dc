"""A/B tests, canaries, shadows: every subject has its arm."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from routing.contract import Options, Setting, Strategy, reads, vetoes
from routing.health import Health
from routing.strategies.affinity import conversation
from routing.types import Candidate, Query, Score, Shadowed

Weight = Annotated[float, Meta(ge=0)]
SPACE: Final = 2**56


class ExperimentOptions(Options, frozen=True, kw_only=True):
    """`experiment`."""

    arms: Annotated[dict[str, Weight], Meta(min_length=1)]
    """Names of strategies -> their shares of the subjects."""
    by: Literal["conversation", "user", "key", "request"] = "conversation"
    """What is given an arm, and keeps it; where it is not known, the next in this
    list."""
    shadows: list[str] = []
    """Strategies that are asked and recorded, and decide nothing."""
    salt: str = ""
    """Part of the hash: another salt gives everyone another arm."""


class Experiment:
    """Deterministic: the same subject has the same arm in every process, and a change
    of shares moves no more subjects than it must. Shares may be changed while it runs.
    """

    options = ExperimentOptions

    def __init__(self, name: str, options: ExperimentOptions, setting: Setting) -> None:
        self.name = name
        self._by = options.by
        self._salt = options.salt or name
        self._arms = {n: setting.named(n) for n in options.arms}
        self._shadows = [setting.named(n) for n in options.shadows]
        self.weights: Mapping[str, float] = {}
        self.change(options.arms)
        self.configured = self.weights
        # Who is given an arm by conversation must be able to read it.
        self.vetoes = any(vetoes(arm) for arm in self._arms.values())
        self.reads_prompt = self._by == "conversation" or any(
            reads(s) for s in [*self._arms.values(), *self._shadows]
        )

    def change(self, weights: Mapping[str, float]) -> None:
        """New shares of the arms.

        Raises:
            ValueError: an unknown arm, or nothing is left for anyone.
        """
        unknown = sorted(weights.keys() - self._arms.keys())
        if unknown:
            known = ", ".join(sorted(self._arms))
            raise ValueError(f"no arm {unknown[0]!r}; there are {known}")
        if not any(w > 0.0 for w in weights.values()):
            raise ValueError("some arm must have a share above 0")
        if any(w < 0.0 for w in weights.values()):
            raise ValueError("a share is 0 or more")
        if not math.isfinite(sum(weights.values())):
            raise ValueError("shares that large cannot be added up")
        self.weights = {n: float(weights.get(n, 0.0)) for n in self._arms}

    def arm(self, query: Query) -> Strategy:
        """By the hash of the subject."""
        seed = f"{self._salt}\0{self.subject(query)}".encode("utf-8", "replace")
        drawn = int.from_bytes(hashlib.sha256(seed).digest()[:7]) / SPACE
        at = drawn * sum(self.weights.values())
        for name, weight in self.weights.items():
            at -= weight
            if at < 0.0:
                return self._arms[name]
        return self._arms[max(self.weights, key=self.weights.__getitem__)]

    def subject(self, query: Query) -> str:
        """Whom the arm belongs to."""
        names = {
            "conversation": lambda: conversation(query),
            "user": lambda: query.user and f"{query.key}/{query.user}",
            "key": lambda: query.key,
            "request": lambda: query.id,
        }
        order = list(names)
        for kind in order[order.index(self._by) :]:
            if found := names[kind]():
                return f"{kind}:{found}"
        return ""

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        """As the arm of this query scores."""
        arm = self.arm(query)
        share = self.weights[arm.name] / sum(self.weights.values())
        return [
            msgspec.structs.replace(
                s, reason=f"arm {arm.name} ({share:.0%}); {s.reason}"
            )
            for s in arm.score(query, candidates, health)
        ]

    def shadows(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> tuple[Shadowed, ...]:
        """What those would have chosen who decide nothing."""
        found = []
        for strategy in self._shadows:
            scores = strategy.score(query, candidates, health)
            inside = [i for i, score in enumerate(scores) if not score.out]
            if not inside:
                continue
            at = max(inside, key=lambda i: scores[i].value)
            best = scores[at]
            found.append(
                Shadowed(
                    strategy.name, candidates[at].id, best.propensity, best.quality
                )
            )
        return tuple(found)
