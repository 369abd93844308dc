"""`routeiq version`."""

import argparse
import platform

from gateway.cli.commands import OK
from gateway.cli.show import out
from gateway.release import compiled, release


def version(_: argparse.Namespace) -> int:
    """Print ours and Python's."""
    build = ", compiled" if compiled() else ""
    out(f"routeiq {release()} (Python {platform.python_version()}{build})")
    return OK
