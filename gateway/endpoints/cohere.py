"""POST /v2/rerank (also /v1/rerank, /rerank) and /v2/embed: Cohere's dialect."""

from adapters.contract import Operation
from adapters.registry import DIALECTS
from gateway.endpoints.door import Door
from gateway.endpoints.table import Row
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """Cohere's SDKs take `/cohere` or the bare origin as base; others' clients ask for
    ranks under `/v1` and below."""
    return [
        _row(
            dispatch,
            propagation,
            "cohere.rerank",
            Operation.rerank,
            "Documents ranked by a question",
            ("/v2/rerank", "/v1/rerank", "/rerank", "/openai/v1/rerank"),
        ),
        _row(
            dispatch,
            propagation,
            "cohere.embed",
            Operation.embed,
            "Cohere embed",
            ("/v2/embed",),
        ),
    ]


def _row(
    dispatch: Dispatch,
    propagation: Propagation,
    dialect: str,
    operation: Operation,
    summary: str,
    paths: tuple[str, ...],
) -> Row:
    first, *others = paths
    own = [f"/cohere{path}" for path in paths if path.startswith("/v")]
    return Row(
        method="POST",
        path=first,
        aliases=(*others, *own),
        endpoint=Door(dispatch, propagation, DIALECTS[dialect], operation, first),
        auth="key",
        recorded=True,
        summary=summary,
    )
