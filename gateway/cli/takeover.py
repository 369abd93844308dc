"""`routeiq routing`: what has to do with taking over, and all else."""

import argparse
from typing import Final

from gateway.cli.commands import PROBLEM
from gateway.cli.routing import routing as others
from gateway.cli.routing_gate import change
from gateway.cli.routing_opinions import judge
from gateway.cli.show import err
from routing.lab.table import TableError

ACTIONS: Final = {
    "judge": judge,
    "promote": change,
    "rollback": change,
    "drift": change,
}


def routing(arguments: argparse.Namespace) -> int:
    """Do what `ACTION` says."""
    try:
        return ACTIONS.get(arguments.action, others)(arguments)
    except (TableError, OSError, ValueError) as error:
        err(f"routeiq: {error}")
        return PROBLEM
