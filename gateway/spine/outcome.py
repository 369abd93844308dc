"""What came of a decision, told to whoever decided."""

from gateway.deployments import Alias
from gateway.errors import HUNG_UP
from gateway.spine.exchange import Exchange
from gateway.telemetry.facts import Attempt
from routing.contract import Outcome
from routing.types import Query

NOT_TOLD = frozenset({"cancelled", HUNG_UP})
"""Ends of attempts that say nothing about anybody."""


def learn(exchange: Exchange) -> None:
    """Tell the strategy of the alias that was decided on how each attempt went."""
    query = exchange.query
    for alias in (exchange.alias, exchange.serving):
        if query is not None and alias is not None and alias.name == query.alias:
            _tell(exchange, alias, query)
            return


def _tell(exchange: Exchange, alias: Alias, query: Query) -> None:
    for attempt in exchange.attempts:
        if attempt.error not in NOT_TOLD and alias.has(attempt.deployment):
            alias.learn(_outcome(query, attempt))


def _outcome(query: Query, attempt: Attempt) -> Outcome:
    ended = attempt.first_token if query.stream else 0.0
    return Outcome(
        query=query,
        candidate=attempt.deployment,
        ok=not attempt.error,
        latency_s=(ended or attempt.ended) - attempt.started,
        cost=None if attempt.cost_nano is None else attempt.cost_nano / 1e9,
    )
