"""/v1/routing/strategies: what is configured, what it learned, other shares."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.registry import DIALECTS
from gateway.deployments import Directory
from gateway.endpoints.access import Handler, with_master
from gateway.endpoints.table import Row
from gateway.errors import Refused
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.learning.lessons import Lessons
from gateway.store.contract import StoreError
from routing.contract import Forgetting, Reloading, Strategy, Telling, Weighing

PATH: Final = "/v1/routing/strategies"


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a PATCH says."""

    arms: dict[str, float]
    """Shares of the arms of an experiment; arms that are not named have none."""


_change = msgspec.json.Decoder(Change).decode
_encode = msgspec.json.Encoder().encode


class Strategies:
    """Handlers. Errors are told by `with_master`."""

    def __init__(self, lessons: Lessons, directory: Directory) -> None:
        self._lessons = lessons
        self._book = lessons.book
        self._directory = directory

    async def all(self, request: Request, principal: Principal) -> Response:
        names = self._book.names()
        return _json({"object": "list", "data": [self._told(name) for name in names]})

    async def one(self, request: Request, principal: Principal) -> Response:
        return _json(self._told(self._find(request).name))

    async def change(self, request: Request, principal: Principal) -> Response:
        strategy = self._find(request)
        try:
            said = _change(await request.body())
        except msgspec.MsgspecError as error:
            raise Refused(400, "invalid_request_error", str(error)) from error
        if not isinstance(strategy, Weighing):
            message = f"{strategy.name} has no arms: only an experiment has"
            raise Refused(400, "invalid_request_error", message, param="arms")
        try:
            await self._lessons.change(strategy, said.arms)
        except ValueError as error:
            message = f"arms: {error}"
            raise Refused(
                400, "invalid_request_error", message, param="arms"
            ) from error
        except StoreError as error:
            raise _unkept() from error
        return _json(self._told(strategy.name))

    async def reload(self, request: Request, principal: Principal) -> Response:
        """In this process before it answers, in all that share its store soon."""
        reloads = self._lessons.reloads
        told = await reloads.ask()
        found = [s for s in self._book.made() if isinstance(s, Reloading)]
        data = [self._told(s.name) for s in found]
        within = reloads.every_s if told else None
        return _json({"object": "list", "data": data, "others_within_s": within})

    async def forget(self, request: Request, principal: Principal) -> Response:
        strategy = self._find(request)
        key = request.query_params.get("key", "")
        user = request.query_params.get("user", "")
        if not key:
            message = "say whom to forget: ?key=KEY_ID, or ?key=KEY_ID&user=USER"
            raise Refused(400, "invalid_request_error", message, param="key")
        if not isinstance(strategy, Forgetting):
            message = f"{strategy.name} remembers nobody"
            raise Refused(400, "invalid_request_error", message)
        subject = f"{key}/{user}" if user else key
        try:
            done = await self._lessons.forget(strategy, subject)
        except StoreError as error:
            raise _unkept() from error
        if not done:
            raise _unkept()
        return Response(status_code=204)

    def _find(self, request: Request) -> Strategy:
        name = request.path_params["strategy"]
        if name not in self._book.names():
            message = f"there is no strategy {name[:64]!r}; GET {PATH} lists them"
            raise Refused(404, "invalid_request_error", message, code="not_found")
        return self._book.get(name)

    def _told(self, name: str) -> dict[str, Any]:
        strategy = self._book.get(name)
        told: dict[str, Any] = {
            "object": "routing.strategy",
            "name": name,
            "kind": self._book.kind(name),
            "models": [
                alias.name
                for alias in self._directory.aliases()
                if alias.strategy().name == name
            ],
        }
        if isinstance(strategy, Weighing):
            told["arms"] = dict(strategy.weights)
            told["configured_arms"] = dict(strategy.configured)
        if isinstance(strategy, Telling):
            told |= strategy.told()
        return told


def rows(lessons: Lessons, directory: Directory, keyring: Keyring) -> list[Row]:
    """For who runs the gateway."""
    ours = Strategies(lessons, directory)

    def row(method: str, path: str, handler: Handler, summary: str) -> Row:
        return Row(
            method=method,
            path=path,
            endpoint=with_master(keyring, DIALECTS["openai.chat"], handler),
            auth="master",
            recorded=False,
            summary=summary,
            tag="routing",
        )

    reload = "/v1/routing/reload"
    one = f"{PATH}/{{strategy}}"
    return [
        row("GET", PATH, ours.all, "Strategies, and what they learned"),
        row("GET", one, ours.one, "A strategy, and what it learned"),
        row("PATCH", one, ours.change, "Other shares for an experiment's arms"),
        row("POST", reload, ours.reload, "Look for other artifacts now"),
        row("DELETE", f"{one}/subjects", ours.forget, "Forget a user's preference"),
    ]


def _unkept() -> Refused:
    return Refused(
        503,
        "server_error",
        "what is kept cannot be reached at the moment",
        code="store_unavailable",
        retry_after=1.0,
    )


def _json(value: object) -> Response:
    return Response(_encode(value), media_type="application/json")
