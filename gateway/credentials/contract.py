"""Who signs: credentials that must be fetched, renewed, or made anew for each request.

A fixed key is no business of this package: the family writes it into its headers.
"""

from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from adapters.contract import Headers, Provider, WireRequest
from gateway.config import schema
from gateway.config.secrets import Secrets
from gateway.net.client import Client
from gateway.telemetry.redact import Redactor


class Signer(Protocol):
    """The credential of a deployment. Shared by all that have the same one."""

    identity: str
    """What it signs as, without secrets: equal for equal credentials."""

    async def sign(self, wire: WireRequest) -> WireRequest:
        """The request with what shows who we are, to be sent at once.

        Raises:
            Unauthorized: there is no credential, or its issuer refused it.
            UpstreamError: the issuer cannot be reached or failed.
        """
        ...

    def refused(self, wire: WireRequest, status: int, headers: Headers) -> bool:
        """The provider answered this signed request with 401 or 403.

        True when signing once more may help: what it was signed with has been
        dropped, or was replaced meanwhile.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what runs for it."""
        ...


class Means(msgspec.Struct, frozen=True):
    """What signers are made with."""

    client: Callable[[Collection[tuple[str, int]]], Client]
    """A client that may go to these private hosts and ports, and no provider's: an
    instance's metadata is asked by nobody else."""
    secrets: Secrets
    redactor: Redactor


class Wanted(msgspec.Struct, frozen=True):
    """A deployment, as far as its credential goes."""

    provider: Provider
    base_url: str
    entry: schema.Deployment
    own: schema.ProviderRow | None
    """Its provider in the configuration."""
    secret: Callable[[str], str]
    """A reference -> the value, which the redactor then knows; raises `SecretError`."""
    key: str = ""
    """The provider's key, for signers that exchange it for a token."""
