"""`routeiq check`."""

import argparse
import sys

import msgspec

from gateway.cli.commands import OK, PROBLEM
from gateway.cli.show import Paint, out, paint
from gateway.config.load import Loaded, load
from gateway.config.problem import ConfigError


def check(arguments: argparse.Namespace) -> int:
    """Every mistake and remark of each file."""
    colour = paint(sys.stdout)
    report, code = [], OK
    for file in arguments.files:
        loaded, error = None, None
        try:
            loaded = load(file, demand=not arguments.offline)
        except ConfigError as caught:
            error, code = caught, PROBLEM
        if arguments.json:
            report.append(_record(file, loaded, error))
        elif error is not None:
            _complain(error, colour)
        elif loaded is not None:
            _approve(loaded, colour)
    if arguments.json:
        out(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    return code


def _record(
    file: str, loaded: Loaded | None, error: ConfigError | None
) -> dict[str, object]:
    problems = error.problems if error is not None else []
    notes = loaded.notes if loaded is not None else []
    return {
        "file": file,
        "ok": error is None,
        "source": loaded.source if loaded is not None else None,
        "problems": [p._asdict() for p in problems],
        "notes": [n._asdict() for n in notes],
    }


def _complain(error: ConfigError, colour: Paint) -> None:
    for problem in error.problems:
        out(colour(str(problem), "red"))
    count = len(error.problems)
    out(f"{count} mistake{'s' if count > 1 else ''}")


def _approve(loaded: Loaded, colour: Paint) -> None:
    for note in loaded.notes:
        if note.kind in ("warning", "unsupported"):
            out(colour(str(note), "yellow"))
    models = loaded.config.models
    deployments = sum(len(m.deployments) for m in models.values())
    out(
        colour(f"{loaded.path}: all is well", "green")
        + f" ({loaded.source}; aliases: {len(models)}, deployments: {deployments})"
    )
