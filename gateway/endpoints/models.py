"""GET /v1/models: the aliases a key may use."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.registry import DIALECTS
from gateway.config import schema
from gateway.deployments import Alias, Directory
from gateway.endpoints.access import with_key
from gateway.endpoints.table import Row
from gateway.errors import Refused
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal

_encode = msgspec.json.Encoder().encode


def rows(directory: Directory, keyring: Keyring, started: int) -> list[Row]:
    """`started` (Unix seconds) stands for when every alias was made."""

    async def listed(_: Request, principal: Principal) -> Response:
        names = [n for n in directory.names() if principal.may_use(n)]
        names += [
            p for p in directory.patterns() if principal.may_use(p.replace("*", "x"))
        ]
        models = [_model(name, directory.has(name), started) for name in names]
        return _json({"object": "list", "data": models})

    async def one(request: Request, principal: Principal) -> Response:
        name = request.path_params["model"]
        alias = directory.has(name) if principal.may_use(name) else None
        if alias is None:
            raise Refused(
                404,
                "invalid_request_error",
                f"the model {name[:128]!r} does not exist or this key may not use it",
                code="model_not_found",
                param="model",
            )
        return _json(_model(name, alias, started))

    dialect = DIALECTS["openai.chat"]
    return [
        Row(
            method="GET",
            path="/v1/models",
            aliases=("/models", "/openai/models", "/openai/v1/models"),
            endpoint=with_key(keyring, dialect, listed),
            auth="key",
            recorded=False,
            summary="The models this key may use",
        ),
        Row(
            method="GET",
            path="/v1/models/{model:path}",
            aliases=(
                "/models/{model:path}",
                "/openai/models/{model:path}",
                "/openai/v1/models/{model:path}",
            ),
            endpoint=with_key(keyring, dialect, one),
            auth="key",
            recorded=False,
            summary="One model",
        ),
    ]


def _model(
    name: str, alias: Alias | schema.Model | None, started: int
) -> dict[str, object]:
    owners = set()
    if isinstance(alias, Alias):
        owners = {d.provider.id for d in alias.deployments}
    elif alias is not None:
        owners = {d.provider or d.model.partition("/")[0] for d in alias.deployments}
    return {
        "id": name,
        "object": "model",
        "created": started,
        "owned_by": owners.pop() if len(owners) == 1 else "routeiq",
    }


def _json(value: object) -> Response:
    return Response(_encode(value), media_type="application/json")
