"""What is said of clouds: whether its references lead somewhere, and it is enough."""

from typing import Final

from adapters.contract import Provider
from adapters.providers import find
from gateway.config import clouds
from gateway.config.addresses import bad_url
from gateway.config.aws import Profiles
from gateway.config.findings import Findings
from gateway.config.problem import Path, quoted
from gateway.config.schema import Aws, Azure, Deployment, Google, ProviderRow
from gateway.config.secrets import SecretError

_IDENTITY: Final = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "IDENTITY_ENDPOINT",
)
"""What tells in the environment who asks Azure."""


def check_sections(said: ProviderRow | Deployment, path: Path, f: Findings) -> None:
    """The sections `google`, `azure` and `aws` of a provider or deployment."""
    if said.google is not None:
        _references(("credentials", "token"), said.google, (*path, "google"), f)
    if said.azure is not None:
        names = ("client_secret", "certificate", "token")
        _references(names, said.azure, (*path, "azure"), f)
    if said.aws is not None:
        _check_aws(said.aws, (*path, "aws"), f)


def _check_aws(said: Aws, path: Path, f: Findings) -> None:
    names = ("access_key_id", "secret_access_key", "session_token")
    _references(names, said, path, f)
    if bool(said.access_key_id) != bool(said.secret_access_key):
        message = "access_key_id and secret_access_key belong together"
        f.problem(path, message, at_key=True)
    if said.web_identity_token and not said.role_arn:
        message = "an identity token is exchanged for a role"
        f.problem((*path, "web_identity_token"), message, "set role_arn")
    if said.profile and f.demand:
        profiles = Profiles(f.secrets)
        if not profiles.find(said.profile):
            message = f"there is no AWS profile {quoted(said.profile)}"
            f.problem((*path, "profile"), message, f"looked in {profiles.places}")
    wrong = said.sts_endpoint and bad_url(said.sts_endpoint)
    if wrong:
        f.problem((*path, "sts_endpoint"), wrong)


def _references(
    names: tuple[str, ...], said: Google | Azure | Aws, path: Path, f: Findings
) -> None:
    for name in names:
        f.secret((*path, name), getattr(said, name))


def known_as(name: str, row: ProviderRow | None) -> Provider | None:
    """The provider of the table that a provider of the file is, or is like."""
    return find(name) or (find(row.family) if row is not None and row.family else None)


def check_site(
    known: Provider,
    row: ProviderRow | None,
    deployment: Deployment,
    path: Path,
    f: Findings,
) -> None:
    """Whether the address of a deployment in a cloud can be made, and it is clear who
    asks."""
    if known.signer not in ("google", "azure"):
        return
    url = deployment.base_url or (row.base_url if row else "")
    key = (
        deployment.api_key or (row.api_key if row else "") or f.secrets.first(known.env)
    )
    if known.signer == "azure":
        if not key and not _is_somebody(clouds.azure(row, deployment), f):
            hint = f"export {known.env[0]}=..., or `azure: {{managed_identity: true}}`"
            message = "no key: the managed identity of this machine is asked for tokens"
            f.warn((*path, "model"), message, hint)
        return
    try:
        clouds.vertex(url, known, clouds.google(row, deployment), f.secrets, key)
    except SecretError as error:
        f.problem((*path, "model"), error.message, error.hint)


def _is_somebody(said: Azure, f: Findings) -> bool:
    """Whether anything tells who asks Azure."""
    told = said.client_secret or said.certificate or said.token_file or said.token
    return bool(told or said.managed_identity or f.secrets.first(_IDENTITY))
