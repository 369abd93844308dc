"""Which account is asked for what is no model call.

In this order: where an object named in the request is; the provider that the header
`x-routeiq-provider` names; the model that `x-routeiq-model` or the body names; the
dialect's own provider; the only one there is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from gateway.accounts import Account, Accounts
from gateway.deployments import Directory
from gateway.endpoints.native.named import Named, named
from gateway.endpoints.native.owned import Objects
from gateway.endpoints.visit import Visit, missing
from gateway.errors import Refused
from gateway.govern.principal import Principal
from gateway.spine.route import resolve

PROVIDER: Final = b"x-routeiq-provider"
MODEL: Final = b"x-routeiq-model"
NO_PROVIDER: Final = "no_provider"
OWN: Final = {"openai": "openai", "anthropic": "anthropic", "gemini": "gemini"}
"""Family -> the provider that is asked where nothing says otherwise."""

DIRECT: Final = {
    **dict.fromkeys(("fileName", "file_name"), "files"),
    **dict.fromkeys(("video_id", "video[id]"), "videos"),
}
"""Members at the top of these APIs' bodies that name objects, and nothing elsewhere."""


class Chosen(NamedTuple):
    """An account, and the model's name there."""

    account: Account
    model: str = ""


class Chooser:
    """See the module."""

    def __init__(
        self, accounts: Accounts, directory: Directory, objects: Objects
    ) -> None:
        self.accounts = accounts
        self.objects = objects
        self.named = Named(objects)
        self._directory = directory

    def hinted(self, visit: Visit, family: str) -> Chosen | None:
        """What the headers name. Raises `Refused` for what is not there."""
        if name := visit.header(PROVIDER):
            account = self.accounts.named(name)
            if account is None or account.provider.family != family:
                known = ", ".join(a.id for a in self.accounts.of_family(family))
                raise Refused(
                    400,
                    "invalid_request_error",
                    f"x-routeiq-provider: {name[:64]!r} is no provider that has this "
                    f"API; there are: {known or 'none'}",
                    code="unknown_provider",
                )
            return Chosen(self._allowed(visit.principal, account))
        if model := visit.header(MODEL):
            return self.by_model(visit, model, family)
        return None

    def by_model(self, visit: Visit, model: str, family: str) -> Chosen | None:
        """Where an alias leads. What is none is a provider's own name, which only
        those may say who may use all of it: `None`.

        Raises:
            Refused: the key may not use it, or nobody behind it has this API.
        """
        exchange = visit.exchange
        exchange.asked = model
        if self._directory.has(model) is None and visit.principal.models is None:
            return None
        alias = exchange.alias = resolve(self._directory, exchange, model)
        for deployment in alias.deployments:
            account = self.accounts.marked(deployment.account)
            if account is not None and account.provider.family == family:
                return Chosen(account, deployment.target.model)
        raise Refused(
            400,
            "invalid_request_error",
            f"no deployment of {model[:128]!r} has this API",
            code="unsupported_operation",
            param="model",
        )

    def usual(self, visit: Visit, family: str) -> Account:
        """Who is asked when nothing says otherwise. Raises `Refused`."""
        found = [
            account
            for account in self.accounts.of_family(family)
            if self.may_use(visit.principal, account)
        ]
        own = [account for account in found if account.id == OWN.get(family)]
        if len(own or found) == 1:
            return (own or found)[0]
        if not found:
            raise Refused(
                404,
                "invalid_request_error",
                f"no provider with {family}'s own API is configured, or this key may "
                "not use it",
                code=NO_PROVIDER,
            )
        names = ", ".join(account.id for account in found)
        raise Refused(
            400,
            "invalid_request_error",
            f"several providers have this API ({names}): name one in the header "
            "x-routeiq-provider, or a model in x-routeiq-model",
            code="ambiguous_provider",
        )

    async def holding(self, visit: Visit, fields: Mapping[str, Any]) -> Account | None:
        """Where the objects are that a body names; `None`: it names none we know.

        Raises:
            Refused: 404 for one that is not the key's.
        """
        first: Account | None = None
        for kind, id in (*named(fields), *_direct(fields)):
            last = id.rpartition("/")[2]
            place = await self.objects.find(visit.principal.id, kind, last)
            if place is None and not visit.principal.sees_all:
                raise missing(kind.removesuffix("s").replace("_", " "), id)
            if place is not None and first is None:
                first = self.accounts.marked(place.account)
        return first

    def may_use(self, principal: Principal, account: Account) -> bool:
        """Whether a key reaches anything at the account by its models."""
        if not principal.may_reach(account.id):
            return False
        if principal.models is None or principal.may_use(f"{account.id}/*"):
            return True
        named = (self._directory.find(name) for name in principal.models)
        live = (a for a in self._directory.aliases() if principal.may_use(a.name))
        return any(
            each.account == account.account
            for alias in (*named, *live)
            if alias is not None
            for each in alias.deployments
        )

    def _allowed(self, principal: Principal, account: Account) -> Account:
        if not self.may_use(principal, account):
            raise Refused(
                403,
                "permission_error",
                f"this key may use no model of {account.id!r}",
                code="provider_forbidden",
            )
        return account


def _direct(fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, kind in DIRECT.items():
        if isinstance(id := fields.get(name), str):
            yield kind, id
    video = fields.get("video")
    if isinstance(video, dict) and isinstance(id := video.get("id"), str):
        yield "videos", id
