"""`routeiq routing untrained`: what `centroid` saves where nothing was learned."""

import argparse
from pathlib import Path

import msgspec

from gateway.cli.commands import OK
from gateway.cli.show import out, table
from routing.lab.table import read
from routing.lab.untrained import Untrained, untrained
from routing.learned.centroids import SHIPPED
from routing.learned.centroids import read as read_centroids


def without_training(arguments: argparse.Namespace) -> int:
    """Print the figures."""
    file = Path(arguments.centroids) if arguments.centroids else SHIPPED
    models = arguments.models.split(",") if arguments.models else ()
    found = untrained(
        read(Path(arguments.data), arguments.limit, arguments.seed),
        read_centroids(file),
        models,
        arguments.wrong_agreement,
    )
    if arguments.json:
        out(msgspec.json.encode(found).decode())
    else:
        out(_told(found))
    return OK


def _told(found: Untrained) -> str:
    models = table(
        ("deployment", "quality", "$ a thousand"),
        [
            (name, f"{one.quality:.4f}", f"{1000 * one.cost:.4f}")
            for name, one in found.deployments.items()
        ],
    )
    ways = dict(found.profiles)
    if found.cascade is not None:
        ways["cascade"] = found.cascade
    profiles = table(
        ("profile", "saved, %", "quality, %", "by lot, %", *found.deployments),
        [
            (
                name,
                f"{100 * one.saved:.1f}",
                f"{100 * one.quality:.1f}",
                f"{100 * one.mixed:.1f}",
                *(f"{100 * share:.0f} %" for share in one.asked.values()),
            )
            for name, one in ways.items()
        ],
    )
    return (
        f"{found.dataset}: {found.rows} rows, against always asking {found.best}\n\n"
        f"{models}\n\n{profiles}\n\n`by lot`: deployments drawn at the same cost"
    )
