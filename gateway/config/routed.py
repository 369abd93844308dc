"""How calls are routed, as the configuration says it."""

from typing import Any, Literal

from gateway.config.section import Dollars, Section


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


class Routing(Section, frozen=True, kw_only=True):
    """`routing`: what holds for every model that does not say otherwise."""

    strategy: str = "weighted"
    """A kind of strategy, or a name out of `strategies`."""
    strategies: dict[str, StrategyConfig] = {}
    """Strategies with options, by names of your own."""
    collect: Literal["off", "sketch", "text"] = "off"
    """What records keep of a prompt to learn from: nothing, hashed counts that no word
    can be read from, or what the user said last, redacted."""
