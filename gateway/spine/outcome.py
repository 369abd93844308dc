"""What came of a decision, told to whoever decided."""

from gateway.spine.exchange import Exchange
from routing.contract import Outcome


def learn(exchange: Exchange, ended: float) -> None:
    """Tell the strategy of the alias that answered, or should have. What the client
    broke off says nothing about anybody."""
    alias = exchange.serving or exchange.alias
    query, attempts = exchange.query, exchange.attempts
    if alias is None or query is None or not attempts or exchange.hung_up:
        return
    last = attempts[-1]
    served = exchange.served_by
    first = exchange.first_token if query.stream else 0.0
    alias.learn(
        Outcome(
            query=query,
            candidate=served.id if served is not None else last.deployment,
            ok=exchange.error is None and served is not None,
            latency_s=(first or ended) - exchange.began,
            cost=None if exchange.cost_nano is None else exchange.cost_nano / 1e9,
        )
    )
