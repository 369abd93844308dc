"""The configuration a command works on."""

import argparse
from pathlib import Path
from typing import Final

from gateway.cli.show import err, paint_err
from gateway.config.load import Loaded, built_in, load
from gateway.config.problem import ConfigError

DEFAULT: Final = "routeiq.yaml"


def chosen(arguments: argparse.Namespace) -> str:
    """The file that is meant; empty: the built-in configuration."""
    named = getattr(arguments, "file", None) or arguments.config
    if named:
        return str(named)
    return DEFAULT if Path(DEFAULT).is_file() else ""


def conflict(arguments: argparse.Namespace) -> bool:
    """Whether FILE and --config name two files; says so."""
    both = arguments.file and arguments.config
    if both:
        err("routeiq: name the file once, as FILE or as --config FILE")
    return bool(both)


def opened(file: str, *, demand: bool = True) -> Loaded | None:
    """The configuration of a file; `None`, after saying why, when it has mistakes."""
    if not file:
        return built_in()
    try:
        return load(file, demand=demand)
    except ConfigError as error:
        complain(error)
        return None


def complain(error: ConfigError) -> None:
    """Every mistake, on standard error."""
    colour = paint_err()
    for problem in error.problems:
        err(colour(str(problem), "red"))
    count = len(error.problems)
    err(f"routeiq: {count} mistake{'s' if count > 1 else ''}")
