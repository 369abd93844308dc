"""POST /v1beta/models/{model}:generateContent and its siblings: Google's dialect."""

from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from adapters.contract import Hint, Operation
from adapters.registry import DIALECTS
from gateway.endpoints.door import Door
from gateway.endpoints.table import Row
from gateway.net.link import AsgiLink
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

VERBS: Final[dict[str, tuple[str, Operation, bool]]] = {
    "generateContent": ("gemini.generate", Operation.chat, False),
    "streamGenerateContent": ("gemini.generate", Operation.chat, True),
    "countTokens": ("gemini.generate", Operation.count_tokens, False),
    "embedContent": ("gemini.embed", Operation.embed, False),
    "batchEmbedContents": ("gemini.embed", Operation.embed, False),
}
"""Method of the path -> (dialect, operation, whether it streams)."""

VERSIONS: Final = ("v1beta", "v1", "v1alpha")
PREFIXES: Final = ("", "/genai", "/gemini")


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """Google's SDK takes the origin, `/genai` or `/gemini` as base."""
    return [
        _row(dispatch, propagation, verb, dialect, operation, streams=streams)
        for verb, (dialect, operation, streams) in VERBS.items()
    ]


class ModelDoor:
    """A door whose path names the model."""

    def __init__(self, door: Door, verb: str, hint: Hint) -> None:
        self._door = door
        self._suffix = ":" + verb
        self._hint = hint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        model = path[path.index("/models/") + 8 :].removesuffix(self._suffix)
        hint = msgspec.structs.replace(
            self._hint, model=model, query=scope["query_string"].decode("latin-1")
        )
        await self._door.serve(AsgiLink(scope, receive, send), hint)


def _row(
    dispatch: Dispatch,
    propagation: Propagation,
    verb: str,
    dialect: str,
    operation: Operation,
    *,
    streams: bool,
) -> Row:
    paths = [
        f"{prefix}/{version}/models/{{model:path}}:{verb}"
        for prefix in PREFIXES
        for version in VERSIONS
    ]
    door = Door(dispatch, propagation, DIALECTS[dialect], operation, paths[0])
    return Row(
        method="POST",
        path=paths[0],
        aliases=tuple(paths[1:]),
        endpoint=ModelDoor(door, verb, Hint(operation=operation, stream=streams)),
        auth="key",
        recorded=True,
        summary=f"Gemini {verb}",
    )
