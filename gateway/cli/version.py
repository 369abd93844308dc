"""`routeiq version`."""

import argparse
import platform

from gateway.cli.commands import OK
from gateway.cli.release import release
from gateway.cli.show import out


def version(_: argparse.Namespace) -> int:
    """Print ours and Python's."""
    out(f"routeiq {release()} (Python {platform.python_version()})")
    return OK
