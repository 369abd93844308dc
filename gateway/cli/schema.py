"""`routeiq schema`."""

import argparse

from gateway.cli.commands import OK, PROBLEM
from gateway.cli.show import err, write
from gateway.config.describe import text


def schema(arguments: argparse.Namespace) -> int:
    """The JSON Schema of the configuration."""
    wrong = write(text(), arguments.output, force=arguments.force)
    if wrong:
        err(f"routeiq: {wrong}")
        return PROBLEM
    return OK
