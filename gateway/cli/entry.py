"""The command line: read it, find the command, give its exit code."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.cli.commands import CANNOT_START, PROBLEM, TABLE, resolve
from gateway.cli.options import parser

INTERRUPTED: Final = 130
"""What a shell gives for Ctrl-C: 128 + SIGINT."""

_PACKAGES: Final = ("gateway", "adapters", "routing", "protocols")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Gives 0 when all is well, 1 when a problem was found, 3 when the gateway cannot
    start; a wrong command line leaves by SystemExit with 2.
    """
    stranger = foreign_package()
    if stranger:
        print(stranger, file=sys.stderr)
        return CANNOT_START
    arguments = parser().parse_args(argv)
    try:
        code: int = resolve(TABLE[arguments.command])(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) left; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PROBLEM
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def foreign_package() -> str:
    """Why our packages are not ours: another distribution may own the same name."""
    home = Path(__file__).resolve().parents[2]
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places:
            return f"routeiq: the package {name!r} is missing beside {home}"
        if Path(places[0]).resolve().parent != home:
            return (
                f"routeiq: another distribution provides {name!r} ({places[0]});"
                " install routeiq into an environment of its own"
            )
    return ""
