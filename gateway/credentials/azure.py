"""Who we are to Azure: Entra's token of an application, a workload or a machine.

Sources: learn.microsoft.com/entra/identity-platform, the client credentials flow and
its certificate assertions; managed identities (IMDS and App Service); the variables of
azure-identity.
"""

import asyncio
import base64
import time
import uuid
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from adapters.contract import Headers
from adapters.errors import Garbled, Unauthorized
from gateway.config import clouds
from gateway.config.schema import Azure
from gateway.config.secrets import SecretError
from gateway.credentials.contract import Means, Signer, Wanted
from gateway.credentials.issuer import Issuer, address
from gateway.credentials.reference import digest, read_again
from gateway.credentials.tokens import Bearer, Fetch, Passing, Token, Tokens

AUTHORITY: Final = "https://login.microsoftonline.com"
SCOPE: Final = "https://cognitiveservices.azure.{end}/.default"
IMDS: Final = "http://169.254.169.254"
IMDS_VERSION: Final = "2018-02-01"
APP_SERVICE_VERSION: Final = "2019-08-01"
ASSERTION_S: Final = 600

_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NOBODY: Final = (
    "no Azure credential: set an api_key, or azure.tenant_id, client_id and "
    "client_secret, or run on Azure with a managed identity"
)


def make(wanted: Wanted, means: Means) -> Signer:
    """The signer of a deployment on Azure."""
    said = clouds.azure(wanted.own, wanted.entry)
    if said.token:
        fetch = read_again(said.token, means.secrets)
        return _signer(f"azure token {digest(said.token)}", fetch, means)
    entra = _Entra(said, means)
    if not said.managed_identity:
        for kind in (entra.secret, entra.certificate, entra.workload):
            found = kind(wanted)
            if found is not None:
                return found
    return entra.machine()


def _signer(identity: str, fetch: Fetch, means: Means) -> Signer:
    return Bearer(Tokens(identity, fetch, means.redactor))


class _Entra:
    """The ways to a token, for one deployment's words."""

    def __init__(self, said: Azure, means: Means) -> None:
        self.said = said
        self.means = means
        variable = means.secrets.variable
        self.tenant = said.tenant_id or variable("AZURE_TENANT_ID") or ""
        self.client_id = said.client_id or variable("AZURE_CLIENT_ID") or ""
        authority = said.authority or variable("AZURE_AUTHORITY_HOST") or AUTHORITY
        if "://" not in authority:
            authority = f"https://{authority}"
        self.authority = authority.rstrip("/")
        end = self.authority.rpartition(".")[2]
        scope = SCOPE.format(end=end if end in ("us", "cn") else "com")
        self.scope = said.scope or variable("AZURE_SCOPE") or scope

    @property
    def url(self) -> str:
        return f"{self.authority}/{self.tenant}/oauth2/v2.0/token"

    def secret(self, wanted: Wanted) -> Signer | None:
        """An application's secret."""
        if self.said.client_secret:
            secret = wanted.secret(self.said.client_secret)
        elif self.said.certificate or self.said.token_file:
            return None
        else:
            secret = self.means.secrets.variable("AZURE_CLIENT_SECRET") or ""
        if not secret:
            return None
        self.means.redactor.learn(secret)
        return self._application(digest(secret), {"client_secret": secret})

    def certificate(self, wanted: Wanted) -> Signer | None:
        """An application's certificate, which signs an assertion."""
        reference = self.said.certificate
        if not reference and not self.said.token_file:
            named = self.means.secrets.variable("AZURE_CLIENT_CERTIFICATE_PATH")
            reference = f"file:{named}" if named else ""
        if not reference:
            return None
        pem = wanted.secret(reference)
        thumb = thumbprint(pem)

        def assertion() -> dict[str, str]:
            signed = _assertion(pem, thumb, self.client_id, self.url)
            return {"client_assertion_type": _ASSERTION, "client_assertion": signed}

        return self._application(thumb, assertion)

    def workload(self, _: Wanted) -> Signer | None:
        """A token that the cluster writes into a file."""
        variable = "AZURE_FEDERATED_TOKEN_FILE"
        name = self.said.token_file or self.means.secrets.variable(variable)
        if not name:
            return None
        file = Path(name)

        def assertion() -> dict[str, str]:
            try:
                token = file.read_text("utf-8").strip()
            except (OSError, UnicodeError) as error:
                reason = getattr(error, "strerror", None) or "no text"
                message = f"cannot read the federated token's file `{file}`: {reason}"
                raise Unauthorized(message) from None
            return {"client_assertion_type": _ASSERTION, "client_assertion": token}

        return self._application(str(file), assertion)

    def _application(self, name: str, proof: Any) -> Signer:
        for key, value in (("tenant_id", self.tenant), ("client_id", self.client_id)):
            if not value:
                hint = f"set `azure: {{{key}: ...}}` or AZURE_{key.upper()}"
                raise SecretError(f"azure: {key} is missing", hint, missing=True)
        issuer = Issuer(self.means.client([address(self.authority)]))
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "scope": self.scope,
        }

        known = Passing(self.means.redactor)

        async def fetch() -> Token:
            shown = proof
            if callable(proof):
                shown = await asyncio.to_thread(proof)
                known.now(shown["client_assertion"])
            return await issuer.token("POST", self.url, form={**form, **shown})

        identity = f"azure {self.tenant} {self.client_id} {self.scope} {name}"
        return _signer(identity, fetch, self.means)

    def machine(self) -> Signer:
        """The managed identity of the machine or service that we run on."""
        secrets = self.means.secrets
        asked = {"resource": self.scope.removesuffix("/.default")}
        if self.client_id:
            asked["client_id"] = self.client_id
        headers: Headers
        endpoint = secrets.variable("IDENTITY_ENDPOINT")
        proof = secrets.variable("IDENTITY_HEADER")
        if endpoint and proof:
            self.means.redactor.learn(proof)
            asked = {"api-version": APP_SERVICE_VERSION, **asked}
            headers = ((b"x-identity-header", proof.encode()),)
        else:
            host = secrets.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST") or IMDS
            endpoint = f"{host.rstrip('/')}/metadata/identity/oauth2/token"
            asked = {"api-version": IMDS_VERSION, **asked}
            headers = ((b"metadata", b"true"),)
        url = f"{endpoint}?{urlencode(asked)}"
        issuer = Issuer(self.means.client([address(url)]), _NOBODY)

        async def fetch() -> Token:
            told = await issuer.json("GET", url, headers=headers)
            try:
                lives = told.get("expires_in") or int(told["expires_on"]) - time.time()
                return Token(str(told["access_token"]), float(lives))
            except (KeyError, TypeError, ValueError):
                what = "the managed identity gave something else than a token"
                raise Garbled(what) from None

        identity = f"azure machine {self.client_id} {self.scope}"
        return _signer(identity, fetch, self.means)


def thumbprint(pem: str) -> str:
    """SHA-256 of a PEM file's first certificate, base64url.

    Raises:
        SecretError: there is none.
    """
    from cryptography import x509  # noqa: PLC0415 - a heavy one, and few need it
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise SecretError(
            "azure: the certificate's file has no certificate in it",
            "it is a PEM file with the certificate and its private key",
        ) from None
    return base64.urlsafe_b64encode(found.fingerprint(SHA256())).decode().rstrip("=")


def _assertion(pem: str, thumb: str, client_id: str, url: str) -> str:
    import jwt  # noqa: PLC0415 - a heavy one, and few need it

    now = int(time.time())
    claims = {
        "aud": url,
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + ASSERTION_S,
    }
    try:
        return jwt.encode(claims, pem, "PS256", headers={"x5t#S256": thumb})
    except (ValueError, TypeError, jwt.PyJWTError):
        raise Unauthorized("the certificate's file has no RSA key in it") from None
