"""What routing talks about: queries, candidates, scores, plans. No HTTP in sight."""

from typing import Literal

import msgspec

Tier = Literal["fast", "advanced", "expert"]
"""What a model is for, least able first."""
TIERS: tuple[Tier, ...] = ("fast", "advanced", "expert")


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, as far as routing looks at it."""

    text: str = ""
    """What the user said last."""
    first: str = ""
    """What the user said first: with `system` it tells conversations apart."""
    system: str = ""
    turns: int = 0
    """Messages so far, whoever spoke."""
    tool_results: int = 0
    tools: int = 0
    """Offered to the model."""
    json: bool = False
    """JSON is wanted, of a schema or any."""
    images: int = 0
    audio: int = 0
    documents: int = 0
    effort: str = ""
    """Of reasoning, as asked for."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the client says about this one decision."""

    strategy: str = ""
    """Name of a strategy of the configuration, instead of the alias's own."""
    profile: str = ""
    """`auto`, `eco`, `premium`, `free`, `reasoning`: for strategies that know them."""
    quality: float | None = None
    """Share of the best model's expected quality that is enough, 0 to 1."""
    max_cost: float | None = None
    """US dollars that the call may be expected to cost; who is dearer, or whose price
    is unknown, is out."""
    pin: str = ""
    """Id of the only deployment that may serve."""
    regions: tuple[str, ...] = ()
    """Where it may be served: all else is out, also what is not known."""
    within: tuple[tuple[str, ...], ...] = ()
    """The same, as the configuration demands: all must hold."""
    tier: Tier | None = None
    """The least able kind of model that may serve."""
    tags: tuple[str, ...] = ()
    conversation: str = ""
    """The client's own name for the conversation."""


NO_WISHES = Wishes()


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
    id: str = ""
    """Of the exchange."""
    key: str = ""
    """Id of the virtual key, for stable assignment."""
    user: str = ""
    """The end user, as the client names it."""
    agent: str = ""
    """The client's `user-agent`."""
    prompt: Prompt | None = None
    """`None` where nobody who decides has asked for it."""
    wishes: Wishes = NO_WISHES
    cascades: bool = False
    """Whether a strategy may choose a cascade for it: see `Score.rung`."""
    may: tuple[str, ...] | None = None
    """Patterns of models (`openai/*`) that the key's calls may be sent to; `None`:
    all."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment while routing looks at it."""

    id: str
    model: str = ""
    """`provider/model-id`: what learned strategies know it by."""
    weight: float = 1.0
    order: int = 1
    """Lower tiers are tried first."""
    input_price: int | None = None
    """Pico-dollars per prompt token; `None`: unknown, never taken for free."""
    output_price: int | None = None
    """Pico-dollars per generated token."""
    cached_price: int | None = None
    """Pico-dollars per prompt token read from the provider's cache."""
    max_input_tokens: int | None = None
    operations: frozenset[str] = frozenset({"chat"})
    abilities: frozenset[str] | None = None
    """The catalogue's words (`vision`, `function_calling`, ...); `None`: unknown."""
    region: str = ""
    """Where it is served; empty: unknown."""
    tier: Tier | None = None
    """`None`: unknown, taken for the middle one."""
    rpm: int | None = None
    tpm: int | None = None
    """The limits that its provider sets, as configured."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a deployment is left alone."""

    failures: int = 5
    """Consecutive counted failures that open the breaker; 0: never."""
    open_s: float = 10.0
    """First pause of an open breaker; doubles with every failed probe."""
    open_max_s: float = 120.0
    max_parallel: int | None = None
    """Requests at once; more are sent elsewhere."""
    rpm: int | None = None
    tpm: int | None = None
    """Requests and tokens in any minute, counted by this process."""


class Score(msgspec.Struct, frozen=True):
    """How good a candidate is for a query, and why."""

    value: float
    """Higher is better; only the order matters."""
    reason: str
    propensity: float = 1.0
    """Probability that the strategy puts this candidate first."""
    quality: float | None = None
    """Expected, 0 to 1, where the strategy has an opinion."""
    out: str = ""
    """Why the strategy will not have it at all; empty: it may serve."""
    rung: int = 0
    """Its place, from 1, in the cascade that was chosen for the query; 0: none."""


class Ranked(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a plan."""

    candidate: str
    reason: str
    propensity: float
    quality: float | None = None
    rung: int = 0
    """As `Score.rung`."""


class Removed(msgspec.Struct, frozen=True):
    """A candidate that a hard limit took out."""

    candidate: str
    by: str
    """`cooldown`, `breaker`, `context_window`, `busy`, `rate`, `operation`, `pinned`
    (it does not hold what the call refers to), `wish` (the client named another),
    `ability:NAME`, `region`, `price`, `key`, `tier`, `strategy` (it said no)."""


class Shadowed(msgspec.Struct, frozen=True):
    """What a strategy that decides nothing would have chosen."""

    strategy: str
    candidate: str
    propensity: float = 1.0
    quality: float | None = None


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of an answer that was made by several."""

    part: str
    """What it was for: `rung`, `verifier`, `thinker`, `expert`, `planner`, `part`,
    `aggregator`."""
    candidate: str
    """Who answered it, or the alias that was asked."""
    said: str
    """What came of it; no words of the prompt or of an answer."""


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """Candidates in the order in which to try them."""

    order: tuple[Ranked, ...]
    strategy: str
    removed: tuple[Removed, ...] = ()
    arm: str = ""
    """Of an experiment: the strategy that this subject was given."""
    shadows: tuple[Shadowed, ...] = ()
    note: str = ""
    """What the strategy says of the query as a whole (`expert, 0.81`)."""
    steps: tuple[Step, ...] = ()
    """Of an answer that was made by several calls, in the order in which they ended."""

    @property
    def rungs(self) -> list[str]:
        """Candidates of the cascade that was chosen for this query; none: it is
        answered by the first that can."""
        return [step.candidate for step in self.order if step.rung]

    @property
    def is_of_one(self) -> bool:
        """Whether the answer is one model's own to the prompt, whoever was asked too.
        Else it says nothing about the model that spoke last."""
        return all(step.part in ("rung", "verifier") for step in self.steps)
