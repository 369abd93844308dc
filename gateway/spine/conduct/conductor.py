"""Answers that are made of several calls, where the alias's strategy is of that kind.

All calls go by the way, which knows nothing of this: no call of ours can be answered by
several again.
"""

import time
from collections.abc import Awaitable
from typing import Final

import msgspec

from adapters.contract import Call
from adapters.normal.chat import ChatCall
from gateway.deployments import Alias, Directory
from gateway.spine.attempt import Answered
from gateway.spine.conduct.calls import Calls
from gateway.spine.conduct.cascade import cascade
from gateway.spine.conduct.parts import in_parts
from gateway.spine.conduct.passing import passed
from gateway.spine.conduct.reasoning import reasoning
from gateway.spine.exchange import Exchange
from gateway.spine.remotes import Remotes
from gateway.spine.route import query
from gateway.spine.way import Way
from routing.contract import Method
from routing.strategies.conducted import (
    AgenticOptions,
    CascadeOptions,
    RouterR1Options,
)
from routing.types import Plan, Query, Step

PLAINLY: Final = "answered plainly: {}"
ALONE: Final = PLAINLY.format("the router chose one model alone")


class Conductor:
    """From a routed exchange to an answer that has begun, by one call or several."""

    def __init__(self, way: Way, remotes: Remotes, directory: Directory) -> None:
        self._way = way
        self._remotes = remotes
        self._directory = directory

    def answer(self, exchange: Exchange, call: Call) -> Awaitable[Answered]:
        """As the way's own.

        Raises:
            UpstreamError, Unsupported, Refused: nobody answered.
            BadCall: the client names a strategy that there is not.
        """
        alias = exchange.alias
        if alias is None or not alias.may_conduct(exchange.wishes.strategy):
            return self._way.answer(exchange, call)
        return self._answer(exchange, call, alias)

    async def _answer(self, exchange: Exchange, call: Call, alias: Alias) -> Answered:
        asked = query(exchange, call, alias)
        strategy = alias.conducting(asked)
        if strategy is None:
            return await self._way.answer(exchange, call)
        why = passed(exchange, call, strategy.method)
        if why or not isinstance(call, ChatCall):
            try:
                return await self._way.answer(exchange, call)
            finally:
                _note(exchange, PLAINLY.format(why))
        await self._remotes.ask(exchange, call, alias)
        asked = exchange.query = _open(asked, strategy.method)
        planned = exchange.plan = alias.plan(asked, time.monotonic())
        if _is_for_one(planned, asked):
            try:
                return await self._way.answer(exchange, call, planned)
            finally:
                _note(exchange, ALONE)
        asks = Calls(self._way, self._directory, exchange, call, asked, strategy.method)
        try:
            answered = await _conducted(asks, planned)
            if answered is None:
                if asks.failure is not None and time.monotonic() >= exchange.deadline:
                    raise asks.failure
                exchange.wishes = asks.rest()
                answered = await self._way.answer(exchange, call)
        finally:
            _note(exchange, asks.note, tuple(asks.steps))
        return answered


def foretold(
    exchange: Exchange, call: Call, alias: Alias, asked: Query
) -> tuple[Plan, str]:
    """Who would be asked, and how the call would be answered if not by one call as
    any."""
    strategy = (
        alias.conducting(asked) if alias.may_conduct(asked.wishes.strategy) else None
    )
    if strategy is None:
        return alias.plan(asked, time.monotonic()), ""
    if why := passed(exchange, call, strategy.method):
        return alias.plan(asked, time.monotonic()), PLAINLY.format(why)
    asked = _open(asked, strategy.method)
    planned = alias.plan(asked, time.monotonic())
    if _is_for_one(planned, asked):
        return planned, ALONE
    return planned, _told(planned, strategy.method)


def _told(planned: Plan, method: Method) -> str:
    match method:
        case CascadeOptions() as options:
            rungs = len(planned.rungs) or options.rungs
            return f"cascade: at most {rungs}, by doubt: {options.doubt}"
        case RouterR1Options() as options:
            return f"router_r1: at most {options.max_iterations} turns"
        case AgenticOptions() as options:
            return f"agentic: at most {options.parts} parts"
        case _:
            return ""


def _open(asked: Query, method: Method) -> Query:
    """The query, open to cascades where a router chooses among them."""
    if isinstance(method, CascadeOptions) and method.router:
        return msgspec.structs.replace(asked, cascades=True)
    return asked


def _is_for_one(planned: Plan, asked: Query) -> bool:
    """Whether a router could have chosen a cascade, and did not."""
    return asked.cascades and bool(planned.order) and not planned.rungs


async def _conducted(calls: Calls, planned: Plan) -> Answered | None:
    """The answer of a method; `None`: it has none, and the call is answered plainly."""
    if not planned.order:
        return None
    match calls.method:
        case CascadeOptions() as options:
            return await cascade(calls, planned, options)
        case RouterR1Options() as options:
            return await reasoning(calls, planned, options)
        case AgenticOptions() as options:
            return await in_parts(calls, planned, options)
        case _:
            return None


def _note(exchange: Exchange, note: str, steps: tuple[Step, ...] = ()) -> None:
    """Add to the decision how it was carried out."""
    if exchange.plan is not None:
        note = note or exchange.plan.note
        exchange.plan = msgspec.structs.replace(exchange.plan, note=note, steps=steps)
