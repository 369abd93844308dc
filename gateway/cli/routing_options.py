"""The words of `routeiq routing`."""

import argparse
from typing import Any, Final

from gateway.cli.numbers import rows, share
from gateway.cli.takeover_options import takeover_options
from gateway.cli.words import (
    Add,
    agreement,
    as_json,
    confidence,
    config,
    data,
    key_share,
    seed,
)

MOST_LABELS: Final = 150
"""Rows of a domain that are kept for labels, as `routing.lab.split` says."""


def routing_options(commands: Any, add: Add) -> None:
    """`routeiq routing ACTION`."""
    routing = add(
        commands,
        "routing",
        "train and judge the router on what models answered",
        "routeiq routing train --data outcomes.jsonl.gz --out router",
    )
    actions = routing.add_subparsers(dest="action", metavar="ACTION", required=True)
    _dataset(actions, add)
    takeover_options(actions, add)
    _train(actions, add)
    _estimate(actions, add)
    _evaluate(actions, add)
    _report(actions, add)
    _centroids(actions, add)
    _untrained(actions, add)


def _dataset(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "dataset",
        "make an outcome table of exchanges and what was said of them",
        "routeiq routing dataset -o learn.jsonl.gz --held held.jsonl.gz",
        "routeiq routing dataset --data outcomes.jsonl.gz --split group"
        " -o learn.jsonl.gz --held held.jsonl.gz",
    )
    source = command.add_mutually_exclusive_group()
    config(source)
    source.add_argument("--data", metavar="TABLE", help="an outcome table instead")
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help=".jsonl or .jsonl.gz"
    )
    command.add_argument("--held", metavar="OUT", help="what is held back, to judge by")
    command.add_argument(
        "--split",
        choices=("random", "time", "group"),
        default="random",
        help="what is held back: any prompts, the last ones, or whole users or domains",
    )
    command.add_argument(
        "--held-share", type=share, default=0.3, metavar="X", help="default: 0.3"
    )
    key_share(command)
    as_json(command)


def _train(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "train",
        "learn a router from an outcome table",
        "routeiq routing train --data outcomes.jsonl.gz --out router",
        "routeiq routing train --data outcomes.jsonl.gz --cascade --out router",
        "routeiq routing train --data all.parquet --engine dask"
        " --scheduler tcp://10.0.0.7:8786 --out router",
    )
    table(command)
    command.add_argument(
        "--out", required=True, metavar="DIR", help="where the artifact is written"
    )
    command.add_argument(
        "--split",
        choices=("random", "group", "file"),
        help="hold a fifth back and say what it is worth there: any rows, whole"
        " domains, or those whose `split` is `test`; default: learn from all",
    )
    _cascades(
        command,
        "also learn what asking two cheap models at once would give, a"
        " dearer one where they differ: for `cascade` with a `router`",
    )
    command.add_argument(
        "--engine",
        choices=("local", "dask"),
        default="local",
        help="where the trees grow; dask: on the workers of --scheduler",
    )
    command.add_argument(
        "--scheduler", metavar="ADDRESS", help="of the Dask cluster: tcp://HOST:PORT"
    )
    command.add_argument(
        "--sample",
        type=rows,
        default=50_000,
        metavar="N",
        help="with dask, rows that all but the trees learn from; default: 50000",
    )
    command.add_argument(
        "--sign",
        metavar="FILE",
        help="the key to sign with: hmac-sha256:BASE64 or ed25519:BASE64 (private)",
    )
    as_json(command)


def _estimate(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "estimate",
        "what other strategies would have been worth, from records and their scores",
        "routeiq routing estimate --model fast",
        "routeiq routing estimate --config routeiq.yaml --least 300 --json",
    )
    config(command)
    command.add_argument("--model", metavar="ALIAS", help="default: every one")
    command.add_argument(
        "--least",
        type=rows,
        default=100,
        metavar="N",
        help="effective rows below which nothing is concluded; default: 100",
    )
    confidence(command)
    key_share(command)
    as_json(command)


def table(command: Any) -> None:
    """--data, --limit, --seed."""
    data(command, "an outcome table, .jsonl or .jsonl.gz")
    command.add_argument(
        "--limit", type=rows, metavar="N", help="learn from N rows drawn by the seed"
    )
    seed(command)


def _evaluate(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "evaluate",
        "say what routing a table saves, on rows not learned from",
        "routeiq routing evaluate --data outcomes.jsonl.gz --cv 3",
        "routeiq routing evaluate --data new.jsonl.gz --artifact router --json -",
    )
    judging(command)
    command.add_argument("--json", metavar="FILE", help="all figures; `-`: here")


def _report(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "report",
        "the same as one page of Markdown with a picture",
        "routeiq routing report --data outcomes.jsonl.gz --cv 3 --out report",
    )
    judging(command)
    command.add_argument("--out", required=True, metavar="DIR", help="where it goes")


def judging(command: Any) -> None:
    """What to judge, and how."""
    table(command)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--artifact", metavar="DIR", help="judge this one on all rows")
    which.add_argument(
        "--cv", type=_folds, metavar="K", help="learn from K-1 parts, judge the other"
    )
    command.add_argument(
        "--by-domain",
        action="store_true",
        help="with --cv: parts of whole domains, so that each is new to the router",
    )
    command.add_argument(
        "--limit-labels",
        type=_labels,
        default=0,
        metavar="N",
        help="with --by-domain: learn from N rows of each new domain after all",
    )
    _cascades(
        command,
        "with --cv: also ask two cheap models at once, a dearer where they differ",
    )


def _cascades(command: Any, what: str) -> None:
    """--cascade, --wrong-agreement."""
    command.add_argument("--cascade", action="store_true", help=what)
    agreement(command)


def _untrained(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "untrained",
        "say what `centroid` saves on a table, with nothing learned of its models",
        "routeiq routing untrained --data outcomes.jsonl.gz",
        "routeiq routing untrained --data new.jsonl.gz --models big,middle,small",
    )
    table(command)
    command.add_argument(
        "--models",
        metavar="A,B,...",
        help="deployments; default: the best, and the best at half and a fifth of it",
    )
    command.add_argument(
        "--centroids", metavar="FILE", help="of `routing centroids`; default: shipped"
    )
    agreement(command)
    as_json(command)


def _folds(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 50:
        raise argparse.ArgumentTypeError("must be from 2 to 50")
    return int(text)


def _labels(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_LABELS:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MOST_LABELS}")
    return int(text)


def _centroids(actions: Any, add: Add) -> None:
    command = add(
        actions,
        "centroids",
        "learn kinds of prompts, and what they need, from tables of any models",
        "routeiq routing centroids --data a.jsonl.gz --data b.jsonl.gz --out mine.json",
    )
    command.add_argument(
        "--data",
        required=True,
        action="append",
        metavar="TABLE",
        help="an outcome table; repeat",
    )
    command.add_argument(
        "--licence", default="", metavar="TEXT", help="of the tables, for the manifest"
    )
    command.add_argument("--out", required=True, metavar="FILE", help="what is written")
    seed(command)
