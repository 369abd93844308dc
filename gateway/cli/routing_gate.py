"""`routeiq routing promote|rollback|drift`: which version of a router serves."""

import argparse
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from gateway.cli.commands import OK, PROBLEM
from gateway.cli.routing_rules import rules
from gateway.cli.show import err, out, table
from routing.lab.choices import Rule, choices
from routing.lab.completion import Partial, corrected, partial
from routing.lab.drift import drift
from routing.lab.gate import Bound, Terms, Verdict, judge
from routing.lab.lines import Lines, read_lines
from routing.lab.table import TableError
from routing.learned.artifact import ArtifactError, load
from routing.learned.model import Model
from routing.learned.registry import Expected, Registry, RegistryError
from routing.learned.signature import Verifier, verifier


def change(arguments: argparse.Namespace) -> int:
    """Do what `ACTION` says."""
    acts = {"promote": _promote, "rollback": _rollback, "drift": _drift}
    try:
        return acts[arguments.action](arguments)
    except (ArtifactError, RegistryError) as error:
        err(f"routeiq: {error}")
        return PROBLEM


class _Judged(NamedTuple):
    """A version, as one strategy would decide by it."""

    rule: Rule
    verdict: Verdict
    scale: float
    """Of its costs, to those of when it learned: in these it is watched."""


def _promote(arguments: argparse.Namespace) -> int:
    """Who decides by it, must decide well: every rule is judged, all must pass."""
    registry = Registry(Path(arguments.registry))
    router = model(registry.folder / arguments.version, arguments.key)
    lines = read_lines(Path(arguments.data))
    rows = partial(lines)
    terms = Terms(
        arguments.floor, arguments.margin, arguments.confidence, arguments.least
    )
    truth = corrected(rows)
    judged = []
    for rule in rules(arguments):
        made = choices(router, rows.sketches, lines.models, rule, lines.prices)
        champion = _champion(registry, arguments, rows, lines, rule)
        verdict = judge(rows, made.chosen, terms, champion, truth)
        judged.append(_Judged(rule, verdict, made.scale))
    reasons = _reasons(judged)
    if lines.digest == router.artifact.manifest.data["sha256"]:
        reasons.insert(0, "these are the rows it learned from: judge it on others")
    if not reasons or arguments.force:
        promised = {
            rule.head: Expected(
                quality=found.quality.mean, cost=found.cost.mean / (scale or 1.0)
            )
            for rule, found, scale in reversed(judged)
        }
        registry.promote(
            arguments.version,
            promised[judged[0].rule.head],
            by=promised,
            why="; ".join(reasons),
            forced=bool(reasons),
            figures=_figures(judged),
        )
    _tell(arguments, judged, reasons, lines)
    return OK if not reasons or arguments.force else PROBLEM


def _reasons(judged: list[_Judged]) -> list[str]:
    """Against the version; of which rule, where there are several."""
    return [
        f"{rule}: {why}" if judged[1:] else why
        for rule, verdict, _ in judged
        for why in verdict.reasons
    ]


def _figures(judged: list[_Judged]) -> dict[str, float]:
    """Of the first as they are, of others after their names."""
    told = judged[0].verdict.figures()
    for rule, verdict, _ in judged[1:]:
        told |= {f"{rule}: {name}": x for name, x in verdict.figures().items()}
    return told


def _champion(
    registry: Registry,
    arguments: argparse.Namespace,
    rows: Partial,
    lines: Lines,
    rule: Rule,
) -> np.typing.NDArray[np.int64] | None:
    """What the version that serves would have chosen; `None`: none serves, or it
    knows other models."""
    live = registry.live()
    if live is None or not live.version:
        return None
    try:
        router = model(registry.folder / live.version, arguments.key)
        return choices(router, rows.sketches, lines.models, rule, lines.prices).chosen
    except (ArtifactError, TableError) as error:
        err(f"not compared with {live.version}, which serves: {error}")
        return None


def _tell(
    arguments: argparse.Namespace,
    judged: list[_Judged],
    reasons: list[str],
    lines: Lines,
) -> None:
    if arguments.json:
        said = {
            "promoted": not reasons or arguments.force,
            "passed": not reasons,
            "reasons": reasons,
            "judged": [str(one.rule) for one in judged],
            "best": lines.models[judged[0].verdict.best],
            **_figures(judged),
        }
        out(msgspec.json.encode(said).decode())
        return
    for rule, found, _ in judged:
        rows = [
            ("held-out rows", f"{found.rows} (worth {found.effective:.0f})", ""),
            _row("quality", found.quality),
            _row("above the hull of single models", found.gap),
            _row(f"of the quality of {lines.models[found.best]}", found.relative),
            _row("of its cost, saved", found.saved),
            ("cost of a call", f"${found.cost.mean:.6f}", ""),
        ]
        bounds = f"{arguments.confidence:.0%} bounds"
        out(table((str(rule), "estimate", bounds), rows) + "\n")
    for why in reasons:
        err(f"routeiq: {arguments.version}: {why}")
    if not reasons:
        out(f"{arguments.version} serves")
    elif arguments.force:
        out(f"{arguments.version} serves all the same, which is recorded")
    else:
        err("routeiq: it is not put in; `--force` does it, and is recorded")


def _row(what: str, bound: Bound) -> tuple[str, str, str]:
    return what, f"{bound.mean:.4f}", f"{bound.low:.4f} to {bound.high:.4f}"


def _rollback(arguments: argparse.Namespace) -> int:
    live = Registry(Path(arguments.registry)).rollback(arguments.why)
    now = live.version if live is not None else ""
    if arguments.json:
        out(msgspec.json.encode({"live": now}).decode())
    else:
        out(f"{now} serves" if now else "no version serves: `otherwise` decides")
    return OK


def _drift(arguments: argparse.Namespace) -> int:
    """Exit code 1 where something has changed."""
    folder = Path(arguments.artifact)
    live = Registry(folder).live()
    if live is not None and live.version:
        folder /= live.version
    router = model(folder, arguments.key)
    lines = read_lines(Path(arguments.data))
    rows = partial(lines)
    quality = np.full((len(rows.sketches), len(router.models)), np.nan)
    for j, name in enumerate(lines.models):
        if name in router.place:
            quality[:, router.place[name]] = rows.quality[:, j]
    found = drift(router, rows.sketches, quality)
    if arguments.json:
        out(msgspec.json.encode(found._asdict()).decode())
    else:
        figures = [
            ("prompts", str(found.rows)),
            ("of kinds never learned from", f"{found.strange:.1%}"),
            ("calibration error", f"{found.ece:.4f} (up to {found.allowed:.4f})"),
        ]
        out(table(("what", "value"), figures))
        for why in found.reasons:
            err(f"routeiq: {why}")
    return PROBLEM if found.reasons else OK


def model(folder: Path, key_file: str | None) -> Model:
    """What an artifact predicts, once its signature holds by the key.

    Raises:
        ArtifactError: it does not, or is damaged.
    """
    return Model(load(folder, _verifier(key_file)))


def _verifier(file: str | None) -> Verifier | None:
    if file is None:
        return None
    try:
        return verifier(Path(file).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
