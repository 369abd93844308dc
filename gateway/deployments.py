"""Aliases and what stands behind them: live objects made from the configuration.

A `Deployment` is one model at one provider under one credential, with its health. An
`Alias` is a name clients ask for. Wildcards (`openai/*`) make aliases on demand.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from adapters.catalog import Price
from adapters.contract import Provider, Target, Upstream
from adapters.errors import BadCall
from gateway.config import schema
from gateway.credentials.contract import Signer
from gateway.net.client import Limits
from gateway.net.loopback import Asker
from gateway.telemetry.redact import Redactor
from routing.book import BadStrategy, Book
from routing.contract import (
    Blind,
    Conducting,
    Learner,
    Remote,
    Splitter,
    Strategy,
    vetoes,
)
from routing.engine import Pool, plan
from routing.health import Health
from routing.types import Candidate, Plan, Query

SLOTS: Final = 11
"""Of a retry budget's window."""
MAX_NAME: Final = 256
"""Characters of a name that a wildcard may make."""
MAX_ON_DEMAND: Final = 2000
"""Aliases that wildcards may have made at once; the oldest unused ones go."""


LONG: Final = 4096
"""Bytes of a body that is not searched for words, but read."""
MARKS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "vision": (b"image",),
    "audio_input": (b"audio",),
    "pdf_input": (b"document", b"file", b"pdf"),
    "function_calling": (b"tool", b"function"),
    "response_schema": (b"json", b"chema"),
}
"""Ability -> words that stand in every body that asks for it, in any dialect."""


class Deployment:
    """One deployment, ready to be asked."""

    __slots__ = (
        "account",
        "address",
        "candidate",
        "client",
        "drop",
        "health",
        "id",
        "limits",
        "params",
        "price",
        "provider",
        "redactor",
        "served_headers",
        "signer",
        "target",
        "total_s",
        "upstream",
    )

    def __init__(
        self,
        *,
        id: str,
        provider: Provider,
        upstream: Upstream,
        target: Target,
        client: Asker,
        candidate: Candidate,
        health: Health,
        timeouts: schema.Timeouts,
        price: Price | None,
        params: Mapping[str, Any],
        drop: Sequence[str],
        address: tuple[str, int],
        redactor: Redactor,
        signer: Signer | None = None,
        account: str = "",
    ) -> None:
        self.id = id
        self.account = account
        """The mark of its account: see `gateway.accounts`."""
        self.provider = provider
        self.upstream = upstream
        self.target = target
        self.client = client
        self.candidate = candidate
        self.health = health
        self.limits = Limits(
            timeouts.connect_s, timeouts.first_token_s, timeouts.idle_s
        )
        self.total_s = timeouts.total_s
        self.price = price
        self.params = {k: msgspec.json.encode(v) for k, v in params.items()}
        """Fields of the provider's own body set when the client did not, as JSON."""
        self.drop = frozenset(drop)
        self.address = address
        self.signer = signer
        """Who signs for it, where it has no fixed key; `client` does so by itself."""
        self.redactor = redactor
        """Knows what this provider is sent and could say again."""
        self.served_headers: tuple[tuple[bytes, bytes], ...] = (
            (b"x-routeiq-deployment", header_text(id)),
            (b"x-routeiq-provider", provider.id.encode()),
        )


def header_text(text: str) -> bytes:
    """Text as a header's value: what a header cannot carry becomes `?`."""
    return bytes(ord(c) if " " <= c <= "~" else 63 for c in text)


class Budget:
    """Retries allowed as a share of live requests: Envoy's retry budget.

    Counted in short slots, so that the past fades without a timer.
    """

    __slots__ = ("_least", "_next", "_ratio", "_requests", "_retries", "_slot_s")

    def __init__(self, ratio: float, least: int, window_s: float = 10.0) -> None:
        self._ratio = ratio
        self._least = float(least)
        self._slot_s = window_s / (SLOTS - 1)  # one more is under way
        self._next = 0.0
        self._requests = [0] * SLOTS
        self._retries = [0] * SLOTS

    def request(self, now: float) -> None:
        """A request came."""
        if now >= self._next:
            self._turn(now)
        self._requests[0] += 1

    def take(self, now: float) -> bool:
        """Whether one more retry is allowed; counts it."""
        if now >= self._next:
            self._turn(now)
        allowed = max(self._least, self._ratio * sum(self._requests))
        if sum(self._retries) >= allowed:
            return False
        self._retries[0] += 1
        return True

    def _turn(self, now: float) -> None:
        passed = min(SLOTS, 1 + int((now - self._next) / self._slot_s))
        fresh = [0] * passed
        self._requests = (fresh + self._requests)[:SLOTS]
        self._retries = (fresh + self._retries)[:SLOTS]
        self._next += passed * self._slot_s
        if self._next <= now:  # long ago
            self._next = now + self._slot_s


class _Only:
    """Where there is no choice, whatever the strategy."""

    def __init__(self, name: str) -> None:
        self.name = name

    def draw(self, candidates: Sequence[Candidate]) -> tuple[int, ...]:
        return (0,)

    def odds(self, candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
        return [("the only deployment", 1.0)]


class Alias:
    """A name and the deployments behind it."""

    __slots__ = (
        "_blind",
        "_book",
        "_by_id",
        "_conducted",
        "_marks",
        "_pool",
        "_remotes",
        "_strategy",
        "budget",
        "deployments",
        "hidden",
        "model",
        "name",
        "retries",
        "smallest_window",
    )

    def __init__(
        self,
        name: str,
        model: schema.Model,
        deployments: Sequence[Deployment],
        strategy: str,
        book: Book,
        retries: schema.Retries,
    ) -> None:
        """`strategy` is the name of one of `book`."""
        self.name = name
        self.model = model
        self.deployments = tuple(deployments)
        self.retries = retries
        self.hidden = model.hidden
        self.budget = Budget(retries.budget_ratio, retries.budget_min)
        self._book = book
        self._strategy = own = book.get(strategy)
        within = book.within(strategy)
        self._conducted = any(isinstance(s, Conducting) for s in within)
        self._remotes = tuple(s for s in within if isinstance(s, Remote))
        self._by_id = {d.id: d for d in deployments}
        self._pool = Pool(
            [d.candidate for d in deployments], [d.health for d in deployments]
        )
        windows = [d.candidate.max_input_tokens for d in deployments]
        self.smallest_window = min((w for w in windows if w), default=None)
        """Tokens; `None` when no deployment's is known."""
        self._marks = _marks([d.candidate.abilities for d in deployments])
        self._blind: Blind | None = None
        if model.require is not None:
            pass  # who serves depends on the call
        elif len(deployments) == 1 and not vetoes(own):
            self._blind = _Only(own.name)
        elif isinstance(own, Blind):
            self._blind = own

    def depends(self, body: bytes) -> bool:
        """Whether a body may ask for what some of the deployments cannot do: a look at
        its bytes, before anybody reads it. Of a long one reading is the quicker way."""
        if not self._marks:
            return False
        return len(body) > LONG or any(mark in body for mark in self._marks)

    def quick_plan(self, operation: str, least_tokens: int, now: float) -> Plan | None:
        """The deployments to try, where no query is needed to tell: all are well, and
        there is one, or the strategy looks at none."""
        if self._blind is None:
            return None
        return self._pool.blind_plan(self._blind, operation, least_tokens, now)

    def plan(self, query: Query, now: float) -> Plan:
        """The deployments to try."""
        return plan(self.strategy(query.wishes.strategy), query, self._pool, now)

    def strategy(self, wished: str = "") -> Strategy:
        """Who decides: the alias's own, or the one that the client names.

        Raises:
            BadCall: there is no strategy of that name.
        """
        if not wished:
            return self._strategy
        try:
            return self._book.get(wished)
        except (LookupError, BadStrategy) as error:
            message = f"there is no strategy {wished[:64]!r}"
            raise BadCall(message, "x-routeiq-strategy") from error

    def may_conduct(self, wished: str) -> bool:
        """Whether calls may be answered by several; `wished`: the client's strategy."""
        return self._conducted if not wished else self._conducts(wished)

    def _conducts(self, wished: str) -> bool:
        self.strategy(wished)  # which says what is wrong with it
        return any(isinstance(s, Conducting) for s in self._book.within(wished))

    def conducting(self, query: Query) -> Conducting | None:
        """The strategy by which this query is answered by several calls."""
        decides = self.strategy(query.wishes.strategy)
        if isinstance(decides, Splitter):
            decides = decides.arm(query)
        return decides if isinstance(decides, Conducting) else None

    def remotes(self, wished: str) -> tuple[Remote, ...]:
        """Strategies that want to be told something before they score."""
        if not wished:
            return self._remotes
        self.strategy(wished)  # which says what is wrong with it
        return tuple(s for s in self._book.within(wished) if isinstance(s, Remote))

    def learners(self, query: Query) -> tuple[Learner, ...]:
        """Who learns from what comes of a query: whoever decided, and whom they ask."""
        return self._book.learners(query.wishes.strategy or self._strategy.name)

    def has(self, id: str) -> bool:
        """Whether that is one of its deployments."""
        return id in self._by_id

    def deployment(self, id: str) -> Deployment:
        return self._by_id[id]

    def back_in(self, now: float) -> float:
        """Seconds until the first blocked deployment may be tried again."""
        return min((d.health.back_in(now) for d in self.deployments), default=0.0)


def _marks(known: Sequence[frozenset[str] | None]) -> tuple[bytes, ...]:
    """Words in whose absence no ability is asked for that some have and others, as far
    as is known, have not."""
    told = [abilities for abilities in known if abilities is not None]
    return tuple(
        mark
        for ability, marks in MARKS.items()
        if 0 < sum(ability in abilities for abilities in told) < len(known)
        for mark in marks
    )


Make = Callable[[str, schema.Model, str], Alias]
"""(alias, its configuration, what the wildcard stood for) -> the live alias."""


class Directory:
    """All aliases: exact names first, then wildcards, longest pattern first."""

    def __init__(
        self,
        exact: Mapping[str, Alias],
        patterns: Mapping[str, schema.Model],
        make: Make,
    ) -> None:
        self._exact = dict(exact)
        self._patterns = sorted(patterns.items(), key=lambda item: -len(item[0]))
        self._make = make
        self._made: OrderedDict[str, Alias] = OrderedDict()

    def has(self, name: str) -> Alias | schema.Model | None:
        """What stands behind a name, without making it live."""
        known = self._exact.get(name) or self._made.get(name)
        return known or next((model for _, model in self._matches(name)), None)

    def find(self, name: str) -> Alias | None:
        """The alias of that name, made from a wildcard if need be."""
        found = self._exact.get(name)
        if found is not None:
            return found
        made = self._made.get(name)
        if made is not None:
            self._made.move_to_end(name)
            return made
        return self._match(name)

    def _match(self, name: str) -> Alias | None:
        for stood_for, model in self._matches(name):
            alias = self._make(name, model, stood_for)
            self._made[name] = alias
            self._evict()
            return alias
        return None

    def _matches(self, name: str) -> Iterator[tuple[str, schema.Model]]:
        """Wildcards that fit, longest first, with what their star stood for."""
        if "*" in name or len(name) > MAX_NAME or not name.isprintable():
            return
        for pattern, model in self._patterns:
            head, _, tail = pattern.partition("*")
            stood_for = name[len(head) : len(name) - len(tail)]
            if stood_for and fnmatchcase(name, _literal_but_star(pattern)):
                yield stood_for, model

    def _evict(self) -> None:
        while len(self._made) > MAX_ON_DEMAND:
            idle = next(
                (
                    name
                    for name, alias in self._made.items()
                    if not any(d.health.in_flight for d in alias.deployments)
                ),
                None,
            )
            if idle is None:
                return
            del self._made[idle]

    def names(self) -> list[str]:
        """Exact names that are listed, in the order of the configuration."""
        return [name for name, alias in self._exact.items() if not alias.hidden]

    def patterns(self) -> list[str]:
        return [pattern for pattern, _ in self._patterns]

    def aliases(self) -> Iterator[Alias]:
        """Every live alias, wildcard-made ones included."""
        yield from self._exact.values()
        yield from self._made.values()


def _literal_but_star(pattern: str) -> str:
    """fnmatch's other specials taken literally."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
