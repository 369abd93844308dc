"""The words of `routeiq routing judge|promote|rollback|drift|compare`."""

from typing import Any, Final

from gateway.cli.numbers import rows, share, whole_share
from gateway.cli.words import Add, agreement, as_json, confidence, config, data, seed

UNSEEN: Final = "an outcome table of rows that it did not learn from"


def takeover_options(actions: Any, add: Add) -> None:
    """What says how good answers were, and which version of a router serves."""
    _judge(actions, add)
    _promote(actions, add)
    _rollback(actions, add)
    _drift(actions, add)
    _compare(actions, add)


def _compare(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "compare",
        "tell what routers do better than the first, on the same rows",
        "routeiq routing compare router/v1 router/v2 --data held.jsonl.gz",
    )
    command.add_argument(
        "artifacts", nargs="+", metavar="DIR", help="two artifacts, or more"
    )
    data(command, UNSEEN)
    _key(command)
    command.add_argument(
        "--kind", default="gbdt", help="the kind of strategy; default: gbdt"
    )
    command.add_argument(
        "--quality",
        type=whole_share,
        default=0.99,
        metavar="X",
        help="share of the best single model's that it aims at; default: 0.99",
    )
    confidence(command)
    seed(command)
    _cascades(command, "compare what they choose of models alone")
    as_json(command)


def _judge(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "judge",
        "ask a model how good recorded answers were, within a budget",
        "routeiq routing judge --url http://127.0.0.1:4000",
    )
    config(command, "whose records are judged")
    command.add_argument(
        "--url",
        default="http://127.0.0.1:4000",
        help="the running gateway that is asked; default: http://127.0.0.1:4000",
    )
    as_json(command)


def _promote(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "promote",
        "let a version serve, if evidence says that it may",
        "routeiq routing promote router v2 --data held.jsonl.gz",
        "routeiq routing promote router v2 --data held.jsonl.gz --config routeiq.yaml",
    )
    _registry(command)
    command.add_argument("version", metavar="VERSION", help="its folder in there")
    data(command, UNSEEN)
    _key(command)
    for name, default, what in (
        ("quality", 0.99, "share of the best single model's that it aims at"),
        ("floor", 0.95, "share of it that it must surely reach"),
        ("confidence", 0.95, "of every bound"),
    ):
        command.add_argument(
            f"--{name}",
            type=whole_share if name == "quality" else share,
            default=default,
            metavar="X",
            help=f"{what}; default: {default}",
        )
    command.add_argument(
        "--margin",
        type=float,
        default=0.01,
        metavar="X",
        help="quality points that it may seem to be under the hull; default: 0.01",
    )
    command.add_argument(
        "--least",
        type=rows,
        default=50,
        metavar="N",
        help="effective rows without which nothing is concluded; default: 50",
    )
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--kind",
        action="append",
        help="a kind of strategy that decides by it, repeat; default: gbdt",
    )
    config(
        which, "instead: every strategy of it that decides by what is promoted there"
    )
    command.add_argument(
        "--threshold", type=whole_share, metavar="X", help="of `hybrid`, if it has one"
    )
    _cascades(command, "judge its choices of models alone; it may make no others then")
    command.add_argument(
        "--force", action="store_true", help="whatever the evidence says; recorded"
    )
    as_json(command)


def _rollback(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "rollback",
        "let the version before serve again",
        "routeiq routing rollback router --why 'complaints'",
    )
    _registry(command)
    command.add_argument("--why", default="", metavar="TEXT", help="for the history")
    as_json(command)


def _drift(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "drift",
        "tell whether prompts and outcomes are still like those learned from",
        "routeiq routing drift router --data recent.jsonl.gz",
    )
    command.add_argument(
        "artifact", metavar="DIR", help="an artifact, or the folder of its versions"
    )
    data(command, UNSEEN)
    _key(command)
    as_json(command)


def _registry(command: Any) -> None:
    command.add_argument("registry", metavar="DIR", help="the folder of all versions")


def _cascades(command: Any, without: str) -> None:
    """--no-cascades, --wrong-agreement."""
    command.add_argument(
        "--no-cascades", dest="cascades", action="store_false", help=without
    )
    agreement(command)


def _key(command: Any) -> None:
    command.add_argument(
        "--key", metavar="FILE", help="the key that its signature must hold by"
    )
