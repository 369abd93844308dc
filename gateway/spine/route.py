"""Which deployments, best first."""

from difflib import get_close_matches

from adapters.contract import Call
from gateway.deployments import Alias, Directory
from gateway.errors import Refused
from gateway.govern.principal import Principal
from gateway.spine.asked import prompt
from gateway.spine.exchange import Exchange
from gateway.spine.wishes import bound
from routing.contract import reads
from routing.types import NO_WISHES, Plan, Query, Removed

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
    """The deployments of `alias` to try for this call.

    Raises:
        BadCall: the client names a strategy that there is not.
    """
    least = call.prompt_bytes // LONGEST
    planned = None
    plain = exchange.wishes is NO_WISHES and not _is_bound(exchange.principal)
    if plain and not alias.depends(call.raw):
        planned = alias.quick_plan(exchange.operation, least, now)
    if planned is None:
        asked = exchange.query = query(exchange, call, alias)
        planned = alias.plan(asked, now)
    if exchange.pinned:
        planned = _holding(planned, alias, exchange.pinned)
    if exchange.plan is None or planned.order:
        exchange.plan = planned
    return planned


def _is_bound(principal: Principal | None) -> bool:
    """Whether the key's calls may not go to every model."""
    return principal is not None and principal.providers is not None


def _holding(planned: Plan, alias: Alias, account: str) -> Plan:
    """Only the deployments of an account."""
    held, other = [], []
    for step in planned.order:
        if alias.deployment(step.candidate).account == account:
            held.append(step)
        else:
            other.append(Removed(step.candidate, "pinned"))
    return Plan(tuple(held), planned.strategy, (*planned.removed, *other))


def query(exchange: Exchange, call: Call, alias: Alias) -> Query:
    """The call as routing sees it.

    Raises:
        BadCall: the client names a strategy that there is not.
    """
    limit, size = call.max_tokens, call.prompt_bytes
    principal = exchange.principal
    wished = bound(exchange.wishes, alias.model.require)
    strategy = alias.strategy(wished.strategy)
    return Query(
        alias=alias.name,
        input_tokens=size // 4,
        least_tokens=_least(call.raw, size, alias.smallest_window),
        output_tokens=GUESSED_OUTPUT if limit is None else limit,
        operation=str(exchange.operation),
        stream=call.stream,
        id=exchange.id,
        key=principal.id if principal is not None else "",
        user=call.user,
        agent=exchange.headers.get(b"user-agent", b"").decode("latin-1"),
        prompt=prompt(call) if reads(strategy) or alias.depends(call.raw) else None,
        wishes=wished,
        may=principal.providers if principal is not None else None,
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
