"""POST /bedrock/model/{model}/converse and its siblings: Amazon Bedrock's dialect.

For AWS's SDKs with this gateway as their `endpoint_url`, and for Claude's clients on
Bedrock with it as their base address. The key is sent as a bearer token
(`AWS_BEARER_TOKEN_BEDROCK`). Requests signed with access keys cannot be verified here:
a signature is made with a secret that we do not have. They pass where no key is needed.
"""

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
    "converse": ("bedrock.converse", Operation.chat, False),
    "converse-stream": ("bedrock.converse", Operation.chat, True),
    "count-tokens": ("bedrock.converse", Operation.count_tokens, False),
    "invoke": ("bedrock.invoke", Operation.chat, False),
    "invoke-with-response-stream": ("bedrock.invoke", Operation.chat, True),
}
"""End of the path -> (dialect, operation, whether it streams)."""

PREFIXES: Final = ("/bedrock", "")


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """AWS's SDKs take the origin, or `/bedrock` under it, as `endpoint_url`."""
    return [_row(dispatch, propagation, verb) for verb in VERBS]


class ModelDoor:
    """A door whose path names the model: an alias, or an ARN with slashes."""

    def __init__(self, door: Door, verb: str, hint: Hint) -> None:
        self._door = door
        self._suffix = f"/{verb}"
        self._hint = hint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        model = path[path.index("/model/") + 7 :].removesuffix(self._suffix)
        hint = msgspec.structs.replace(self._hint, model=model)
        await self._door.serve(AsgiLink(scope, receive, send), hint)


def _row(dispatch: Dispatch, propagation: Propagation, verb: str) -> Row:
    dialect, operation, streams = VERBS[verb]
    paths = [f"{prefix}/model/{{model:path}}/{verb}" for prefix in PREFIXES]
    door = Door(dispatch, propagation, DIALECTS[dialect], operation, paths[0])
    return Row(
        method="POST",
        path=paths[0],
        aliases=tuple(paths[1:]),
        endpoint=ModelDoor(door, verb, Hint(operation=operation, stream=streams)),
        auth="key",
        recorded=True,
        summary=f"Bedrock {verb}",
    )
