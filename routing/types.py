"""What routing talks about: queries, candidates, scores, plans. No HTTP in sight."""

import msgspec


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A request as routing sees it."""

    alias: str
    """The name the client asked for."""
    input_tokens: int = 0
    """An estimate: body bytes / 4."""
    least_tokens: int = 0
    """A lower bound of the prompt's tokens; 0: none is known."""
    output_tokens: int = 0
    """What the client allows, or a guess."""
    operation: str = "chat"
    stream: bool = False
    key: str = ""
    """Id of the virtual key, for stable assignment."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment while routing looks at it."""

    id: str
    weight: float = 1.0
    order: int = 1
    """Lower tiers are tried first."""
    input_price: int | None = None
    """Pico-dollars per prompt token; `None`: unknown, never taken for free."""
    output_price: int | None = None
    """Pico-dollars per generated token."""
    max_input_tokens: int | None = None
    operations: frozenset[str] = frozenset({"chat"})


class Score(msgspec.Struct, frozen=True):
    """How good a candidate is for a query, and why."""

    value: float
    """Higher is better; only the order matters."""
    reason: str
    propensity: float = 1.0
    """Probability that the strategy puts this candidate first."""


class Ranked(msgspec.Struct, frozen=True):
    """One step of a plan."""

    candidate: str
    reason: str
    propensity: float


class Removed(msgspec.Struct, frozen=True):
    """A candidate that a hard limit took out."""

    candidate: str
    by: str
    """`cooldown`, `breaker`, `context_window`, `busy`, `rate`, `operation`, `pinned`
    (it does not hold what the call refers to)."""


class Plan(msgspec.Struct, frozen=True):
    """Candidates in the order in which to try them."""

    order: tuple[Ranked, ...]
    strategy: str
    removed: tuple[Removed, ...] = ()
