"""The signers of all deployments: one for each credential, however many share it."""

import ipaddress
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final

import msgspec

from adapters.contract import Provider
from gateway.config import schema
from gateway.config.secrets import Secrets
from gateway.credentials import aws, azure, exchange, google, oci
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
    "oci": oci.make,
    "ibm": exchange.ibm,
    "gigachat": exchange.gigachat,
}
"""By the word of `Provider.signer`."""


class Wallet:
    """Makes signers and closes them."""

    def __init__(
        self, egress: schema.Egress, secrets: Secrets, redactor: Redactor
    ) -> None:
        self._egress = egress
        self._secrets = secrets
        self._means = Means(self._client, secrets, redactor)
        self._signers: dict[str, Signer] = {}
        self._clients: dict[tuple[frozenset[tuple[str, int]], str], Client] = {}

    def signer(self, word: str, wanted: Wanted) -> Signer:
        """The signer of a deployment; the same for the same credential.

        Raises:
            SecretError: a reference does not resolve, or something is missing.
        """
        proxy = wanted.own.proxy if wanted.own is not None else ""
        means = self._means
        if proxy:
            through = partial(self._client, proxy=self._secrets.text(proxy))
            means = msgspec.structs.replace(means, client=through)
        made = SIGNERS[word](wanted, means)
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

    def _client(
        self, allow_hosts: Collection[tuple[str, int]], proxy: str = ""
    ) -> Client:
        """`proxy`: the provider's own, which leads to who gives its tokens, too."""
        hosts = frozenset(allow_hosts)
        key = (hosts, proxy)
        if key not in self._clients:
            urls = [_origin(*host) for host in hosts if proxy and _is_name(host[0])]
            proxies = dict.fromkeys(urls, proxy)
            made = Client(self._egress, allow_hosts=hosts, proxies=proxies)
            self._clients[key] = made
        return self._clients[key]


def _origin(host: str, port: int) -> str:
    return f"{'https' if port == 443 else 'http'}://{host}:{port}"


def _is_name(host: str) -> bool:
    """Whether it is no number: those are of the machine itself, behind no proxy."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost"
    return False
