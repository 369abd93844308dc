"""POST .../projects/{project}/.../models/{model}:generateContent and others: the paths
of Vertex AI, for Google's and Anthropic's SDKs. Project and location are taken and mean
nothing here."""

from typing import Final

from starlette.types import Receive, Scope, Send

from adapters.contract import Hint, Operation
from adapters.registry import DIALECTS
from gateway.endpoints.door import Door
from gateway.endpoints.gemini import VERBS, ModelDoor
from gateway.endpoints.messages import FORWARDED
from gateway.endpoints.table import Row
from gateway.net.link import AsgiLink
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

PREFIXES: Final = ("", "/vertex_ai")
VERSIONS: Final = ("/{version}", "")
_PROJECT: Final = "/projects/{project}/locations/{location}"
_GOOGLE: Final = "/publishers/google/models/{model:path}:"
_ANTHROPIC: Final = "/publishers/anthropic/models/"

GOOGLE: Final = {**VERBS, "predict": ("vertex.predict", Operation.embed, False)}
"""As `VERBS`."""
CLAUDE: Final = {
    "count-tokens:rawPredict": (Operation.count_tokens, False),
    "{model}:rawPredict": (Operation.chat, False),
    "{model}:streamRawPredict": (Operation.chat, True),
}
"""End of the path -> (operation, whether it streams); the first that fits."""


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """Google's SDK takes the origin or `/vertex_ai` as base, Anthropic's the same with
    or without a version."""
    return [
        *(_google(dispatch, propagation, verb) for verb in GOOGLE),
        *(_claude(dispatch, propagation, end) for end in CLAUDE),
    ]


def _google(dispatch: Dispatch, propagation: Propagation, verb: str) -> Row:
    dialect, operation, streams = GOOGLE[verb]
    paths = [
        f"{prefix}/{{version}}{project}{_GOOGLE}{verb}"
        for prefix in PREFIXES
        for project in (_PROJECT, "")  # a key of express mode needs none
    ]
    door = Door(dispatch, propagation, DIALECTS[dialect], operation, paths[0])
    return Row(
        method="POST",
        path=paths[0],
        aliases=tuple(paths[1:]),
        endpoint=ModelDoor(door, verb, Hint(operation=operation, stream=streams)),
        auth="key",
        recorded=True,
        summary=f"Vertex AI {verb}",
    )


class ClaudeDoor:
    """A door for Anthropic's SDK, whose path names the model unless tokens are
    counted."""

    def __init__(self, door: Door, operation: Operation, *, streams: bool) -> None:
        self._door = door
        self._operation = operation
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        model = ""
        if self._operation is Operation.chat:
            path: str = scope["path"]
            model = path[path.index(_ANTHROPIC) + len(_ANTHROPIC) :].rpartition(":")[0]
        hint = Hint(
            model=model,
            operation=self._operation,
            stream=self._streams or None,
            headers=tuple(h for h in scope["headers"] if h[0] in FORWARDED),
            query=scope["query_string"].decode("latin-1"),
        )
        await self._door.serve(AsgiLink(scope, receive, send), hint)


def _claude(dispatch: Dispatch, propagation: Propagation, end: str) -> Row:
    operation, streams = CLAUDE[end]
    paths = [
        f"{prefix}{version}{_PROJECT}{_ANTHROPIC}{end}"
        for prefix in PREFIXES
        for version in VERSIONS
    ]
    dialect = DIALECTS["anthropic.messages"]
    door = Door(dispatch, propagation, dialect, operation, paths[0])
    return Row(
        method="POST",
        path=paths[0],
        aliases=tuple(paths[1:]),
        endpoint=ClaudeDoor(door, operation, streams=streams),
        auth="key",
        recorded=True,
        summary=f"Anthropic on Vertex AI, {end.rpartition(':')[2]}",
    )
