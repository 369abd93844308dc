"""`routeiq providers`."""

import argparse

import msgspec

from adapters.contract import Provider
from adapters.providers import PROVIDERS
from gateway.cli.commands import OK
from gateway.cli.show import out, table
from gateway.config.addresses import address
from gateway.config.secrets import Secrets, environment


class Line(msgspec.Struct, frozen=True):
    """One provider, as the list shows it."""

    id: str
    title: str
    aliases: tuple[str, ...]
    family: str
    base_url: str
    """With what is the user's own in braces, where the environment does not tell."""
    env: tuple[str, ...]
    """Variables that may hold the key."""
    address_env: tuple[str, ...]
    """Variables that may hold its address, or a part of it."""
    set: str
    """The variable that holds a key now; empty: none."""
    operations: list[str]


def providers(arguments: argparse.Namespace) -> int:
    """The table of providers, and whose key is in the environment."""
    secrets = Secrets(environment())
    rows = sorted(PROVIDERS.values(), key=lambda row: row.id)
    found = [_line(row, secrets) for row in rows]
    if arguments.only_set:
        found = [line for line in found if line.set]
    if arguments.json:
        out(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return OK
    heads = ("provider", "family", "set", "address", "variable")
    cells = [
        (
            line.id,
            line.family,
            "yes" if line.set else "",
            line.base_url or "(yours)",
            _variables(line),
        )
        for line in found
    ]
    out(table(heads, cells) or "no provider's key is set")
    if arguments.count:
        out(f"\n{len(found)} provider{'s' if len(found) != 1 else ''}")
    return OK


def _variables(line: Line) -> str:
    """Those for the key, and those that the rest of the address needs."""
    keys = " or ".join(line.env) or "(none)"
    open_ = not line.base_url or "{" in line.base_url.replace("{model}", "")
    needed = " or ".join(line.address_env) if open_ else ""
    return f"{keys}; address: {needed}" if needed else keys


def _line(row: Provider, secrets: Secrets) -> Line:
    parts = (name for names in row.variables.values() for name in names)
    return Line(
        id=row.id,
        title=row.title,
        aliases=row.aliases,
        family=row.family,
        base_url=address(row, None, secrets).url or row.base_url,
        env=row.env,
        address_env=(*row.base_url_env, *parts),
        set=secrets.first_name(row.env),
        operations=sorted(row.operations),
    )
