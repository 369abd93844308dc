"""From answers that were given to lines of an outcome table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from routing.lab.lines import Line, Lines


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt that one model answered."""

    id: str
    model: str
    """`provider/model-id`."""
    alias: str
    group: str
    """Whose it was: what must not stand on both sides of a split by group."""
    cost: float | None
    """US dollars."""
    odds: Mapping[str, float]
    """Model -> how likely it was to be asked first; empty: unknown."""
    prompt: str = ""
    sketch: str = ""


def gathered(answers: Iterable[Answer], scores: Mapping[str, float]) -> Lines:
    """Lines in the order of the first answers, one a prompt; without those that nobody
    said anything about."""
    by_prompt: dict[str, list[Answer]] = {}
    models: set[str] = set()
    for answer in answers:
        key = answer.prompt.strip() or answer.sketch
        if not key or answer.id not in scores:
            continue
        by_prompt.setdefault(key, []).append(answer)
        models |= {answer.model, *answer.odds}
    named = sorted(models)
    whole = list(by_prompt.values())
    lines = [_line(own, named, scores) for own in whole]
    again = sum(len(own) - 1 for own in whole)
    return Lines("exchanges", named, lines, [own[0].group for own in whole], again)


def _line(own: list[Answer], models: list[str], scores: Mapping[str, float]) -> Line:
    said: defaultdict[str, list[float]] = defaultdict(list)
    paid: defaultdict[str, list[float]] = defaultdict(list)
    chance, served = dict.fromkeys(models, 0.0), dict.fromkeys(models, 0)
    drawn = [answer for answer in own if answer.odds]
    for answer in drawn:
        served[answer.model] += 1
        for model, odds in answer.odds.items():
            chance[model] += odds / len(drawn)
    for answer in own:
        said[answer.model].append(scores[answer.id])
        if answer.cost is not None:
            paid[answer.model].append(answer.cost)
    return Line(
        scores=[_mean(said[m]) for m in models],
        cost_usd=[_mean(paid[m]) for m in models],
        prompt=own[0].prompt,
        sketch=own[0].sketch,
        domain=own[0].alias,
        propensity=[round(chance[m], 9) for m in models],
        served=[served[m] for m in models],
    )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
