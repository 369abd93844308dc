"""Which deployments, best first."""

from difflib import get_close_matches

from adapters.contract import Call
from gateway.deployments import Alias, Directory
from gateway.errors import Refused
from gateway.spine.exchange import Exchange
from routing.types import Plan, Query, Removed

_MEDIA = (b"base64", b'"data"', b"inline")
"""Marks of media inside a body."""
LONGEST = 16
"""Bytes of text that any tokenizer makes one token, at the most."""
GUESSED_OUTPUT = 512
"""Tokens an answer is taken to have when the client names no limit."""


def resolve(directory: Directory, exchange: Exchange, model: str) -> Alias:
    """The alias that the client asked for, if it may use it.

    Raises:
        Refused: 404; the same for a name that does not exist and for one that the key
            may not use, so that a key learns nothing about others' models.
    """
    principal = exchange.principal
    if model and principal is not None and principal.may_use(model):
        alias = directory.find(model)
        if alias is not None:
            return alias
    raise _unknown(directory, exchange, model)


def plan(exchange: Exchange, call: Call, alias: Alias, now: float) -> Plan:
    """The deployments of `alias` to try for this call."""
    least = call.prompt_bytes // LONGEST
    planned = alias.quick_plan(exchange.operation, least, now)
    if planned is None:
        planned = alias.plan(_query(exchange, call, alias), now)
    if exchange.pinned:
        planned = _holding(planned, alias, exchange.pinned)
    if exchange.plan is None or planned.order:
        exchange.plan = planned
    return planned


def _holding(planned: Plan, alias: Alias, account: str) -> Plan:
    """Only the deployments of an account."""
    held, other = [], []
    for step in planned.order:
        if alias.deployment(step.candidate).account == account:
            held.append(step)
        else:
            other.append(Removed(step.candidate, "pinned"))
    return Plan(tuple(held), planned.strategy, (*planned.removed, *other))


def _query(exchange: Exchange, call: Call, alias: Alias) -> Query:
    limit, size = call.max_tokens, call.prompt_bytes
    return Query(
        alias=alias.name,
        input_tokens=size // 4,
        least_tokens=_least(call.raw, size, alias.smallest_window),
        output_tokens=GUESSED_OUTPUT if limit is None else limit,
        operation=str(exchange.operation),
        stream=call.stream,
        key=exchange.principal.id if exchange.principal is not None else "",
    )


def _least(body: bytes, size: int, window: int | None) -> int:
    """Prompt tokens that a body with a prompt of that size has at the very least, where
    that might matter; media count otherwise."""
    least = size // LONGEST
    if window is None or least <= window:
        return 0
    return 0 if any(mark in body for mark in _MEDIA) else least


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
