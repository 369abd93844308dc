"""`routeiq providers`."""

import argparse

import msgspec

from adapters.providers import PROVIDERS
from gateway.cli.commands import OK
from gateway.cli.show import out, table
from gateway.config.secrets import Secrets, environment


def providers(arguments: argparse.Namespace) -> int:
    """The table of providers, and whose key is in the environment."""
    secrets = Secrets(environment())
    rows = [
        {
            "id": p.id,
            "family": p.family,
            "base_url": p.base_url or secrets.first(p.base_url_env),
            "env": list(p.env),
            "set": secrets.first_name(p.env),
        }
        for p in sorted(PROVIDERS.values(), key=lambda p: p.id)
    ]
    if arguments.only_set:
        rows = [row for row in rows if row["set"]]
    if arguments.count:
        out(str(len(rows)))
    elif arguments.json:
        out(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        heads = ("provider", "family", "address", "variable", "set")
        lines = [
            (
                str(row["id"]),
                str(row["family"]),
                str(row["base_url"] or "(yours)"),
                " or ".join(map(str, row["env"])) or "(none)",
                "yes" if row["set"] else "",
            )
            for row in rows
        ]
        out(table(heads, lines) or "no provider's key is set")
    return OK
