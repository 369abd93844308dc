"""`routeiq serve`."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from gateway.cli.banner import banner
from gateway.cli.commands import CANNOT_START, OK, PROBLEM, RUN, USAGE, resolve
from gateway.cli.opening import chosen, conflict, opened
from gateway.cli.show import err, paint_err
from gateway.config.found import found_keys
from gateway.config.load import Loaded, override
from gateway.release import release

Run = Callable[[Loaded, Callable[[list[str]], None]], int]
"""Takes what to serve and whom to tell the addresses; gives the exit code."""

_OVERRIDES: Final = ("host", "port", "workers", "http", "log_level")


def serve(arguments: argparse.Namespace, run: Run | None = None) -> int:
    """Start the gateway; ends when it does."""
    if conflict(arguments):
        return USAGE
    loaded = opened(chosen(arguments))
    if loaded is None:
        return PROBLEM
    named = {name: getattr(arguments, name) for name in _OVERRIDES}
    given = {name: value for name, value in named.items() if value is not None}
    loaded = override(loaded, given)
    tell(loaded)

    started = False

    def ready(addresses: list[str]) -> None:
        nonlocal started
        started = True
        found = found_keys(loaded.secrets)
        # Who watched the start may have left; the clients have not.
        with suppress(BrokenPipeError):
            err(banner(loaded, addresses, found, release(), paint_err()))

    try:
        code: int = (run or resolve(RUN))(loaded, ready)
    except OSError as error:
        server = loaded.config.server
        reason = error.strerror or str(error)
        err(f"routeiq: cannot listen on {server.host}:{server.port}: {reason}")
        return CANNOT_START
    return code if started or code == OK else CANNOT_START


def tell(loaded: Loaded) -> None:
    """Remarks about the file, before anything starts."""
    colour = paint_err()
    kinds: list[str] = [note.kind for note in loaded.notes]
    for note in loaded.notes:
        if note.kind in ("warning", "unsupported", "changed"):
            err(colour(str(note), "yellow"))
    if loaded.source == "litellm":
        words = ("mapped", "changed", "unsupported")
        counts = ", ".join(f"{kinds.count(w)} {w}" for w in words)
        err(f"{loaded.path}: LiteLLM's configuration; keys: {counts}")
