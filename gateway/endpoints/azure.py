"""POST /openai/deployments/{model}/chat/completions and others: Azure's paths.

The model of the path is the one that is asked; `api-version` is taken and means
nothing here.
"""

from typing import Final, NamedTuple

import msgspec
from starlette.types import Receive, Scope, Send

from adapters.contract import Operation
from adapters.registry import DIALECTS
from gateway.endpoints.chat import FORWARDED
from gateway.endpoints.door import Door
from gateway.endpoints.media import SURFACES
from gateway.endpoints.table import Row
from gateway.net.link import AsgiLink
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

PLACE: Final = "/openai/deployments/"


class _Place(NamedTuple):
    end: str
    dialect: str
    operation: Operation
    forms: bool = False
    """Whether its bodies may be forms."""


_MEDIA: Final = ("images/generations", "images/edits", "audio/")
_PLACES: Final = (
    _Place("chat/completions", "openai.chat", Operation.chat),
    _Place("completions", "openai.completions", Operation.complete),
    _Place("embeddings", "openai.embeddings", Operation.embed),
    *(
        _Place(each.name, each.dialect, each.operation, each.forms)
        for each in SURFACES
        if each.name.startswith(_MEDIA)
    ),
)


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """The Azure client of OpenAI's SDKs takes the origin or `/azure` as endpoint."""
    return [_row(dispatch, propagation, place) for place in _PLACES]


class DeploymentDoor:
    """A door whose path names the model before the operation."""

    def __init__(self, door: Door, end: str) -> None:
        self._door = door
        self._end = f"/{end}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        model = path[path.index(PLACE) + len(PLACE) :].removesuffix(self._end)
        link = AsgiLink(scope, receive, send)
        hint = msgspec.structs.replace(self._door.hint(link.headers), model=model)
        await self._door.serve(link, hint)


def _row(dispatch: Dispatch, propagation: Propagation, place: _Place) -> Row:
    path = f"{PLACE}{{model:path}}/{place.end}"
    door = Door(
        dispatch,
        propagation,
        DIALECTS[place.dialect],
        place.operation,
        path,
        FORWARDED,
        forms=place.forms,
    )
    return Row(
        method="POST",
        path=path,
        aliases=(f"/azure{path}",),
        endpoint=DeploymentDoor(door, place.end),
        auth="key",
        recorded=True,
        forms=place.forms and place.operation is not Operation.images_generate,
        summary=f"OpenAI {place.end.replace('/', ' ')}, on Azure's path",
    )
