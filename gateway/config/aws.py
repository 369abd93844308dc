"""What a provider and a deployment say of AWS, and what its shared files hold."""

import configparser
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.bedrock.models import region as region_of
from adapters.contract import Provider
from gateway.config.schema import Aws, Deployment, ProviderRow
from gateway.config.secrets import Secrets

REGION: Final = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_REGION_NAME")

SIGNER: Final = "aws"
Profile = dict[str, str]


def settings(own: ProviderRow | None, entry: Deployment) -> Aws:
    """A deployment's words on AWS, the provider's where it has none."""
    said: dict[str, Any] = {}
    plain = Aws()
    for each in (own.aws if own is not None else None, entry.aws):
        if each is not None:
            given = msgspec.structs.asdict(each)
            said |= {k: v for k, v in given.items() if v != getattr(plain, k)}
    return msgspec.structs.replace(plain, **said)


def region(
    own: ProviderRow | None, entry: Deployment, model: str, secrets: Secrets
) -> str:
    """The region of a deployment: said for it, told by its model's name, said for its
    provider, by the environment or the profile; empty when nobody says."""
    said = settings(own, entry)
    return (
        (entry.aws.region if entry.aws is not None else "")
        or region_of(model)
        or said.region
        or (own.variables.get("region", "") if own is not None else "")
        or secrets.first(REGION)
        or Profiles(secrets).find(said.profile).get("region", "")
    )


def sited(
    known: Provider,
    own: ProviderRow | None,
    entry: Deployment,
    model: str,
    secrets: Secrets,
) -> ProviderRow | None:
    """The provider's row with the region of a deployment, for one on AWS."""
    if known.signer != SIGNER:
        return own
    found = region(own, entry, model, secrets)
    if not found:
        return own
    own = own if own is not None else ProviderRow()
    return msgspec.structs.replace(own, variables={**own.variables, "region": found})


class Profiles:
    """The shared files `~/.aws/config` and `~/.aws/credentials`, read when asked."""

    def __init__(self, secrets: Secrets) -> None:
        home = Path(secrets.variable("HOME") or "/nonexistent")
        config = secrets.variable("AWS_CONFIG_FILE")
        credentials = secrets.variable("AWS_SHARED_CREDENTIALS_FILE")
        self._config = Path(config) if config else home / ".aws" / "config"
        self._credentials = (
            Path(credentials) if credentials else home / ".aws" / "credentials"
        )
        self._default = secrets.first(("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))

    @property
    def places(self) -> str:
        """Where it is looked, for messages."""
        return f"`{self._config}` and `{self._credentials}`"

    def find(self, name: str = "") -> Profile:
        """The settings of a profile; those of the credentials file win."""
        name = name or self._default or "default"
        config, credentials = _sections(self._config), _sections(self._credentials)
        said = config.get(f"profile {name}") or config.get(name) or {}
        return {**said, **credentials.get(name, {})}

    def gives(self, name: str) -> bool:
        """Whether a profile says whose credentials to use."""
        known = ("aws_access_key_id", "role_arn", "credential_process")
        return any(self.find(name).get(key) for key in known)


def _sections(path: Path) -> dict[str, Profile]:
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        parser.read_string(path.read_text())
    except (OSError, UnicodeError, configparser.Error):
        return {}
    return {
        " ".join(name.split()): dict(parser.items(name)) for name in parser.sections()
    }
