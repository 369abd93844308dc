"""The signers of all deployments: one for each credential, however many share it."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from adapters.contract import Provider
from gateway.config import schema
from gateway.config.secrets import Secrets
from gateway.credentials import aws, azure, google
from gateway.credentials.contract import Means, Signer, Wanted
from gateway.credentials.reference import key_signer
from gateway.net.client import Client
from gateway.telemetry.redact import Redactor

Make = Callable[[Wanted, Means], Signer]
"""Makes a signer without asking anybody; raises `SecretError`."""

SIGNERS: Final[Mapping[str, Make]] = {
    "google": google.make,
    "azure": azure.make,
    "aws": aws.make,
}
"""By the word of `Provider.signer`."""


class Wallet:
    """Makes signers and closes them."""

    def __init__(
        self, egress: schema.Egress, secrets: Secrets, redactor: Redactor
    ) -> None:
        self._egress = egress
        self._means = Means(self._client, secrets, redactor)
        self._signers: dict[str, Signer] = {}
        self._clients: dict[frozenset[tuple[str, int]], Client] = {}

    def signer(self, word: str, wanted: Wanted) -> Signer:
        """The signer of a deployment; the same for the same credential.

        Raises:
            SecretError: a reference does not resolve, or something is missing.
        """
        made = SIGNERS[word](wanted, self._means)
        return self._signers.setdefault(made.identity, made)

    def key(self, reference: str, provider: Provider) -> Signer:
        """The signer for a provider's key that is told anew from time to time.

        Raises:
            SecretError: the reference is no good.
        """
        made = key_signer(reference, provider, self._means)
        return self._signers.setdefault(made.identity, made)

    async def aclose(self) -> None:
        """End what is being fetched."""
        for signer in self._signers.values():
            await signer.aclose()
        for client in self._clients.values():
            await client.aclose()

    def _client(self, allow_hosts: Collection[tuple[str, int]]) -> Client:
        hosts = frozenset(allow_hosts)
        if hosts not in self._clients:
            self._clients[hosts] = Client(self._egress, allow_hosts=hosts)
        return self._clients[hosts]
