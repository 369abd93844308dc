"""What came of decisions: scores, costs and times, by candidate."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from routing.contract import Options, Outcome
from routing.filters import expected
from routing.strategies.quality import MIDDLING, said
from routing.strategies.tally import Notes, Tally
from routing.types import Candidate, Query

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]

SIZES: Final = ((64, "xs"), (512, "s"), (2048, "m"))
"""Prompt tokens below which a prompt is of that size; else it is `l`."""
MOST_PAID: Final = 100.0
"""Times what was expected: more is not believed."""
TOLD: Final = 500
"""Lines of what people are shown."""


class Reward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What counts how much. What nobody knows of any candidate counts nothing."""

    quality: Annotated[float, Meta(ge=0)] = 0.5
    """Scores that clients give, 0 to 1."""
    price: Annotated[float, Meta(ge=0)] = 0.4
    """1 for nothing, 0 for the dearest candidate."""
    latency: Annotated[float, Meta(ge=0)] = 0.1
    """1 for at once, a half after `latency_s`."""


class ExperienceOptions(Options, frozen=True, kw_only=True):
    """What every strategy can be told that learns from scores."""

    reward: Reward = Reward()
    qualities: dict[str, Share] = {}
    """Deployment id or `provider/model-id`, or a pattern of them -> the quality that
    is expected before anybody has said."""
    prior: Annotated[float, Meta(gt=0)] = 5.0
    """Scores that this expectation is worth."""
    by: Literal["size", "none"] = "size"
    """Prompts whose scores are counted together: of one size, or all."""
    keep: Annotated[float, Meta(gt=0, le=1)] = 0.99
    """Share of what was learned that is left after a day."""
    latency_s: Annotated[float, Meta(gt=0)] = 2.0
    most: Count = 20_000
    """Candidates and sizes remembered at once."""


class Experience:
    """Scores, costs and times so far."""

    def __init__(self, options: ExperienceOptions, clock: Callable[[], float]) -> None:
        if not sum(msgspec.structs.astuple(options.reward)):
            raise ValueError("`reward`: something must count")
        self._options = options
        self.scores = Tally(2, keep=options.keep, most=options.most, clock=clock)
        """`size/candidate` -> how many scores, and their sum."""
        self.ends = Tally(4, keep=options.keep, most=options.most, clock=clock)
        """Candidate -> how many costs, their sum as shares of what was expected; how
        many times, their sum in seconds."""
        self.notes = Notes(scores=self.scores, ends=self.ends)

    def learn(self, outcome: Outcome) -> None:
        """A score, or else cost and time of an answer."""
        if outcome.quality is not None:
            name = self._name(outcome.query, outcome.candidate)
            weight = outcome.weight
            self.scores.add(name, (weight, weight * outcome.quality))
        elif outcome.ok:
            cost, guess = outcome.cost, outcome.expected_cost
            paid = (0.0, 0.0)
            if cost is not None and guess:
                paid = (1.0, min(cost / guess, MOST_PAID))
            self.ends.add(outcome.candidate, (*paid, 1.0, outcome.latency_s))

    def prior(self, candidate: Candidate) -> float:
        """The quality that is expected before anybody has said."""
        return said(self._options.qualities, candidate, MIDDLING)

    def belief(self, query: Query, candidate: Candidate) -> tuple[float, float]:
        """Alpha and beta of the quality's distribution."""
        count, total = self.scores.get(self._name(query, candidate.id))
        first, weight = self.prior(candidate), self._options.prior
        return (
            1.0 + weight * first + total,
            1.0 + weight * (1.0 - first) + max(0.0, count - total),
        )

    def rest(
        self, query: Query, candidates: Sequence[Candidate]
    ) -> tuple[float, list[float]]:
        """What a quality of 1 is worth, and what price and time of each are: the
        reward is `first * quality + second`, 0 to 1."""
        reward = self._options.reward
        ends = [self.ends.get(c.id) for c in candidates]
        prices = self._prices(query, candidates, ends)
        times = self._times(ends)
        price = reward.price if prices is not None else 0.0
        time = reward.latency if times is not None else 0.0
        total = reward.quality + price + time
        if not total:  # only what is unknown would count
            return 1.0, [0.0] * len(candidates)
        nothing = [0.0] * len(candidates)
        both = zip(prices or nothing, times or nothing, strict=True)
        return (
            reward.quality / total,
            [(price * p + time * t) / total for p, t in both],
        )

    def _prices(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        ends: Sequence[tuple[float, ...]],
    ) -> list[float] | None:
        """Unknown prices are the dearest; `None`: all are unknown."""
        costs: list[float | None] = []
        for candidate, (count, shares, _, _) in zip(candidates, ends, strict=True):
            cost = expected(query, candidate)
            # As if one answer had cost what was expected: the first says little.
            more = (1.0 + shares) / (1.0 + count)
            costs.append(None if cost is None else cost * more)
        known = [c for c in costs if c is not None]
        if not known:
            return None
        dearest = max(known) or 1.0
        return [0.0 if c is None else 1.0 - c / dearest for c in costs]

    def _times(self, ends: Sequence[tuple[float, ...]]) -> list[float] | None:
        """Who was never measured counts as the fastest; `None`: nobody was."""
        half = self._options.latency_s
        known = [half / (half + e[3] / e[2]) if e[2] > 0.0 else None for e in ends]
        measured = [t for t in known if t is not None]
        if not measured:
            return None
        return [max(measured) if t is None else t for t in known]

    def told(self) -> dict[str, Any]:
        """For people, the latest last."""
        lines = []
        for name, (count, total) in list(self.scores.items())[-TOLD:]:
            size, _, candidate = name.partition("/")
            lines.append(
                {
                    "deployment": candidate,
                    "size": size,
                    "scores": round(count, 3),
                    "quality": round(total / count, 4) if count > 0.0 else None,
                }
            )
        return {"learned": lines}

    def _name(self, query: Query, candidate: str) -> str:
        if self._options.by == "none":
            return f"all/{candidate}"
        tokens = query.input_tokens
        return f"{next((s for most, s in SIZES if tokens < most), 'l')}/{candidate}"
