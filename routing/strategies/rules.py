"""By rules that somebody wrote: tags, words, client programs."""

import math
import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from routing.contract import Options, Setting, vetoes
from routing.health import Health
from routing.strategies.quality import stands_for
from routing.types import Candidate, Query, Score

MAX_TEXT = 20_000
"""Characters of a prompt that expressions are tried on."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that it names must hold."""

    use: Annotated[list[str], Meta(min_length=1)]
    """Ids or models of deployments, or patterns of them: they go first."""
    tags: list[str] = []
    """The client must have sent all of them."""
    text: str = ""
    """A regular expression found in what the user said last, whatever the case."""
    system: str = ""
    """One found in the instructions."""
    agent: str = ""
    """Part of the client's `user-agent`, whatever the case."""
    only: bool = False
    """Nobody else may serve, also when all of `use` are out."""


class RulesOptions(Options, frozen=True, kw_only=True):
    """`rules`."""

    rules: Annotated[list[Rule], Meta(min_length=1)]
    """The first that fits decides."""
    then: str = "weighted"
    """The strategy that ranks those that the rule names, and those it does not."""


class Rules:
    """Whom the first fitting rule names, then the others."""

    options = RulesOptions
    reads_prompt = True

    def __init__(self, name: str, options: RulesOptions, setting: Setting) -> None:
        self.name = name
        self._then = setting.named(options.then)
        self.vetoes = any(rule.only for rule in options.rules) or vetoes(self._then)
        self._rules = [
            (rule, _compiled(rule.text), _compiled(rule.system))
            for rule in options.rules
        ]

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        scores = self._then.score(query, candidates, health)
        place, rule = self._first(query)
        if rule is None:
            return [said_by("no rule fits", s) for s in scores]
        chosen = [any(stands_for(p, c) for p in rule.use) for c in candidates]
        return put_first(scores, chosen, f"rule {place}", only=rule.only)

    def _first(self, query: Query) -> tuple[int, Rule | None]:
        prompt = query.prompt
        said = prompt.text[:MAX_TEXT] if prompt is not None else ""
        system = prompt.system[:MAX_TEXT] if prompt is not None else ""
        agent = query.agent.lower()
        for place, (rule, text, instructions) in enumerate(self._rules, 1):
            if (
                set(rule.tags) <= set(query.wishes.tags)
                and (text is None or text.search(said))
                and (instructions is None or instructions.search(system))
                and rule.agent.lower() in agent
            ):
                return place, rule
        return 0, None


def put_first(
    scores: Sequence[Score], chosen: Sequence[bool], by: str, *, only: bool
) -> list[Score]:
    """Those that are chosen before the others, each side in its own order; `only`:
    the others are out."""
    if not any(chosen) and not only:
        return [said_by(f"{by} has nobody", s) for s in scores]
    both = zip(scores, chosen, strict=True)
    total = sum(s.propensity for s, ours in both if ours)
    values = lifted([s.value for s in scores], chosen)
    return [
        Score(
            value,
            f"{by}; {s.reason}" if ours else f"not of {by}",
            _share(s.propensity, total, chosen.count(True)) if ours else 0.0,
            s.quality,
            s.out if ours or not only else f"{by} is for others",
        )
        for s, value, ours in zip(scores, values, chosen, strict=True)
    ]


def lifted(values: Sequence[float], chosen: Sequence[bool]) -> list[float]:
    """The chosen ones above the others. What has no end (the score of who has no
    price) is only the lowest."""
    lowest = min((v for v in values if math.isfinite(v)), default=0.0) - 1.0
    known = [max(v, lowest) for v in values]
    spread = max(known) - lowest + 1.0
    both = zip(known, chosen, strict=True)
    return [v + spread if ours else v for v, ours in both]


def said_by(by: str, score: Score) -> Score:
    """The same, with who else had a say."""
    return msgspec.structs.replace(score, reason=f"{by}; {score.reason}")


def _compiled(pattern: str) -> re.Pattern[str] | None:
    if not pattern:
        return None
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error


def _share(propensity: float, total: float, count: int) -> float:
    """Odds among the chosen; alike where the inner strategy gave them none."""
    return propensity / total if total > 0.0 else 1.0 / count
