"""The table of routes: what exists, who may, whether it is recorded.

One row feeds the hot path, Starlette's router, the OpenAPI document and the inventory
test: a route that is not here does not exist.
"""

from typing import Literal

import msgspec
from starlette.types import ASGIApp

Auth = Literal["none", "key", "master", "metrics"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One route."""

    method: str
    path: str
    """A Starlette path pattern."""
    endpoint: ASGIApp
    auth: Auth
    """`none`: anyone; `key`: a virtual key or the master key; `master`: the master key
    (anyone, where there is none); `metrics`: the metrics key, where one is configured.
    """
    recorded: bool
    """Leaves a row, a span and metrics of its exchange."""
    summary: str
    hot: bool = False
    """Looked up by (method, path) before Starlette sees it."""
    forms: bool = False
    """Bodies may be multipart/form-data."""
    socket: bool = False
    """A WebSocket: the endpoint is told of both."""
    tag: str = "models"
    aliases: tuple[str, ...] = ()
    """Other paths of the same endpoint."""

    def paths(self) -> tuple[str, ...]:
        return (self.path, *self.aliases)
