"""Which deployments, best first."""

from difflib import get_close_matches

from adapters.contract import Call
from adapters.normal.embed import EmbedCall
from gateway.deployments import Alias, Directory
from gateway.errors import Refused
from gateway.spine.exchange import Exchange
from routing.types import Plan, Query

GUESSED_OUTPUT = 512
"""Tokens an answer is taken to have when the client names no limit."""


def resolve(directory: Directory, exchange: Exchange, model: str) -> Alias:
    """The alias that the client asked for, if it may use it.

    Raises:
        Refused: 404; the same for a name that does not exist and for one that the key
            may not use, so that a key learns nothing about others' models.
    """
    principal = exchange.principal
    alias = directory.find(model) if model else None
    if alias is None or principal is None or not principal.may_use(model):
        raise _unknown(directory, exchange, model)
    return alias


def plan(exchange: Exchange, call: Call, alias: Alias, now: float) -> Plan:
    """The deployments of `alias` to try for this call."""
    operation = str(exchange.operation)
    planned = alias.plan(lambda: _query(exchange, call, alias.name), operation, now)
    if exchange.plan is None or planned.order:
        exchange.plan = planned
    return planned


def _query(exchange: Exchange, call: Call, name: str) -> Query:
    limit = None if isinstance(call, EmbedCall) else call.max_tokens
    return Query(
        alias=name,
        input_tokens=len(call.raw) // 4,
        output_tokens=GUESSED_OUTPUT if limit is None else limit,
        operation=str(exchange.operation),
        stream=not isinstance(call, EmbedCall) and call.stream,
        key=exchange.principal.id if exchange.principal is not None else "",
    )


def _unknown(directory: Directory, exchange: Exchange, model: str) -> Refused:
    if not model:
        return Refused(
            400,
            "invalid_request_error",
            "the request names no model",
            code="missing_model",
            param="model",
        )
    principal = exchange.principal
    names = [
        name
        for name in directory.names()
        if principal is not None and principal.may_use(name)
    ]
    near = get_close_matches(model[:128], names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else "; GET /v1/models lists them"
    return Refused(
        404,
        "invalid_request_error",
        f"the model {model[:128]!r} does not exist or this key may not use it{hint}",
        code="model_not_found",
        param="model",
    )
