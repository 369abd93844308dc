"""GET /v1/models: the aliases a key may use."""

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.registry import DIALECTS
from gateway.config import schema
from gateway.deployments import Alias, Directory
from gateway.endpoints.access import Handler, with_key
from gateway.endpoints.gemini import PREFIXES, VERSIONS
from gateway.endpoints.table import Row
from gateway.errors import Refused
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal

_encode = msgspec.json.Encoder().encode


def rows(directory: Directory, keyring: Keyring, started: int) -> list[Row]:
    """`started` (Unix seconds) stands for when every alias was made."""
    models = Models(directory, started)
    google = tuple(f"{p}/{v}/models" for p in PREFIXES[1:] for v in VERSIONS)
    return [
        *_pair(
            keyring,
            "/v1beta/models",
            ("/v1alpha/models", *google),
            (models.listed_gemini, models.one_gemini),
            "gemini.generate",
        ),
        *_pair(
            keyring,
            "/v1/models",
            ("/models", "/openai/models", "/openai/v1/models", "/anthropic/v1/models"),
            (models.listed, models.one),
            "openai.chat",
        ),
    ]


def _pair(
    keyring: Keyring,
    path: str,
    aliases: tuple[str, ...],
    handlers: tuple[Handler, Handler],
    dialect: str,
) -> list[Row]:
    """The list, and one of it."""
    one = "/{model:path}"
    return [
        Row(
            method="GET",
            path=path + tail,
            aliases=tuple(alias + tail for alias in aliases),
            endpoint=with_key(keyring, DIALECTS[dialect], handler),
            auth="key",
            recorded=False,
            summary=summary,
        )
        for tail, handler, summary in (
            ("", handlers[0], "The models this key may use"),
            (one, handlers[1], "One model"),
        )
    ]


class Models:
    """The aliases, for who may use them, in the form of the API that asks."""

    def __init__(self, directory: Directory, started: int) -> None:
        self._directory = directory
        self._started = started

    async def listed(self, request: Request, principal: Principal) -> Response:
        if _is_google(request):
            return await self.listed_gemini(request, principal)
        names = self._usable(principal)
        if _is_anthropic(request):
            return _json(_page([_claude(name, self._started) for name in names]))
        has = self._directory.has
        models = [_model(name, has(name), self._started) for name in names]
        return _json({"object": "list", "data": models})

    async def one(self, request: Request, principal: Principal) -> Response:
        if _is_google(request):
            return await self.one_gemini(request, principal)
        name, alias = self._found(request, principal)
        if _is_anthropic(request):
            return _json(_claude(name, self._started))
        return _json(_model(name, alias, self._started))

    async def listed_gemini(self, _: Request, principal: Principal) -> Response:
        names = [name for name in self._usable(principal) if "*" not in name]
        has = self._directory.has
        return _json({"models": [_gemini(name, has(name)) for name in names]})

    async def one_gemini(self, request: Request, principal: Principal) -> Response:
        return _json(_gemini(*self._found(request, principal)))

    def _usable(self, principal: Principal) -> list[str]:
        names = [n for n in self._directory.names() if principal.may_use(n)]
        return names + [
            p
            for p in self._directory.patterns()
            if principal.may_use(p.replace("*", "x"))
        ]

    def _found(
        self, request: Request, principal: Principal
    ) -> tuple[str, Alias | schema.Model]:
        name = request.path_params["model"]
        alias = self._directory.has(name) if principal.may_use(name) else None
        if alias is None:
            raise Refused(
                404,
                "invalid_request_error",
                f"the model {name[:128]!r} does not exist or this key may not use it",
                code="model_not_found",
                param="model",
            )
        return name, alias


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
        **_described(alias),
    }


def _described(alias: Alias | schema.Model | None) -> dict[str, object]:
    """What the operator says of it, if anything: no API of these forbids more."""
    model = alias.model if isinstance(alias, Alias) else alias
    return {"description": model.description} if model and model.description else {}


def _is_anthropic(request: Request) -> bool:
    """Both APIs have the path; Anthropic's clients say which version they speak."""
    path: str = request.url.path
    return "anthropic-version" in request.headers or path.startswith("/anthropic")


def _is_google(request: Request) -> bool:
    """Google's clients show their key in a header of their own."""
    return "x-goog-api-key" in request.headers


def _claude(name: str, started: int) -> dict[str, object]:
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    return {"type": "model", "id": name, "display_name": name, "created_at": made}


def _page(models: list[dict[str, object]]) -> dict[str, object]:
    return {
        "data": models,
        "has_more": False,
        "first_id": models[0]["id"] if models else None,
        "last_id": models[-1]["id"] if models else None,
    }


def _gemini(name: str, alias: Alias | schema.Model | None) -> dict[str, object]:
    told: dict[str, object] = {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": [
            *("generateContent", "streamGenerateContent", "countTokens"),
            "embedContent",
        ],
        **_described(alias),
    }
    if isinstance(alias, Alias):
        limits = [d.target.limits for d in alias.deployments]
        for ours, theirs in (
            ("input", "inputTokenLimit"),
            ("output", "outputTokenLimit"),
        ):
            known = [each.get(f"max_{ours}_tokens") for each in limits]
            if known and all(known):
                told[theirs] = min(most for most in known if most is not None)
    return told


def _json(value: object) -> Response:
    return Response(_encode(value), media_type="application/json")
