"""What another strategy will not have, where somebody else ranks."""

from collections.abc import Callable, Sequence

from routing.contract import Strategy, vetoes
from routing.health import Health
from routing.types import Candidate, Query, Score

Ranks = Callable[[Sequence[Candidate], Sequence[Health]], list[Score]]


def keeping(
    to: Strategy | None,
    query: Query,
    candidates: Sequence[Candidate],
    health: Sequence[Health],
    ranks: Ranks,
) -> list[Score]:
    """What `ranks` says of those that the strategy lets serve; the others are out.
    Who says no to nobody is not asked."""
    if to is None or not vetoes(to):
        return ranks(candidates, health)
    noes = to.score(query, candidates, health)
    inside = [i for i, score in enumerate(noes) if not score.out]
    found = [Score(s.value, s.reason, 0.0, s.quality, s.out) for s in noes]
    if inside:
        scores = ranks([candidates[i] for i in inside], [health[i] for i in inside])
        for i, score in zip(inside, scores, strict=True):
            found[i] = score
    return found
