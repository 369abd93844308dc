"""What a strategy promises, and what it is given."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable

import msgspec
from msgspec import Meta

from routing.health import Health
from routing.types import Candidate, Query, Score, Shadowed


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a kind of strategy can be told in the configuration; each has its own."""


class Strategy(Protocol):
    """Scores candidates. One method; holds no request state."""

    name: str

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        """One score per candidate, in their order.

        Permuting the candidates permutes the scores (random strategies: in
        distribution). `health[i]` is the live state of `candidates[i]`.
        """
        ...


@runtime_checkable
class Blind(Protocol):
    """A strategy that looks at candidates alone, neither at queries nor at health: its
    plans can be kept."""

    name: str

    def draw(self, candidates: Sequence[Candidate]) -> tuple[int, ...]:
        """An order of the candidates, by their positions."""
        ...

    def odds(self, candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
        """Of each: why it stands where it does, and how likely it comes first."""
        ...


def vetoes(strategy: Strategy) -> bool:
    """Whether it may say no to a candidate (`vetoes`), so that it is asked also where
    only one is left."""
    return bool(getattr(strategy, "vetoes", False))


def gates(strategy: Strategy) -> bool:
    """Whether it may choose a cascade (`gates`) where a query allows that: its scores
    then say by `rung` who is asked in it."""
    return bool(getattr(strategy, "gates", False))


def reads(strategy: Strategy) -> bool:
    """Whether it looks at what is asked (`reads_prompt`): its queries then carry a
    `Prompt`."""
    return bool(getattr(strategy, "reads_prompt", False))


@runtime_checkable
class Splitter(Protocol):
    """A strategy that gives every subject to one of several others."""

    name: str

    def arm(self, query: Query) -> "Strategy":
        """Who decides for this query."""
        ...

    def shadows(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> tuple[Shadowed, ...]:
        """What those would have done who decide nothing."""
        ...


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy wants to know of another server."""

    key: str
    """Its own name for it."""
    body: bytes
    """JSON, to be posted."""
    timeout_s: float


@runtime_checkable
class Remote(Protocol):
    """A strategy that is told something by another server before it scores; without
    that it scores all the same."""

    name: str
    url: str
    headers: Mapping[str, str]

    def question(
        self, query: Query, candidates: Sequence[Candidate]
    ) -> Question | None:
        """What to ask; `None`: nothing, it knows."""
        ...

    def answered(
        self, question: Question, body: bytes, candidates: Sequence[Candidate]
    ) -> None:
        """The answer.

        Raises:
            ValueError: it cannot be read.
        """
        ...

    def failed(self, why: str) -> None:
        """There is no answer; `why` in few words, none of them secret."""
        ...


class Method(Options, frozen=True, kw_only=True):
    """How one answer is made of several calls; what all ways of that have."""

    max_s: Annotated[float, Meta(gt=0)] = 120.0
    """Seconds after which no other call is begun, and those under way are ended."""
    max_tokens: Annotated[int, Meta(ge=1)] = 200_000
    """Tokens of all calls together after which no other is begun."""


@runtime_checkable
class Conducting(Protocol):
    """A strategy by which one answer is made of several calls, by whoever has a
    network. Whom they may go to, best first, its scores say; and where a call goes
    that is answered plainly."""

    name: str
    method: Method
    """Its class tells what is done."""

    def helpers(self) -> dict[str, str]:
        """Its options that name other models -> the models."""
        ...


@runtime_checkable
class Weighing(Protocol):
    """A strategy whose shares may be changed while it runs."""

    name: str
    configured: Mapping[str, float]
    weights: Mapping[str, float]
    """As they are now."""

    def change(self, weights: Mapping[str, float]) -> None:
        """New shares.

        Raises:
            ValueError: they cannot be; the old ones stay.
        """
        ...


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a decision: told of every attempt when the exchange ends, and again
    when a client has scored the answer (then only `quality` is news)."""

    query: Query
    """Told with a score, it has lost the prompt's words."""
    candidate: str
    """Who was asked."""
    model: str = ""
    """`provider/model-id` of the candidate."""
    ok: bool
    latency_s: float
    """To the whole answer, or to a stream's first token."""
    cost: float | None
    """US dollars; `None`: unknown."""
    expected_cost: float | None = None
    """What the call was expected to cost there, in US dollars."""
    quality: float | None = None
    """0 to 1; `None`: nobody has said."""
    weight: float = 1.0
    """How much it counts, 0 to 1: a key that says too much counts less."""
    last: bool = True
    """Whether no other attempt of the exchange is told of after this one."""


@runtime_checkable
class Learner(Protocol):
    """A strategy that learns from what came of decisions, its own and others'."""

    name: str

    def learn(self, outcome: Outcome) -> None:
        """Take note; called on the loop, so quick."""
        ...


class Notes(Protocol):
    """What a strategy has learned, where it is to outlive the process."""

    @property
    def fresh(self) -> bool:
        """Whether something was learned since the last `join`."""
        ...

    def join(self, theirs: bytes | None, age_s: float) -> bytes:
        """What was kept `age_s` seconds ago, by this process or another, with what was
        learned here since the last `join`: known here from now on, and to be kept.

        Whoever cannot add lessons up takes what was kept once, and then keeps its own:
        the last writer wins.

        Raises:
            ValueError: it is not what this strategy keeps.
        """
        ...

    def unwritten(self) -> None:
        """What `join` said last could not be kept: it is news again."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """A learner whose lessons are kept; only such learn from scores."""

    name: str
    notes: Notes

    def learn(self, outcome: Outcome) -> None:
        """As `Learner.learn`."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A strategy that can show people what it learned."""

    name: str

    def told(self) -> dict[str, Any]:
        """Plain values, and not too many."""
        ...


@runtime_checkable
class Reloading(Protocol):
    """A strategy over something on disk that may change while it runs."""

    name: str

    def reload(self) -> None:
        """Look at it now; blocks the calling thread."""
        ...

    def counts(self) -> Mapping[str, int]:
        """How often what went wrong: artifacts `refused`, decisions `failed`, versions
        `withdrawn` here, and `rolled_back` by anyone."""
        ...

    def serving(self) -> "Serving | None":
        """What decides now; `None`: nothing of that kind."""
        ...


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned before, and decides now."""

    version: str
    digest: str
    made_s: float
    """Unix seconds at which it was trained."""


@runtime_checkable
class Counting(Protocol):
    """A strategy that says by what it scored, how often."""

    name: str
    scored: Mapping[str, int]
    """`learned`: by what was learned, here or by the server that it asks; `otherwise`:
    another strategy did, for lack of that; `rest`: another did, for a while after a
    failure."""


@runtime_checkable
class Forgetting(Protocol):
    """A strategy that remembers people, and forgets them."""

    name: str

    def forget(self, subject: str) -> bool:
        """Everything about a subject (a key's id, or `KEY/USER`); whether something
        was known here."""
        ...


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What strategies are made with, besides their options."""

    rng: random.Random
    clock: Callable[[], float]
    """Monotonic seconds."""
    named: Callable[[str], Strategy]
    """Another strategy of the configuration.

    Raises LookupError: there is none, or it leads back to who asks."""


class Kind(Protocol):
    """How a strategy is made: its class."""

    options: ClassVar[type[Options]]

    def __call__(self, name: str, options: Any, setting: Setting) -> Strategy:
        """Raises ValueError for options that do not go together."""
        ...
