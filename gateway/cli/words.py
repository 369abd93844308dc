"""Words that several commands of the command line have."""

from collections.abc import Callable
from typing import Any

from gateway.cli.numbers import share

Add = Callable[..., Any]
"""Adds a command: under what, its name, what it does, examples."""


def as_json(command: Any, what: str = "one JSON document") -> None:
    """--json."""
    command.add_argument("--json", action="store_true", help=what)


def config(command: Any, what: str = "whose store is read") -> None:
    """--config."""
    command.add_argument("--config", metavar="FILE", help=what)


def data(command: Any, what: str) -> None:
    """--data."""
    command.add_argument("--data", required=True, metavar="TABLE", help=what)


def seed(command: Any) -> None:
    """--seed."""
    command.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")


def confidence(command: Any) -> None:
    """--confidence."""
    command.add_argument(
        "--confidence", type=share, default=0.95, metavar="X", help="default: 0.95"
    )


def key_share(command: Any) -> None:
    """--key-share."""
    command.add_argument(
        "--key-share",
        type=share,
        default=0.5,
        metavar="X",
        help="of all votes that one key's may be; default: 0.5",
    )


def agreement(command: Any) -> None:
    """--wrong-agreement."""
    command.add_argument(
        "--wrong-agreement",
        type=share,
        default=0.5,
        metavar="P",
        help="of cascades, where the table has no answers: how likely two wrong ones"
        " are the same; default: 0.5",
    )
