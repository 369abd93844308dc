"""POST /openai/deployments/{model}/chat/completions and others: Azure's paths.

The model of the path is the one that is asked; `api-version` is taken and means
nothing here.
"""

from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from adapters.contract import Hint, Operation
from adapters.registry import DIALECTS
from gateway.endpoints.chat import FORWARDED
from gateway.endpoints.door import Door
from gateway.endpoints.table import Row
from gateway.net.link import AsgiLink
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

PLACE: Final = "/openai/deployments/"
OPERATIONS: Final = {
    "chat/completions": ("openai.chat", Operation.chat),
    "completions": ("openai.completions", Operation.complete),
    "embeddings": ("openai.embeddings", Operation.embed),
}
"""End of the path -> (dialect, operation)."""


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """The Azure client of OpenAI's SDKs takes the origin or `/azure` as endpoint."""
    return [
        _row(dispatch, propagation, end, dialect, operation)
        for end, (dialect, operation) in OPERATIONS.items()
    ]


class DeploymentDoor:
    """A door whose path names the model before the operation."""

    def __init__(self, door: Door, end: str, operation: Operation) -> None:
        self._door = door
        self._end = f"/{end}"
        self._hint = Hint(operation=operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        model = path[path.index(PLACE) + len(PLACE) :].removesuffix(self._end)
        headers = tuple(h for h in scope["headers"] if h[0] in FORWARDED)
        hint = msgspec.structs.replace(self._hint, model=model, headers=headers)
        await self._door.serve(AsgiLink(scope, receive, send), hint)


def _row(
    dispatch: Dispatch,
    propagation: Propagation,
    end: str,
    dialect: str,
    operation: Operation,
) -> Row:
    path = f"{PLACE}{{model:path}}/{end}"
    door = Door(dispatch, propagation, DIALECTS[dialect], operation, path)
    return Row(
        method="POST",
        path=path,
        aliases=(f"/azure{path}",),
        endpoint=DeploymentDoor(door, end, operation),
        auth="key",
        recorded=True,
        summary=f"OpenAI {end.replace('/', ' ')}, on Azure's path",
    )
