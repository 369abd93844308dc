"""POST /v1/routing/explain: the decision for a call, without sending it."""

from typing import Any, Final

from adapters.contract import Hint, Operation
from adapters.registry import DIALECTS
from gateway.endpoints.table import Row
from gateway.endpoints.visit import Visit, VisitDoor
from gateway.errors import Refused
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

DIALECT: Final = {
    "chat": ("openai.chat", Operation.chat),
    "responses": ("openai.responses", Operation.chat),
    "messages": ("anthropic.messages", Operation.chat),
    "embeddings": ("openai.embeddings", Operation.embed),
}
"""What `?dialect=` says of the body -> who reads it."""


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """Any dialect can be asked about, also with the header `x-routeiq-dry-run` at its
    own door; this one is for people."""

    async def tell(visit: Visit) -> None:
        said = visit.query.get("dialect", "chat")
        if said not in DIALECT:
            message = f"dialect must be one of {', '.join(DIALECT)}"
            raise Refused(400, "invalid_request_error", message, param="dialect")
        name, operation = DIALECT[said]
        exchange = visit.exchange
        call = DIALECTS[name].read_call(await visit.body(), Hint(operation=operation))
        exchange.operation = operation
        decision: Any = await dispatch.decide(exchange, call)
        await visit.json(decision)

    path = "/v1/routing/explain"
    return [
        Row(
            method="POST",
            path=path,
            endpoint=VisitDoor(
                dispatch, propagation, DIALECTS["openai.chat"], "explain", path, tell
            ),
            auth="key",
            recorded=True,
            summary="Which deployments a call would be sent to, and why",
            tag="routing",
        )
    ]
