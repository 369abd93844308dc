"""Which function a command is.

Named by text and imported when asked for: `routeiq version` or a typing mistake must
not wait for YAML, TLS and the whole gateway to be imported.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final

OK: Final = 0
PROBLEM: Final = 1
"""The configuration, or what was asked for, is not all right."""
USAGE: Final = 2
"""The command line is wrong; argparse says the same."""
CANNOT_START: Final = 3

TABLE: Final = {
    "serve": "gateway.cli.serve:serve",
    "check": "gateway.cli.check:check",
    "schema": "gateway.cli.schema:schema",
    "import": "gateway.cli.importing:import_file",
    "keys": "gateway.cli.keys:keys",
    "models": "gateway.cli.models:models",
    "providers": "gateway.cli.providers:providers",
    "route": "gateway.cli.route:route",
    "routing": "gateway.cli.routing:routing",
    "version": "gateway.cli.version:version",
}

RUN: Final = "gateway.app:run"
"""`run(loaded, ready) -> int`: serves until it is told to stop."""


def resolve(name: str) -> Callable[..., Any]:
    """The function behind `module:function`."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
