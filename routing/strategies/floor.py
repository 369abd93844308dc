"""A floor under what is expected of whoever serves: below it nobody ranks."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from routing.contract import Options, Setting, reads
from routing.health import Health
from routing.types import Candidate, Query, Score

Share = Annotated[float, Meta(ge=0, le=1)]


class FloorOptions(Options, frozen=True, kw_only=True):
    """`floor`."""

    of: str
    """The strategy that tells qualities. Its no holds."""
    share: Share = 0.9
    """Of the best quality of all who could be asked instead, that must be expected of
    who serves: of those who are not cooling down, in the same tier. A client's wish
    (`x-routeiq-quality`) can only raise it."""
    least: Share = 0.0
    """Quality that must be expected whoever else is there: also where nobody has it,
    or the best are cooling down."""
    strict: bool = False
    """Who has no quality that `of` would tell is out; else it may serve."""
    then: str = "weighted"
    """The strategy that ranks those who may serve."""


class Floor:
    """Who is not able enough for this very prompt is out, also where those who are fail
    at it; among these another strategy chooses."""

    options = FloorOptions
    vetoes = True

    def __init__(self, name: str, options: FloorOptions, setting: Setting) -> None:
        self.name = name
        self._options = options
        self._of = setting.named(options.of)
        self._then = setting.named(options.then)
        self.reads_prompt = reads(self._of) or reads(self._then)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        told = self._of.score(query, candidates, health)
        enough = self._enough(query, told)
        noes = [s.out or self._short(s.quality, enough) for s in told]
        found = [
            Score(0.0, no, 0.0, s.quality, no) for s, no in zip(told, noes, strict=True)
        ]
        inside = [i for i, no in enumerate(noes) if not no]
        if not inside:
            return found
        ranked = self._then.score(
            query, [candidates[i] for i in inside], [health[i] for i in inside]
        )
        for i, score in zip(inside, ranked, strict=True):
            own = told[i].quality
            said = "unknown" if own is None else f"{own:.3f}"
            reason = f"quality {said}, at least {enough:.3f}; {score.reason}"
            quality = own if score.quality is None else score.quality
            found[i] = replace(score, reason=reason, quality=quality)
        return found

    def _enough(self, query: Query, told: Sequence[Score]) -> float:
        known = [s.quality for s in told if s.quality is not None and not s.out]
        share = max(self._options.share, query.wishes.quality or 0.0)
        return max(share * max(known, default=0.0), self._options.least)

    def _short(self, quality: float | None, enough: float) -> str:
        """Why a quality does not do; empty: it does."""
        if quality is None:
            return "quality unknown" if self._options.strict else ""
        if quality < enough - 1e-9:
            return f"quality {quality:.3f}, under {enough:.3f}"
        return ""
