"""`routeiq version`."""

import argparse
import platform

from gateway.cli.commands import OK
from gateway.cli.show import out
from gateway.release import release


def version(_: argparse.Namespace) -> int:
    """Print ours and Python's."""
    out(f"routeiq {release()} (Python {platform.python_version()})")
    return OK
