"""Which providers can be asked, going by the environment."""

from typing import NamedTuple

from adapters.providers import PROVIDERS
from gateway.config.secrets import Secrets


class Found(NamedTuple):
    """A provider whose key is in the environment."""

    provider: str
    variable: str


def found_keys(secrets: Secrets) -> list[Found]:
    """Every provider one of whose variables is set, in the table's order."""
    found = ((p.id, secrets.first_name(p.env)) for p in PROVIDERS.values())
    return [Found(provider, variable) for provider, variable in found if variable]
