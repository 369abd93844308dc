"""Which providers can be asked, going by the environment."""

from typing import NamedTuple

from adapters.providers import PROVIDERS
from gateway.config.addresses import address
from gateway.config.secrets import Secrets


class Found(NamedTuple):
    """A provider whose key is in the environment, and whose address is known."""

    provider: str
    variable: str


def found_keys(secrets: Secrets) -> list[Found]:
    """Every provider that can be asked by a variable that is set, in the table's
    order. A variable that several of them look for means the first."""
    found: dict[str, Found] = {}
    for row in PROVIDERS.values():
        variable = secrets.first_name(row.env)
        if variable and variable not in found and address(row, None, secrets).url:
            found[variable] = Found(row.id, variable)
    return list(found.values())
