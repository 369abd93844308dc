"""The whole decision for a call, in words."""

from typing import Any

import msgspec

from adapters.contract import Call
from gateway.deployments import Alias, Directory
from gateway.spine.conduct.conductor import foretold
from gateway.spine.exchange import Exchange
from gateway.spine.route import query, resolve
from gateway.spine.wishes import wishes
from routing.filters import expected
from routing.types import Candidate, Plan, Query


def explain(directory: Directory, exchange: Exchange, call: Call) -> bytes:
    """A JSON document: who would be asked, in which order, with which odds and why;
    who is out, and by what.

    Raises:
        Refused, BadCall: as the call itself would be.
    """
    alias = exchange.alias = resolve(directory, exchange, call.model)
    exchange.asked = call.model
    exchange.wishes = wishes(exchange.headers, call)
    asked = query(exchange, call, alias)
    exchange.query = asked
    planned, note = foretold(exchange, call, alias, asked)
    if note:
        planned = msgspec.structs.replace(planned, note=note)
    exchange.plan = planned
    return msgspec.json.encode(decision(alias, asked, planned))


def decision(alias: Alias, asked: Query, planned: Plan) -> dict[str, Any]:
    """The same as plain values."""
    known = {d.id: d.candidate for d in alias.deployments}
    return {
        "object": "routing.decision",
        "model": alias.name,
        "strategy": planned.strategy,
        "arm": planned.arm or None,
        "note": planned.note or None,
        "input_tokens": asked.input_tokens,
        "output_tokens": asked.output_tokens,
        "wishes": asked.wishes,
        "prompt": _shape(asked),
        "order": [
            {
                "deployment": step.candidate,
                "model": known[step.candidate].model,
                "rung": step.rung or None,
                "reason": step.reason,
                "propensity": step.propensity,
                "expected_quality": step.quality,
                "expected_cost_usd": _usd(asked, known[step.candidate]),
            }
            for step in planned.order
        ],
        "removed": [
            {
                "deployment": out.candidate,
                "model": known[out.candidate].model,
                "by": out.by,
            }
            for out in planned.removed
        ],
        "shadows": planned.shadows,
    }


def _usd(asked: Query, candidate: Candidate) -> float | None:
    cost = expected(asked, candidate)
    return None if cost is None else cost / 1e12


def _shape(asked: Query) -> dict[str, Any] | None:
    """What routing saw of the prompt: everything but its words."""
    prompt = asked.prompt
    if prompt is None:
        return None
    told = msgspec.to_builtins(prompt)
    return {
        name: len(value) if name in ("text", "first", "system") else value
        for name, value in told.items()
    }
