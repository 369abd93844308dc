"""POST /v1/chat/completions, /v1/completions, /v1/embeddings: OpenAI's dialects."""

from adapters.contract import Operation
from adapters.registry import DIALECTS
from gateway.endpoints.door import Door
from gateway.endpoints.table import Row
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

FORWARDED = frozenset({b"openai-beta", b"idempotency-key"})


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """OpenAI's SDKs take `/v1`, `/openai/v1`, `/openai` or the bare origin as base."""
    return [
        _row(dispatch, propagation, "openai.chat", Operation.chat, "chat/completions"),
        _row(
            dispatch,
            propagation,
            "openai.completions",
            Operation.complete,
            "completions",
        ),
        _row(dispatch, propagation, "openai.embeddings", Operation.embed, "embeddings"),
    ]


def _row(
    dispatch: Dispatch,
    propagation: Propagation,
    dialect: str,
    operation: Operation,
    name: str,
) -> Row:
    path = f"/v1/{name}"
    return Row(
        method="POST",
        path=path,
        aliases=(f"/{name}", f"/openai/{name}", f"/openai/v1/{name}"),
        endpoint=Door(
            dispatch, propagation, DIALECTS[dialect], operation, path, FORWARDED
        ),
        auth="key",
        recorded=True,
        hot=True,
        summary=f"OpenAI {name.replace('/', ' ')}",
    )
