"""`routeiq routing promote|rollback|drift`: which version of a router serves."""

import argparse
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from gateway.cli.commands import OK, PROBLEM
from gateway.cli.routing_rules import rules
from gateway.cli.show import err, out, table
from routing.lab.cascade import Arms
from routing.lab.choices import Ints, Rule, choices
from routing.lab.completion import corrected, partial
from routing.lab.drift import drift
from routing.lab.gate import Bound, Terms, Verdict, judge
from routing.lab.ground import Ground
from routing.lab.lines import read_lines
from routing.lab.table import TableError
from routing.learned.artifact import ArtifactError, load
from routing.learned.model import Model
from routing.learned.registry import Expected, Live, Registry, RegistryError
from routing.learned.signature import Verifier, verifier

_WITHOUT: Final = "`--no-cascades` promotes it to choose among models alone"


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
    cascades: float
    """Share of the rows for which it chooses one."""

    @property
    def promised(self) -> Expected:
        found = self.verdict
        cost = found.cost.mean / (self.scale or 1.0)
        return Expected(quality=found.quality.mean, cost=cost)


def _promote(arguments: argparse.Namespace) -> int:
    """Who decides by it, must decide well: every rule is judged, all must pass."""
    registry = Registry(Path(arguments.registry))
    router = model(registry.folder / arguments.version, arguments.key)
    ground = Ground.of(read_lines(Path(arguments.data)))
    asked, reasons = rules(arguments), []
    if not router.arms:
        asked = [rule for rule in asked if not rule.cascades]
    if any(rule.cascades for rule in asked):
        try:
            ground = ground.widened(router, Arms(arguments.wrong_agreement))
        except TableError as error:
            asked = [rule for rule in asked if not rule.cascades]
            reasons = [f"its cascades cannot be judged: {error}; {_WITHOUT}"]
    judged = _judged(registry, arguments, router, ground, asked)
    reasons += _reasons(judged)
    if ground.lines.digest == router.artifact.manifest.data["sha256"]:
        reasons.insert(0, "these are the rows it learned from: judge it on others")
    if not reasons or arguments.force:
        registry.promote(
            arguments.version,
            judged[0].promised,
            by=_promised(judged, cascades=False),
            cascades=_promised(judged, cascades=True),
            why="; ".join(reasons),
            forced=bool(reasons),
            figures=_figures(judged),
        )
    _tell(arguments, judged, reasons, ground, with_arms=bool(router.arms))
    return OK if not reasons or arguments.force else PROBLEM


def _judged(
    registry: Registry,
    arguments: argparse.Namespace,
    router: Model,
    ground: Ground,
    asked: list[Rule],
) -> list[_Judged]:
    ground, champion = _champion(registry, arguments, ground)
    terms = Terms(
        arguments.floor, arguments.margin, arguments.confidence, arguments.least
    )
    truth = corrected(ground.rows)
    found = []
    for rule in asked:
        made = choices(router, ground, rule)
        verdict = judge(
            ground.rows,
            made.chosen,
            terms,
            champion.chosen(ground, rule) if champion is not None else None,
            truth,
            alone=ground.alone,
        )
        share = float((made.chosen >= ground.alone).mean())
        found.append(_Judged(rule, verdict, made.scale, share))
    return found


def _promised(judged: list[_Judged], *, cascades: bool) -> dict[str, Expected]:
    """By kind; of several of one kind what the first does."""
    return {
        one.rule.head: one.promised
        for one in reversed(judged)
        if one.rule.cascades == cascades
    }


def _reasons(judged: list[_Judged]) -> list[str]:
    """Against the version; of which rule, where there are several."""
    return [
        f"{rule}: {why}" if judged[1:] else why
        for rule, verdict, *_ in judged
        for why in verdict.reasons
    ]


def _figures(judged: list[_Judged]) -> dict[str, float]:
    """Of the first as they are, of others after their names."""
    told = judged[0].verdict.figures()
    for rule, verdict, _, cascades in judged[1:]:
        found = verdict.figures()
        if rule.cascades:
            found["cascades"] = cascades
        told |= {f"{rule}: {name}": x for name, x in found.items()}
    return told


class _Champion(NamedTuple):
    """The version that serves."""

    live: Live
    router: Model

    def chosen(self, ground: Ground, rule: Rule) -> Ints | None:
        """What it would have chosen; `None`: it knows other models."""
        may = rule.cascades and rule.head in self.live.cascades
        try:
            return choices(self.router, ground, rule._replace(cascades=may)).chosen
        except TableError as error:
            err(f"not compared with {self.live.version}, which serves: {error}")
            return None


def _champion(
    registry: Registry, arguments: argparse.Namespace, ground: Ground
) -> tuple[Ground, _Champion | None]:
    """With its cascades in the ground; `None`: none serves, or cannot be compared."""
    live = registry.live()
    if live is None or not live.version:
        return ground, None
    try:
        router = model(registry.folder / live.version, arguments.key)
        if live.cascades:
            ground = ground.widened(router, Arms(arguments.wrong_agreement))
    except (ArtifactError, TableError) as error:
        err(f"not compared with {live.version}, which serves: {error}")
        return ground, None
    return ground, _Champion(live, router)


def _tell(
    arguments: argparse.Namespace,
    judged: list[_Judged],
    reasons: list[str],
    ground: Ground,
    *,
    with_arms: bool,
) -> None:
    models = ground.lines.models
    agreed = Arms(arguments.wrong_agreement).told(answers=ground.answers)
    may = any(one.rule.cascades for one in judged)
    if arguments.json:
        said = {
            "promoted": not reasons or arguments.force,
            "passed": not reasons,
            "reasons": reasons,
            "judged": [str(one.rule) for one in judged],
            "best": models[judged[0].verdict.best],
            "cascades": may,
            **({"agreement": agreed} if may else {}),
            **_figures(judged),
        }
        out(msgspec.json.encode(said).decode())
        return
    for rule, found, _, cascades in judged:
        rows = [
            ("held-out rows", f"{found.rows} (worth {found.effective:.0f})", ""),
            _row("quality", found.quality),
            _row("above the hull of single models", found.gap),
            _row(f"of the quality of {models[found.best]}", found.relative),
            _row("of its cost, saved", found.saved),
            ("cost of an answer", f"${found.cost.mean:.6f}", ""),
        ]
        if rule.cascades:
            rows.append(("answered by cascades", f"{cascades:.1%}", agreed))
        bounds = f"{arguments.confidence:.0%} bounds"
        out(table((str(rule), "estimate", bounds), rows) + "\n")
    for why in reasons:
        err(f"routeiq: {arguments.version}: {why}")
    without = ", without its cascades" if with_arms and not may else ""
    if not reasons:
        out(f"{arguments.version} serves{without}")
    elif arguments.force:
        out(f"{arguments.version} serves all the same{without}, which is recorded")
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
