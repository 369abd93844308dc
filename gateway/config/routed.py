"""How calls are routed, as the configuration says it."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from gateway.config.section import Count, Dollars, Seconds, Section, Share


class Require(Section, frozen=True, kw_only=True):
    """`require` of a model: fails closed."""

    regions: list[str] = []
    """Where it may be served: `eu`, `us`, `uk`, `ap`, a region's name or a pattern."""
    tier: Literal["fast", "advanced", "expert"] | None = None
    """The least able kind of model that may serve."""
    max_cost: Dollars | None = None
    """US dollars that a call may be expected to cost."""


class StrategyConfig(Section, frozen=True, kw_only=True):
    """One of `routing.strategies`."""

    kind: str
    """`routeiq schema` and `configs/reference.yaml` list them."""
    options: dict[str, Any] = {}
    """Its own; see its kind."""


class Learning(Section, frozen=True, kw_only=True):
    """`routing.learning`: what strategies learn from, and where it is kept."""

    feedback_days: Annotated[float, Meta(gt=0, le=90)] = 7.0
    """How long after an answer a score of it still teaches."""
    full_scores: Count = 50
    """Scores of a virtual key and day that count whole; more count ever less, and
    never twice as much together. A key may also say a quarter of what others say."""
    sync_s: Seconds = 2.0
    """How often workers tell each other, and the store, what they learned."""


class Judge(Section, frozen=True, kw_only=True):
    """`routing.judge`: whom `routeiq routing judge` asks how good answers were."""

    model: str = ""
    """An alias; its own answers are not judged."""
    share: Share = 0.1
    """Of the answers."""
    budget_usd: Dollars = 1.0
    """US dollars of one run; 0: it costs nothing."""
    rubric: str = ""
    """What a good answer is; empty: right, and what was asked."""
    full_scores: Annotated[int, Meta(ge=0)] | None = None
    """Scores of a day that teach whole; `null`: as a key's
    (`learning.full_scores`)."""


class Routing(Section, frozen=True, kw_only=True):
    """`routing`: what holds for every model that does not say otherwise."""

    strategy: str = "weighted"
    """A kind of strategy, or a name out of `strategies`."""
    strategies: dict[str, StrategyConfig] = {}
    """Strategies with options, by names of your own."""
    learning: Learning = Learning()
    collect: Literal["off", "sketch", "text"] = "off"
    """What records keep of a prompt to learn from: nothing, hashed counts that no word
    can be read from, or what the user said last, redacted."""
    judge: Judge = Judge()
