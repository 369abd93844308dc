"""Who we are to Google Cloud: the token of a service account, a person, a workload.

Source: Google's Application Default Credentials (google-auth 2.x), AIP-4110 to 4117.
"""

from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec

from adapters.contract import Headers, WireHead, WireRequest
from gateway.config import clouds
from gateway.config.secrets import SecretError
from gateway.credentials.contract import Means, Signer, Wanted
from gateway.credentials.google_files import Source, impersonated, source_of
from gateway.credentials.issuer import Issuer, address
from gateway.credentials.reference import digest, read_again
from gateway.credentials.tokens import Bearer, Fetch, Token, Tokens

METADATA: Final = "169.254.169.254"
"""Of an instance; its name, which leads there, would not pass the guard."""
_NAMES: Final = frozenset({"metadata", "metadata.google.internal"})
_FLAVOR: Final[Headers] = ((b"metadata-flavor", b"Google"),)
_NOBODY: Final = (
    "no Google credential: set google.credentials or GOOGLE_APPLICATION_CREDENTIALS, "
    "or run on Google Cloud"
)


def make(wanted: Wanted, means: Means) -> Signer:
    """The signer of a deployment on Google Cloud."""
    said = clouds.google(wanted.own, wanted.entry)
    if said.token:
        fetch = read_again(said.token, means.secrets)
        return _signer(f"google token {digest(said.token)}", fetch, means)
    where = f"the deployment {wanted.entry.model!r}"
    text, named = clouds.credential_file(said, means.secrets, where)
    if not text:
        machine = Machine(means)
        found = Source("google metadata", machine.token, ())
        if said.impersonate:
            found = impersonated(found, said.impersonate, means)
        return _signer(found.identity, found.fetch, means, machine=machine)
    means.redactor.learn(text)
    found = source_of(_object(text, named), named, means)
    if said.impersonate:
        found = impersonated(found, said.impersonate, means)
    return _signer(
        f"{found.identity} {digest(text)}", found.fetch, means, found.headers
    )


def _object(text: str, named: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        hint = "give the JSON file that Google Cloud made, not its name"
        raise SecretError(f"google: {named} is no JSON object", hint) from None


def _signer(
    identity: str,
    fetch: Fetch,
    means: Means,
    headers: Headers = (),
    machine: "Machine | None" = None,
) -> Signer:
    return GoogleSigner(Tokens(identity, fetch, means.redactor), headers, machine)


class Machine:
    """The metadata server of the machine we run on."""

    def __init__(self, means: Means) -> None:
        named = means.secrets.variable("GCE_METADATA_HOST") or METADATA
        host = METADATA if named in _NAMES else named
        self._root = f"http://{host}/computeMetadata/v1"
        self._issuer = Issuer(means.client([address(self._root)]), _NOBODY)
        self._project = ""

    async def token(self) -> Token:
        """A token of the service account that the machine runs as."""
        url = f"{self._root}/instance/service-accounts/default/token"
        return await self._issuer.token("GET", url, headers=_FLAVOR)

    async def project(self) -> str:
        """The project that the machine belongs to."""
        if not self._project:
            url = f"{self._root}/project/project-id"
            told = await self._issuer.data("GET", url, headers=_FLAVOR)
            self._project = told.decode("ascii", "replace").strip()
        return self._project


class GoogleSigner(Bearer):
    """Signs, names who pays, and says the project where it was not known before."""

    def __init__(
        self, tokens: Tokens, headers: Headers = (), machine: Machine | None = None
    ) -> None:
        super().__init__(tokens)
        self._more = headers
        self._machine = machine
        self._placed: WeakKeyDictionary[WireHead, WireHead] = WeakKeyDictionary()

    async def sign(self, wire: WireRequest) -> WireRequest:
        signed = await super().sign(wire)
        if self._more:
            headers = (*signed.headers, *self._more)
            signed = msgspec.structs.replace(signed, headers=headers)
        if clouds.PLACEHOLDER in wire.head.url and self._machine is not None:
            head = await self._head(wire.head, self._machine)
            signed = msgspec.structs.replace(signed, head=head)
        return signed

    async def _head(self, head: WireHead, machine: Machine) -> WireHead:
        found = self._placed.get(head)
        if found is None:
            url = head.url.replace(clouds.PLACEHOLDER, await machine.project())
            found = self._placed[head] = msgspec.structs.replace(head, url=url)
        return found
