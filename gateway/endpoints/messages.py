"""POST /v1/messages and /v1/messages/count_tokens: Anthropic's dialect."""

from adapters.contract import Operation
from adapters.registry import DIALECTS
from gateway.endpoints.door import Door
from gateway.endpoints.table import Row
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

FORWARDED = frozenset({b"anthropic-beta", b"anthropic-version", b"idempotency-key"})


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """Anthropic's SDKs take the origin or `/anthropic` as base."""
    return [
        _row(
            dispatch, propagation, Operation.chat, "/v1/messages", "Anthropic Messages"
        ),
        _row(
            dispatch,
            propagation,
            Operation.count_tokens,
            "/v1/messages/count_tokens",
            "Anthropic token count",
        ),
    ]


def _row(
    dispatch: Dispatch,
    propagation: Propagation,
    operation: Operation,
    path: str,
    summary: str,
) -> Row:
    dialect = DIALECTS["anthropic.messages"]
    return Row(
        method="POST",
        path=path,
        aliases=(f"/anthropic{path}",),
        endpoint=Door(dispatch, propagation, dialect, operation, path, FORWARDED),
        auth="key",
        recorded=True,
        hot=True,
        summary=summary,
    )
