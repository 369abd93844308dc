"""`routeiq routing compare`: routers beside each other on the same rows."""

import argparse
from pathlib import Path

import msgspec

from gateway.cli.commands import OK, USAGE
from gateway.cli.routing_gate import model
from gateway.cli.show import err, out, table
from routing.lab.cascade import Arms
from routing.lab.choices import Rule, choices
from routing.lab.compare import Compared, compared
from routing.lab.gate import Bound
from routing.lab.ground import Ground
from routing.lab.lines import read_lines
from routing.lab.table import TableError
from routing.learned.artifact import ArtifactError
from routing.learned.model import Model


def compare(arguments: argparse.Namespace) -> int:
    """Tell what each does better than the first."""
    folders: list[str] = arguments.artifacts
    if len(folders) < 2:
        err("routeiq: name two artifacts or more; the first is compared with")
        return USAGE
    ground = Ground.of(read_lines(Path(arguments.data)))
    rule = Rule(arguments.kind, arguments.quality, cascades=arguments.cascades)
    try:
        routers = [model(Path(folder), arguments.key) for folder in folders]
    except ArtifactError as error:
        raise TableError(str(error)) from error
    if arguments.cascades:
        ground = _widened(arguments, ground, routers)
    chosen = [choices(router, ground, rule).chosen for router in routers]
    found = compared(ground.rows, chosen, arguments.confidence, arguments.seed)
    if arguments.json:
        said = [
            {"artifact": f, **one._asdict(), "verdict": one.verdict()}
            for f, one in zip(folders, found, strict=True)
        ]
        out(msgspec.json.encode(said).decode())
    else:
        out(_told(folders, found, len(ground.rows.sketches), arguments.confidence))
    return OK


def _widened(
    arguments: argparse.Namespace, ground: Ground, routers: list[Model]
) -> Ground:
    how = Arms(arguments.wrong_agreement, arguments.seed)
    try:
        for router in routers:
            ground = ground.widened(router, how)
    except TableError as error:
        raise TableError(
            f"cascades cannot be compared: {error}; `--no-cascades` compares what is"
            " chosen of models alone"
        ) from error
    return ground


def _told(
    folders: list[str], found: list[Compared], rows: int, confidence: float
) -> str:
    heads = ("artifact", "quality", "$/1000", "alike", "better by", "dearer by, $/1000")
    cells = [
        (
            folder,
            f"{one.quality:.4f}",
            f"{1000 * one.cost:.4f}",
            f"{one.same:.0%}",
            "" if not i else _bound(one.better),
            "" if not i else f"{_bound(one.dearer, 1000)}  {one.verdict()}",
        )
        for i, (folder, one) in enumerate(zip(folders, found, strict=True))
    ]
    return (
        f"{rows} rows; against {folders[0]}, with {confidence:.0%} bounds\n\n"
        f"{table(heads, cells)}"
    )


def _bound(bound: Bound, scale: float = 1.0) -> str:
    low, mean, high = (scale * x for x in (bound.low, bound.mean, bound.high))
    return f"{mean:+.4f} ({low:+.4f} to {high:+.4f})"
