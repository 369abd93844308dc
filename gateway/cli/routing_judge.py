"""`routeiq routing evaluate`: what routing a table saves."""

import argparse
from pathlib import Path

import msgspec

from gateway.cli.commands import OK, PROBLEM, USAGE
from gateway.cli.show import err, out, table, write
from routing.lab import evaluate as lab
from routing.lab import split
from routing.lab.cascade import Arms
from routing.lab.page import page
from routing.lab.results import HEADS, Report, rows
from routing.lab.table import Table, TableError, read
from routing.learned.artifact import Artifact, ArtifactError, load


def evaluate(arguments: argparse.Namespace) -> int:
    """Print the figures, and write them where asked."""
    wrong = misplaced(arguments)
    if wrong:
        err(f"routeiq: {wrong}")
        return USAGE
    found = judged(arguments)
    if arguments.json != "-":
        out(told(found))
    if arguments.json is not None:
        text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
        where = None if arguments.json == "-" else arguments.json
        problem = write(text + "\n", where, force=True)
        if problem:
            err(f"routeiq: {problem}")
            return PROBLEM
    return OK


def report(arguments: argparse.Namespace) -> int:
    """Write the page."""
    wrong = misplaced(arguments)
    if wrong:
        err(f"routeiq: {wrong}")
        return USAGE
    out(f"{page(judged(arguments), Path(arguments.out))} is written")
    return OK


def misplaced(arguments: argparse.Namespace) -> str:
    """Which options do not go together; empty: they do."""
    if arguments.artifact and (arguments.by_domain or arguments.cascade):
        return "--by-domain and --cascade go with --cv; an artifact has its own"
    if arguments.limit_labels and not arguments.by_domain:
        return "--limit-labels goes with --by-domain"
    return ""


def judged(arguments: argparse.Namespace) -> Report:
    """The figures that the arguments ask for.

    Raises:
        TableError: the table cannot be judged so, or is of other models.
    """
    data = read(Path(arguments.data), arguments.limit, arguments.seed)
    count, labels, seed = arguments.cv, arguments.limit_labels, arguments.seed
    arms = Arms(arguments.wrong_agreement, seed)
    agreed = f", cascades {arms.told(answers=data.answers is not None)}"
    if arguments.artifact:
        loaded = _loaded(arguments.artifact, data)
        wide = arms.joined(data, loaded.manifest.arms)
        protocol = "artifact" + (agreed if wide.arms else "")
        return lab.report(wide, lab.predicted(loaded, wide), protocol, seed)
    if arguments.by_domain:
        folds = split.by_domain(data, count, labels, seed)
        protocol = f"{count} parts of whole domains, {labels} labels of each"
    else:
        folds = split.by_chance(len(data), count, seed)
        protocol = f"{count} parts by chance"
    if not arguments.cascade:
        return lab.report(data, lab.crossed(data, folds, seed), protocol, seed)
    protocol += agreed
    return lab.report(data, lab.crossed(data, folds, seed, arms), protocol, seed)


def _loaded(folder: str, data: Table) -> Artifact:
    try:
        artifact = load(Path(folder))
    except ArtifactError as error:
        raise TableError(str(error)) from error
    manifest = artifact.manifest
    known = tuple(name for name in manifest.models if name not in manifest.arms)
    if known != data.models:
        raise TableError(
            f"{folder} knows {', '.join(known)}; the table is of"
            f" {', '.join(data.models)}"
        )
    return artifact


def told(report: Report) -> str:
    """The report as text."""
    head = (
        f"{report.dataset}: {report.rows} rows judged, {report.duplicates} duplicates"
        f" left out, {report.protocol}\n"
        f"best single model: {report.base},"
        f" quality {report.alone.quality:.4f},"
        f" ${1000 * report.alone.cost:.4f} a thousand\n"
        "saved at a share of its quality, the threshold chosen on other rows\n"
    )
    speed = ", ".join(f"{k} {v:.0f}" for k, v in report.latency_us.items())
    return (
        f"{head}\n{table(HEADS, rows(report))}\n\n"
        f"one decision, features included, microseconds: {speed};"
        f" trust {report.trust:.2f}"
    )
