"""By pairwise gain: the cheapest that is likely no worse than the best."""

from typing import Annotated, Final

from msgspec import Meta

from routing.contract import Setting
from routing.learned.model import Model
from routing.strategies.estimates import Estimate
from routing.strategies.learned import Learned, LearnedOptions

_BEHIND: Final = 10.0
"""What keeps those that are not good enough behind all who are."""


class HybridOptions(LearnedOptions, frozen=True, kw_only=True):
    """`hybrid`."""

    threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    """How likely a model must do as well as the best, relative to the likeliest;
    default: by the quality wanted."""


class Hybrid(Learned):
    """Whoever is likely enough to do no worse than the best: the cheapest of them."""

    options = HybridOptions
    head = "hybrid"

    def __init__(self, name: str, options: HybridOptions, setting: Setting) -> None:
        super().__init__(name, options, setting)
        self._threshold = options.threshold

    def decide(
        self, model: Model, found: list[Estimate], share: float, trust: float
    ) -> tuple[list[float], str]:
        if self._threshold is None:
            return super().decide(model, found, share, trust)
        enough = self._threshold * max(e.quality for e in found)
        dearest = max(e.cost for e in found) or 1.0
        values = [
            1.0 - e.cost / dearest if e.quality >= enough else e.quality - _BEHIND
            for e in found
        ]
        return values, f"{enough:.3f} is enough"
