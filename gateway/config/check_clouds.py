"""What is said of clouds: whether its references lead somewhere, and it is enough."""

from adapters.contract import Provider
from adapters.providers import find
from gateway.config import clouds
from gateway.config.findings import Findings
from gateway.config.problem import Path
from gateway.config.schema import Azure, Deployment, Google, ProviderRow
from gateway.config.secrets import SecretError


def check_sections(said: ProviderRow | Deployment, path: Path, f: Findings) -> None:
    """The sections `google` and `azure` of a provider or deployment."""
    if said.google is not None:
        _references(("credentials", "token"), said.google, (*path, "google"), f)
    if said.azure is not None:
        names = ("client_secret", "certificate", "token")
        _references(names, said.azure, (*path, "azure"), f)


def _references(
    names: tuple[str, ...], said: Google | Azure, path: Path, f: Findings
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
    """Whether the address of a deployment in a cloud can be made."""
    if known.signer != "google":
        return
    url = deployment.base_url or (row.base_url if row else "")
    key = (
        deployment.api_key or (row.api_key if row else "") or f.secrets.first(known.env)
    )
    try:
        clouds.vertex(url, known, clouds.google(row, deployment), f.secrets, key)
    except SecretError as error:
        f.problem((*path, "model"), error.message, error.hint)
