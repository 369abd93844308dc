"""By what a prompt is about: phrases that somebody wrote stand for each intent."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from routing.contract import Options, Setting, vetoes
from routing.health import Health
from routing.strategies.quality import stands_for
from routing.strategies.rules import put_first, said_by
from routing.text import Reader
from routing.types import Candidate, Query, Score

_ENGLISH: Final = """
a an the of to in is are was were be do does did i you it this that these those my your
me we us what how why who which when where can could would should please and or for on
with as at from by if have has had not no there will just need want
"""
FILLERS: Final = frozenset(_ENGLISH.split())
"""English words that tell nothing of what is asked."""


class Intent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that prompts may be about."""

    phrases: Annotated[list[str], Meta(min_length=1, max_length=1000)]
    """What users say then: five or more, in their own words and languages."""
    use: Annotated[list[str], Meta(min_length=1)]
    """Ids or models of deployments, or patterns of them: they go first."""
    only: bool = False
    """Nobody else may serve, also when all of `use` are out."""


class IntentOptions(Options, frozen=True, kw_only=True):
    """`intent`."""

    intents: Annotated[dict[str, Intent], Meta(min_length=1)]
    """By names of your own."""
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.08
    """Cosine to an intent's phrases below which a prompt has none."""
    then: str = "weighted"
    """The strategy that ranks those that the intent names, and those it does not."""


class Intents:
    """Whom the nearest intent names, then the others.

    Words, their beginnings and pairs of them are counted; those that several intents
    share count less. Each intent is the mean of its phrases.
    """

    options = IntentOptions
    reads_prompt = True

    def __init__(self, name: str, options: IntentOptions, setting: Setting) -> None:
        self.name = name
        self._options = options
        self._then = setting.named(options.then)
        noes = any(intent.only for intent in options.intents.values())
        self.vetoes = noes or vetoes(self._then)
        self._reader = Reader()
        means = {
            intent: self._mean(own.phrases) for intent, own in options.intents.items()
        }
        for intent, mean in means.items():
            if not mean:
                raise ValueError(f"the phrases of {intent!r} hold no telling word")
        shared: dict[int, int] = defaultdict(int)
        for mean in means.values():
            for feature in mean:
                shared[feature] += 1
        self._rare = math.log(1 + len(means))
        self._weights = {f: math.log(1 + len(means) / n) for f, n in shared.items()}
        self._index: dict[int, list[tuple[str, float]]] = defaultdict(list)
        for intent, mean in means.items():
            for feature, value in _unit(self._weighed(mean)).items():
                self._index[feature].append((intent, value))

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        scores = self._then.score(query, candidates, health)
        text = query.prompt.text if query.prompt is not None else ""
        intent, near = self.nearest(text)
        if near < self._options.threshold or not intent:
            return [said_by(f"no intent, {near:.2f}", score) for score in scores]
        own = self._options.intents[intent]
        chosen = [any(stands_for(p, c) for p in own.use) for c in candidates]
        return put_first(scores, chosen, f"intent {intent}, {near:.2f}", only=own.only)

    def nearest(self, text: str) -> tuple[str, float]:
        """The intent of a text, and the cosine to it; empty and 0 where they share
        nothing."""
        cosines: dict[str, float] = defaultdict(float)
        for feature, value in _unit(self._weighed(self._counts(text))).items():
            for intent, other in self._index.get(feature, ()):
                cosines[intent] += value * other
        if not cosines:
            return "", 0.0
        best = max(cosines, key=cosines.__getitem__)
        return best, min(1.0, cosines[best])

    def _mean(self, phrases: Sequence[str]) -> dict[int, float]:
        total: dict[int, float] = defaultdict(float)
        for phrase in phrases:
            for feature, value in _unit(self._counts(phrase)).items():
                total[feature] += value
        return total

    def _counts(self, text: str) -> dict[int, float]:
        bag = self._reader.bag(text, FILLERS)
        return {feature: math.log1p(count) for feature, count in bag.items()}

    def _weighed(self, counts: Mapping[int, float]) -> dict[int, float]:
        weights, rare = self._weights, self._rare
        return {f: value * weights.get(f, rare) for f, value in counts.items()}


def _unit(vector: Mapping[int, float]) -> dict[int, float]:
    """Of length 1; empty where it has none."""
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {f: value / length for f, value in vector.items()} if length else {}
