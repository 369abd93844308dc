"""The calls of one exchange that is answered by several.

Each goes the way of every call: the same deployments, health, retries and keys. What
they took and cost is the exchange's; when it is broken off, so are they.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from adapters import envelope
from adapters.errors import Garbled, Unsupported, UpstreamError
from adapters.normal.chat import (
    ChatCall,
    ChatResult,
    Choice,
    Conversation,
    StopReason,
)
from adapters.normal.content import Message, Text
from adapters.normal.fold import unfold
from gateway import errors
from gateway.deployments import Alias, Directory
from gateway.errors import Refused
from gateway.spine.attempt import Answered, Stream, Whole
from gateway.spine.book import Try
from gateway.spine.conduct.flaws import words
from gateway.spine.exchange import Exchange
from gateway.spine.remedy import remedy
from gateway.spine.way import Way
from routing.contract import Method
from routing.filters import expected
from routing.types import NO_WISHES, Plan, Query, Step, Wishes

PICO: Final = 1000
"""Pico-dollars of a nano-dollar."""
TOO_DEAR: Final = "too dear"
CHARS: Final = 4
"""Of a token, where nobody has counted."""
_STREAMS: Final = frozenset({"stream", "stream_options"})
_ONCE: Final = b"idempotency-key"
"""Names one request: several of ours must not share it."""

Failure = UpstreamError | Unsupported | Refused


class Said(NamedTuple):
    """A whole answer, and who gave it."""

    result: ChatResult
    exchange: Exchange
    """The call's own, in which it was answered."""
    book: Try

    @property
    def text(self) -> str:
        return words(self.result)

    @property
    def by(self) -> str:
        """The deployment."""
        return self.book.deployment.id

    @property
    def cut(self) -> bool:
        """Whether it ends where the tokens ended, not the words."""
        choices = self.result.choices()
        return bool(choices) and choices[0].stop == "length"

    def most(self, tokens: int) -> int:
        """Characters of this answer that so many tokens are, by what it took."""
        usage, size = self.result.usage, len(self.text)
        took = usage.output - usage.reasoning if usage is not None else 0
        return int(tokens * (size / took if took > 0 else CHARS))

    def saying(self, text: str, stop: StopReason = "end") -> "Said":
        """The same answer with other words."""
        own = self.result
        result = ChatResult(
            id=own.id,
            model=own.model,
            created=own.created,
            usage=own.usage,
            choices=(Choice(parts=(Text(text),), stop=stop),),
        )
        return self._replace(result=result)


class Calls:
    """Asks, counts, and knows when it is enough."""

    def __init__(
        self,
        way: Way,
        directory: Directory,
        exchange: Exchange,
        call: ChatCall,
        query: Query,
        method: Method,
    ) -> None:
        self.call = call
        self.asked = call.conversation()
        self.query = query
        self.steps: list[Step] = []
        self.note = ""
        """What is told of the whole."""
        self.failure: Failure | None = None
        """Of the call that failed last."""
        self._way = way
        self._directory = directory
        self._exchange = exchange
        assert exchange.alias is not None
        self.alias = exchange.alias
        self.method = method
        ends = time.monotonic() + method.max_s
        if exchange.first_token_limit is not None:
            # A stream begins when the answer is whole.
            ends = min(ends, exchange.began + exchange.first_token_limit)
        self._hurried = exchange.hurried or ends < exchange.deadline
        self._deadline = min(exchange.deadline, ends)
        self._kept = 0.0
        """Pico-dollars that no call of ours may take."""

    def step(self, part: str, candidate: str, said: str) -> None:
        """Keep for the record what came of a call; no words of anybody's."""
        self.steps.append(Step(part, candidate, said))

    def over(self, *deployments: str) -> str:
        """What is used up, so that these may not be asked too; empty: nothing."""
        if time.monotonic() >= self._deadline:
            return "out of time"
        if not self.left():
            return "out of tokens"
        cap = self.query.wishes.max_cost
        if cap is not None and self._cost(deployments) + self._kept > cap * 1e12:
            return TOO_DEAR
        return ""

    def keep(self, planned: Plan) -> None:
        """From now on keep what one plain answer costs, should nothing else come."""
        candidates = [self.alias.deployment(s.candidate) for s in planned.order]
        costs = [expected(self.query, d.candidate) for d in candidates]
        self._kept = min((cost for cost in costs if cost is not None), default=0.0)

    def spend(self) -> None:
        """The next call gives the answer: what was kept is for it."""
        self._kept = 0.0

    def rest(self) -> Wishes:
        """The client's wishes of one plain answer, after what was asked so far.

        Of a call that broke off nobody knows what it cost: it counts for nothing, as
        before any other try of the same.
        """
        wishes, cap = self._exchange.wishes, self.query.wishes.max_cost
        costs = [a.cost_nano for a in self._exchange.attempts]
        spent = sum(cost for cost in costs if cost is not None) * PICO / 1e12
        if cap is None or not spent:
            return wishes
        return msgspec.structs.replace(wishes, max_cost=max(0.0, cap - spent))

    def left(self) -> int:
        """Tokens that all calls together may still take."""
        attempts = self._exchange.attempts
        used = sum(a.usage.total for a in attempts if a.usage is not None)
        return max(0, self.method.max_tokens - used)

    def _cost(self, deployments: Sequence[str]) -> float:
        """Pico-dollars spent, and expected of these; infinite where unknown."""
        spent = self._exchange.cost_nano
        costs = [
            expected(self.query, self.alias.deployment(d).candidate)
            for d in deployments
        ]
        known = [cost for cost in costs if cost is not None]
        if spent is None or len(known) < len(costs):
            return float("inf")
        return spent * PICO + sum(known)

    async def candidate(self, deployment: str) -> Said | Failure:
        """The client's own call, answered by one deployment of its alias."""
        wishes = msgspec.structs.replace(self._exchange.wishes, pin=deployment)
        return await self._tried(_whole(self.call), self.alias, wishes)

    async def expert(
        self,
        deployment: str,
        messages: Sequence[Message],
        *,
        tokens: int,
        of: int = 1,
    ) -> Said | Failure:
        """Something else, asked of one deployment of the alias; empty: of the best.
        `tokens`: of the answer; `of`: calls that share what is left."""
        wishes = msgspec.structs.replace(self._exchange.wishes, pin=deployment)
        call = self._own(messages, tokens=self._within(tokens, self.alias, of))
        return await self._tried(call, self.alias, wishes, of)

    async def helper(
        self,
        name: str,
        messages: Sequence[Message],
        *,
        tokens: int | None = None,
    ) -> Said | Failure:
        """Something else, asked of another model of the configuration. `tokens`: of
        the answer; `None`: it has the client's settings of its call.

        Where the client's words may go, and what may be paid, holds there too.
        """
        alias = self._directory.find(name)
        if alias is None:
            return _missing(name)
        wishes = _bounds(self._exchange.wishes, self.alias)
        if tokens is not None:
            tokens = self._within(tokens, alias)
        return await self._tried(self._own(messages, tokens=tokens), alias, wishes)

    async def again(self, messages: Sequence[Message]) -> Said | Failure:
        """The client's call with other messages, answered as it would be."""
        call = self._own(messages)
        return await self._tried(call, self.alias, self._exchange.wishes)

    def failed(self, part: str, candidate: str, failure: Failure) -> str:
        """Keep for the record that a call brought nothing; what is to be told of it."""
        self.failure = failure
        limits = failure.limits if isinstance(failure, Refused) else frozenset()
        if not limits:
            self.step(part, candidate, f"failed: {errors.kind(failure)}")
            return f"the {part} failed"
        if limits == {"price"}:
            self.step(part, candidate, TOO_DEAR)
            return f"the {part} is {TOO_DEAR}"
        told = ", ".join(sorted(limits))
        self.step(part, candidate, f"not allowed: {told}")
        return f"the {part} may not be asked ({told})"

    def give(self, said: Said) -> Answered:
        """This is the answer."""
        exchange, own = self._exchange, said.exchange
        exchange.serving = own.serving
        exchange.served_by = own.served_by
        exchange.dropped = own.dropped
        exchange.upstream_headers = own.upstream_headers
        exchange.first_token = time.monotonic()
        if self.call.stream:
            return Stream(said.book, unfold(said.result), "", None, None)
        exchange.tries = len(exchange.attempts)
        return Whole(said.result, said.book.deployment, None)

    def _within(self, tokens: int, alias: Alias, of: int = 1) -> int:
        """As many as are left, and as any that may be asked is known to give."""
        known = [d.target.limits.get("max_output_tokens") for d in alias.deployments]
        left = self.left() // of
        return max(1, min([tokens, left, *(most for most in known if most)]))

    def _own(
        self,
        messages: Sequence[Message],
        *,
        tokens: int | None = None,
    ) -> ChatCall:
        """A call of ours; `tokens`: of the answer; `None`: it has the client's
        settings."""
        if tokens is not None:
            asked = Conversation(max_tokens=tokens)
        elif (most := self.asked.max_tokens) is not None:
            most = max(1, min(most, self.left()))
            asked = msgspec.structs.replace(self.asked, max_tokens=most)
        else:
            asked = self.asked
        call = ChatCall(
            model=self.call.model,
            dialect=self.call.dialect,
            max_tokens=asked.max_tokens,
            user=self.call.user,
            conversation=msgspec.structs.replace(asked, messages=tuple(messages)),
        )
        call.received = self.call.received
        return call

    async def _tried(
        self, call: ChatCall, alias: Alias, wishes: Wishes, of: int = 1
    ) -> Said | Failure:
        cap = self.query.wishes.max_cost
        if cap is not None:
            # What is unknown may be anything: then nothing more may be paid.
            spent = self._cost(()) / 1e12
            left = max(0.0, cap - spent - self._kept / 1e12) / of
            wishes = msgspec.structs.replace(wishes, max_cost=left)
        try:
            return await self._ask(call, alias, wishes)
        except (UpstreamError, Unsupported, Refused) as failure:
            return failure

    async def _ask(self, call: ChatCall, alias: Alias, wishes: Wishes) -> Said:
        outer = self._exchange
        inner = outer.inner(call, alias, wishes)
        inner.deadline, inner.hurried = self._deadline, self._hurried
        try:
            answered = await self._way.answer(inner, call)
            assert isinstance(answered, Whole)
            assert answered.book is not None
            assert isinstance(answered.result, ChatResult)
            book = answered.book
            try:
                answered.result.choices()
            except Garbled as garbled:
                book.failed(garbled)
                raise
            book.served(billed=answered.result.billed)
            return Said(answered.result, inner, book)
        finally:
            outer.attempts += inner.attempts
            if outer.cost_nano is None or inner.cost_nano is None:
                outer.cost_nano = None
            else:
                outer.cost_nano += inner.cost_nano


async def together(
    several: Sequence[Coroutine[Any, Any, Said | Failure]],
) -> list[Said | Failure]:
    """All of them at once; what they brought, in their order."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in several]
    except BaseExceptionGroup as bugs:
        raise bugs.exceptions[0] from None
    return [task.result() for task in tasks]


def is_final(failure: Failure) -> bool:
    """Whether the call is at fault, and would be anywhere."""
    if isinstance(failure, UpstreamError):
        return remedy(failure).fallback == "none"
    return False


def _whole(call: ChatCall) -> ChatCall:
    """The client's call, to be answered whole."""
    raw = call.raw
    if call.stream and raw:
        raw = envelope.replace(raw, {}, _STREAMS)
    headers = tuple(pair for pair in call.headers if pair[0] != _ONCE)
    return call.whole(raw, headers)


def _bounds(wishes: Wishes, alias: Alias) -> Wishes:
    """What holds of whoever is shown the client's words, whichever model is asked."""
    require = alias.model.require
    within = wishes.within
    if require is not None and require.regions:
        within = (*within, tuple(require.regions))
    if not within and not wishes.regions:
        return NO_WISHES
    return Wishes(regions=wishes.regions, within=within)


def _missing(name: str) -> Refused:
    message = f"there is no model {name!r} to help with this"
    return Refused(500, "server_error", message, code="no_helper")
