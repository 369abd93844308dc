"""By what this user, or this team, has liked so far."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from routing.contract import Options, Outcome, Setting, reads, vetoes
from routing.filters import expected
from routing.health import Health
from routing.strategies.noes import keeping
from routing.strategies.odds import shared
from routing.strategies.quality import MIDDLING, said
from routing.strategies.tally import Notes, Tally
from routing.types import Candidate, Query, Score

WIDTH: Final = 33
"""Of a preference: 32 dimensions, and the count of scores."""
Share = Annotated[float, Meta(ge=0, le=1)]


class PersonalisedOptions(Options, frozen=True, kw_only=True):
    """`personalised`."""

    by: Literal["user", "key"] = "user"
    """Whose preference: the end user's (`user` of the call), where the client names
    one, or that of all who share a key."""
    then: str = "weighted"
    """The strategy for those of whom nothing is known. Its no holds for all."""
    qualities: dict[str, Share] = {}
    """Deployment id or `provider/model-id`, or a pattern of them -> what everyone
    thinks of it; 0.5 for others."""
    taste: Share = 0.7
    """How much the subject's own preference counts beside `qualities`."""
    rate: Annotated[float, Meta(gt=0, le=1)] = 0.2
    """How far one score moves a preference."""
    keep: Annotated[float, Meta(gt=0, le=1)] = 0.99
    """Share of a preference that is left after a day."""
    most: Annotated[int, Meta(ge=1, le=1_000_000)] = 2_000
    """Subjects remembered at once."""


class Personalised:
    """A vector of preference for every subject over what models are like: their name,
    maker and tier. What was liked of one says something of its kin."""

    options = PersonalisedOptions

    def __init__(
        self, name: str, options: PersonalisedOptions, setting: Setting
    ) -> None:
        self.name = name
        self._options = options
        self._then = setting.named(options.then)
        self.reads_prompt = reads(self._then)
        self.vetoes = vetoes(self._then)
        self.scored = Counter[str]()
        self._tastes = Tally(
            WIDTH, keep=options.keep, most=options.most, clock=setting.clock
        )
        """Mark of the subject -> its vector, and how many scores."""
        self.notes = Notes(tastes=self._tastes)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        subject = self._subject(query)
        *taste, count = self._tastes.get(mark(subject)) if subject else (0.0,)
        if count <= 0.0:
            self.scored["otherwise"] += 1
            return self._then.score(query, candidates, health)
        self.scored["learned"] += 1
        return keeping(
            self._then,
            query,
            candidates,
            health,
            lambda left, _: self._liked(taste, count, query, left),
        )

    def _liked(
        self,
        taste: Sequence[float],
        count: float,
        query: Query,
        candidates: Sequence[Candidate],
    ) -> list[Score]:
        values, reasons = [], []
        for candidate in candidates:
            liked = sum(map(mul, taste, kind(candidate.model or candidate.id)))
            common = said(self._options.qualities, candidate, MIDDLING)
            weight = self._options.taste
            values.append(weight * liked + (1.0 - weight) * common)
            reasons.append(f"liked {liked:+.3f} by {count:.0f} scores")
        # Who are equally liked: the cheaper one.
        costs = [expected(query, c) or 0.0 for c in candidates]
        dearest = max(costs) or 1.0
        values = [
            v - 1e-6 * cost / dearest for v, cost in zip(values, costs, strict=True)
        ]
        odds = shared(values)
        return [
            Score(v, reason, odd)
            for v, reason, odd in zip(values, reasons, odds, strict=True)
        ]

    def learn(self, outcome: Outcome) -> None:
        """From scores alone: above a half is liking, below it dislike."""
        subject = self._subject(outcome.query)
        if outcome.quality is None or not subject:
            return
        name = mark(subject)
        *taste, _ = self._tastes.get(name)
        like = kind(outcome.model or outcome.candidate)
        aim = 2.0 * outcome.quality - 1.0
        # As far as its own direction says otherwise: repeating it never overshoots.
        missed = aim - sum(map(mul, taste, like))
        step = self._options.rate * outcome.weight * missed
        self._tastes.add(name, (*(step * v for v in like), outcome.weight))

    def forget(self, subject: str) -> bool:
        """Everything about one: a key's id, or `KEY/USER`."""
        return self._tastes.forget(mark(subject))

    def told(self) -> dict[str, Any]:
        """Nobody by name."""
        return {"subjects": sum(1 for _ in self._tastes.items())}

    def _subject(self, query: Query) -> str:
        if self._options.by == "key":
            return query.key
        return f"{query.key}/{query.user}" if query.user else ""


def mark(subject: str) -> str:
    """What stands for the subject in what is kept."""
    return hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()[:32]


@lru_cache(maxsize=4096)
def kind(model: str) -> tuple[float, ...]:
    """What a model is like, as a vector of length 1: mostly itself, then its family
    (`claude`, `gpt`), then who makes it."""
    maker, _, name = model.partition("/")
    vector = [0.0] * (WIDTH - 1)
    for word, weight in ((model, 0.85), (name.split("-")[0], 0.4), (maker, 0.25)):
        digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        for i in range(WIDTH - 1):
            sign = 1.0 if digest[i // 8] >> (i % 8) & 1 else -1.0
            vector[i] += weight * sign
    length = math.sqrt(math.fsum(v * v for v in vector))
    return tuple(v / length for v in vector)
