"""By rating."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import Meta

from routing.contract import Options, Outcome, Setting
from routing.health import Health
from routing.strategies.odds import shared
from routing.strategies.quality import said
from routing.strategies.tally import Notes, Tally
from routing.types import Candidate, Query, Score

PAR: Final = 1500.0
"""The rating of who wins half of its games; also of who never played."""
SCALE: Final = 400.0


class EloOptions(Options, frozen=True, kw_only=True):
    """`elo`."""

    ratings: dict[str, float] = {}
    """Deployment id or `provider/model-id`, or a pattern of them -> where it starts:
    1500 is half, 400 more are ten to one."""
    k: Annotated[float, Meta(ge=0, le=400)] = 16.0
    """Points that one score can move; 0: ratings stay as they are written."""
    keep: Annotated[float, Meta(gt=0, le=1)] = 0.99
    """Share of what was learned that is left after a day."""
    most: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


class Elo:
    """The highest rating. A score is the result of a game against par: who always
    scores 0.9 ends where nine of ten are won.

    Source: Elo, The rating of chessplayers (1978), with a fixed opponent.
    """

    options = EloOptions

    def __init__(self, name: str, options: EloOptions, setting: Setting) -> None:
        self.name = name
        self._options = options
        self._gains = Tally(
            2, keep=options.keep, most=options.most, clock=setting.clock
        )
        """Candidate -> points gained, games played."""
        self.notes = Notes(gains=self._gains)
        self.scored = Counter[str]()

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        self.scored["learned"] += 1
        ratings = [self._rating(c) for c in candidates]
        return [
            Score(rating, f"rating {rating:.0f}", odd, expectation(rating))
            for rating, odd in zip(ratings, shared(ratings), strict=True)
        ]

    def learn(self, outcome: Outcome) -> None:
        """From scores alone."""
        if outcome.quality is None:
            return
        known = Candidate(id=outcome.candidate, model=outcome.model)
        missed = outcome.quality - expectation(self._rating(known))
        weight = outcome.weight
        self._gains.add(outcome.candidate, (self._options.k * weight * missed, weight))

    def told(self) -> dict[str, Any]:
        return {
            "learned": [
                {"deployment": id, "gained": round(gain, 1), "scores": round(games, 3)}
                for id, (gain, games) in self._gains.items()
            ]
        }

    def _rating(self, candidate: Candidate) -> float:
        first = said(self._options.ratings, candidate, PAR)
        return first + self._gains.get(candidate.id)[0]


def expectation(rating: float) -> float:
    """Of a score."""
    return 1.0 / (1.0 + math.pow(10.0, min(max((PAR - rating) / SCALE, -50), 50)))
