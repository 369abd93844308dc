"""Answers that are made of several calls: how, and whom they may go to.

These kinds only rank, as `then` says; the calls are made by whoever has a network.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta

from routing.contract import Method, Setting, gates, reads, vetoes
from routing.health import Health
from routing.types import Candidate, Query, Score

THEN: Final = "cheapest"
RUNGS: Final = 3
Share = Annotated[float, Meta(ge=0, le=1)]
Tokens = Annotated[int, Meta(ge=16)]


class Ranking(Method, frozen=True, kw_only=True):
    """What all of these can be told."""

    then: str = THEN
    """The strategy that ranks."""


class CascadeOptions(Ranking, frozen=True, kw_only=True):
    """`cascade`."""

    doubt: Literal["agree", "verify"] = "agree"
    """`agree`: the first two are asked at once, and believed when they say the same;
    `verify`: one after the other, until an answer stands up to being looked at."""
    rungs: Annotated[int, Meta(ge=2, le=8)] = RUNGS
    """How many are asked at the most; the last one is believed."""
    router: str = ""
    """A learned strategy that chooses for each call, among the cascades that its
    artifact knows (`routeiq routing train --cascade`) and its models alone; empty:
    every call is answered by the first `rungs` that `then` ranks."""
    verifier: str = ""
    """The model that judges answers (`verify`); empty: only what can be seen without
    one counts."""
    rubric: str = "The answer is correct, complete, and does what was asked."
    """What the verifier looks for."""
    threshold: Share = 0.7
    """What the verifier must give, 0 to 1."""
    verifier_tokens: Tokens = 2048
    """Of a verdict, the verifier's thoughts included."""


class RouterR1Options(Ranking, frozen=True, kw_only=True):
    """`router_r1`."""

    thinker: str
    """The model that thinks aloud, and decides whom to ask what."""
    about: dict[str, str] = {}
    """Deployment id or `provider/model-id`, or a pattern of them -> what it is good
    at, for the thinker to read."""
    max_iterations: Annotated[int, Meta(ge=1, le=16)] = 4
    """Turns of the thinker."""
    turn_tokens: Tokens = 4096
    """Tokens of a turn's thoughts, and of an expert's reply. The answer has what the
    client allows besides, or as many again."""


class AgenticOptions(Ranking, frozen=True, kw_only=True):
    """`agentic`."""

    planner: str
    """The model that takes a prompt apart."""
    aggregator: str = ""
    """The model that makes one answer of the parts'; empty: who else would answer."""
    threshold: Share = 0.5
    """Estimated complexity, 0 to 1, below which a call is answered plainly."""
    parts: Annotated[int, Meta(ge=2, le=4)] = 4
    """Into how many a prompt is taken apart at the most."""
    part_tokens: Tokens = 4096
    """Of what the planner says, and of the answer to each part. What is made of them
    has what the client allows."""


class _Ranked:
    """Ranks as another strategy does."""

    def __init__(self, name: str, then: str, setting: Setting) -> None:
        self.name = name
        self._then = setting.named(then)
        self.reads_prompt = reads(self._then)
        self.vetoes = vetoes(self._then)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        return self._then.score(query, candidates, health)


class Cascade(_Ranked):
    """The cheapest first, and a dearer one where there is doubt.

    Source: Chen, Zaharia and Zou, FrugalGPT (2023); Yue et al., Large language model
    cascades with mixture of thoughts representations (2023), for agreement.
    """

    options = CascadeOptions

    def __init__(self, name: str, options: CascadeOptions, setting: Setting) -> None:
        if options.doubt == "agree" and options.verifier:
            raise ValueError("a `verifier` is only asked with `doubt: verify`")
        super().__init__(name, options.router or options.then, setting)
        if options.router:
            if not gates(self._then):
                raise ValueError(
                    f"`router` is a strategy over an artifact, or `explore` of one;"
                    f" {options.router!r} is not"
                )
            if options.doubt != "agree":
                raise ValueError("a `router` has learned what two say at once: `agree`")
            if (options.then, options.rungs) != (THEN, RUNGS):
                raise ValueError("a `router` leaves nothing to `then` and `rungs`")
        self.method = options

    def helpers(self) -> dict[str, str]:
        verifier = self.method.verifier
        return {"verifier": verifier} if verifier else {}


class RouterR1(_Ranked):
    """A model that thinks and asks others in turns, until it knows the answer.

    Source: Zhang, Feng and You, Router-R1: teaching LLMs multi-round routing and
    aggregation via reinforcement learning (2025).
    """

    options = RouterR1Options

    def __init__(self, name: str, options: RouterR1Options, setting: Setting) -> None:
        super().__init__(name, options.then, setting)
        self.method = options

    def helpers(self) -> dict[str, str]:
        return {"thinker": self.method.thinker}


class Agentic(_Ranked):
    """What is complex is taken apart, answered in parts at once, and put together."""

    options = AgenticOptions

    def __init__(self, name: str, options: AgenticOptions, setting: Setting) -> None:
        super().__init__(name, options.then, setting)
        self.method = options

    def helpers(self) -> dict[str, str]:
        named = {"planner": self.method.planner}
        if self.method.aggregator:
            named["aggregator"] = self.method.aggregator
        return named
