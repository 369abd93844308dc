"""The words of `routeiq routing`."""

import argparse
from collections.abc import Callable
from typing import Any

Add = Callable[..., Any]
"""Adds a command: under what, its name, what it does, examples."""


def routing_options(commands: Any, add: Add) -> None:
    """`routeiq routing ACTION`."""
    routing = add(
        commands,
        "routing",
        "train and judge the router on what models answered",
        "routeiq routing train --data outcomes.jsonl.gz --out router",
    )
    actions = routing.add_subparsers(dest="action", metavar="ACTION", required=True)
    _train(actions, add)


def _train(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "train",
        "learn a router from an outcome table",
        "routeiq routing train --data outcomes.jsonl.gz --out router",
    )
    table(command)
    command.add_argument(
        "--out", required=True, metavar="DIR", help="where the artifact is written"
    )
    command.add_argument(
        "--sign",
        metavar="FILE",
        help="the key to sign with: hmac-sha256:BASE64 or ed25519:BASE64 (private)",
    )
    command.add_argument("--json", action="store_true", help="one JSON document")


def table(command: Any) -> None:
    """--data, --limit, --seed."""
    command.add_argument(
        "--data",
        required=True,
        metavar="TABLE",
        help="an outcome table, .jsonl or .jsonl.gz",
    )
    command.add_argument(
        "--limit", type=_rows, metavar="N", help="learn from N rows drawn by the seed"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")


def _rows(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)
