"""A conversation keeps its deployment; a prompt goes where its beginning is cached."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta
from msgspec.structs import replace

from routing.contract import Options, Outcome, Setting, vetoes
from routing.health import Health
from routing.strategies.noes import keeping
from routing.strategies.rules import lifted
from routing.types import Candidate, Query, Score

Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]

LEAST_CACHED: Final = 1024
"""Prompt tokens below which providers cache nothing.
Source: OpenAI's and Anthropic's documentation of prompt caching."""


class Memory:
    """Names -> who served them last, for a while; the oldest go first."""

    def __init__(self, most: int, keep_s: float) -> None:
        self._most = most
        self._keep_s = keep_s
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def get(self, name: str, now: float) -> str:
        """Empty when it is not known, or no longer."""
        found = self._known.get(name)
        return found[0] if found is not None and now < found[1] else ""

    def put(self, name: str, served: str, now: float) -> None:
        self._known[name] = (served, now + self._keep_s)
        self._known.move_to_end(name)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


class AffinityOptions(Options, frozen=True, kw_only=True):
    """`affinity`."""

    first: str = ""
    """The strategy that places a new conversation; empty: a hash of the conversation,
    in proportion to weights, the same in every process. Its no holds for all turns."""
    keep_s: Seconds = 3600.0
    """How long a silent conversation is remembered."""
    most: Count = 100_000
    """Conversations remembered at once."""


class Affinity:
    """All turns of a conversation to the deployment that served the first, as long as
    it can be asked; another takes over where it cannot, and keeps it."""

    options = AffinityOptions
    reads_prompt = True

    def __init__(self, name: str, options: AffinityOptions, setting: Setting) -> None:
        self.name = name
        self._clock = setting.clock
        self._first = setting.named(options.first) if options.first else None
        self.vetoes = self._first is not None and vetoes(self._first)
        self._memory = Memory(options.most, options.keep_s)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        talk = conversation(query)
        kept = self._memory.get(f"{query.alias}/{talk}", self._clock()) if talk else ""
        at = next((i for i, c in enumerate(candidates) if c.id == kept), None)
        if at is not None:
            scores = keeping(
                self._first,
                query,
                candidates,
                health,
                lambda left, _: [_turn(talk, c, here=c.id == kept) for c in left],
            )
            if not scores[at].out:
                return scores
        if self._first is not None:
            return self._first.score(query, candidates, health)
        drawn = [_rendezvous(talk or query.id, c) for c in candidates]
        best = drawn.index(max(drawn))  # the first, where weights are tiny
        return [
            Score(v, "by the conversation's hash", 1.0 if at == best else 0.0)
            for at, v in enumerate(drawn)
        ]

    def learn(self, outcome: Outcome) -> None:
        """Remember who served."""
        talk = conversation(outcome.query)
        if outcome.ok and talk:
            name = f"{outcome.query.alias}/{talk}"
            self._memory.put(name, outcome.candidate, self._clock())


class CacheOptions(Options, frozen=True, kw_only=True):
    """`prompt_cache`."""

    keep_s: Seconds = 300.0
    """How long providers keep a prompt's beginning after its last use."""
    most: Count = 100_000
    """Beginnings remembered at once."""
    then: str = "cheapest"
    """The strategy for prompts that are nowhere."""


class PromptCache:
    """Where the beginning of the prompt was sent last, and is cached still, as long
    as that is the cheaper way; else as `then` says."""

    options = CacheOptions
    reads_prompt = True

    def __init__(self, name: str, options: CacheOptions, setting: Setting) -> None:
        self.name = name
        self._clock = setting.clock
        self._then = setting.named(options.then)
        self.vetoes = vetoes(self._then)
        self._memory = Memory(options.most, options.keep_s)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        scores = self._then.score(query, candidates, health)
        now = self._clock()
        begun = _prefix(query)
        holder = self._memory.get(begun, now) if begun else ""
        both = zip(scores, candidates, strict=True)
        warm = [c.id == holder and not s.out for s, c in both]
        if not any(warm):
            return scores
        costs = [_cost(query, c, w) for c, w in zip(candidates, warm, strict=True)]
        least = min(costs)
        if not any(w and c <= least for w, c in zip(warm, costs, strict=True)):
            return [
                replace(s, reason=f"cheaper than the cache; {s.reason}") for s in scores
            ]
        values = lifted([s.value for s in scores], warm)
        return [
            Score(value, "the prompt's beginning is cached here")
            if w
            else Score(value, f"not cached here; {s.reason}", 0.0, out=s.out)
            for s, value, w in zip(scores, values, warm, strict=True)
        ]

    def learn(self, outcome: Outcome) -> None:
        """Remember where the prompt's beginning was sent."""
        query = outcome.query
        if outcome.ok and (name := _prefix(query)):
            self._memory.put(name, outcome.candidate, self._clock())


def conversation(query: Query) -> str:
    """What tells this conversation from others: the client's own name for it, or how
    it began; empty when neither is known."""
    if query.wishes.conversation:
        return f"{query.key}/{query.wishes.conversation}"
    prompt = query.prompt
    if prompt is None or not prompt.first:
        return ""
    begun = f"{query.key}\0{query.user}\0{prompt.system}\0{prompt.first}"
    return hashlib.sha256(begun.encode("utf-8", "replace")).hexdigest()


def _prefix(query: Query) -> str:
    """A name for how the prompt begins; empty where it is too short to be cached."""
    prompt = query.prompt
    if prompt is None or query.input_tokens < LEAST_CACHED:
        return ""
    begun = f"{query.alias}\0{prompt.system}\0{prompt.tools}\0{prompt.first}"
    return hashlib.sha256(begun.encode("utf-8", "replace")).hexdigest()


def _cost(query: Query, candidate: Candidate, warm: bool) -> float:
    if candidate.input_price is None or candidate.output_price is None:
        return math.inf
    price = candidate.input_price
    if warm and candidate.cached_price is not None:
        price = candidate.cached_price
    return query.input_tokens * price + query.output_tokens * candidate.output_price


def _turn(talk: str, candidate: Candidate, *, here: bool) -> Score:
    """Of a later turn."""
    if here:
        return Score(1.0, "the conversation is here")
    return Score(_rendezvous(talk, candidate), "not this conversation", 0.0)


def _rendezvous(name: str, candidate: Candidate) -> float:
    """Below 0: the highest serves; taking one away moves only what it had.
    Source: Thaler and Ravishankar, Using name-based mappings to increase hit rates
    (1998); weights as in Schindelhauer and Schomaker (2005)."""
    seed = f"{candidate.id}\0{name}".encode("utf-8", "replace")
    drawn = int.from_bytes(hashlib.sha256(seed).digest()[:7])
    u = (drawn + 1) / (2**56 + 1)
    # The logarithm of `u ** (1 / weight)`, which would vanish for small weights.
    return math.log(u) / max(candidate.weight, 1e-3)
