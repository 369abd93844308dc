"""One page about how a table can be routed: figures and pictures."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from routing.lab.plot import plot
from routing.lab.results import HEADS, Report, rows

PAGE: Final = "report.md"
FIGURES: Final = "report.json"
DRAWN: Final = ("gbdt", "ridge", "domain oracle", "query oracle")


def page(report: Report, folder: Path) -> Path:
    """Write `report.md`, its pictures and all figures into the folder; the page's
    path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FIGURES).write_bytes(
        msgspec.json.format(msgspec.json.encode(report), indent=2)
    )
    for name, picture in _pictures(report).items():
        (folder / f"{name}.svg").write_text(picture, "utf-8")
    text = [*_savings(report), *_domains(report), *_calibration(report)]
    (folder / PAGE).write_text("\n".join([*text, *_singles(report)]), "utf-8")
    return folder / PAGE


def _pictures(report: Report) -> dict[str, str]:
    lines = {"hull of single models": report.hull_line}
    lines |= {n: report.routers[n].curve for n in DRAWN if n in report.routers}
    thousand = {
        name: [(1000 * c, q) for c, q in points] for name, points in lines.items()
    }
    singles = {n: (1000 * s.cost, s.quality) for n, s in report.singles.items()}
    bins = [(one.predicted, one.actual) for one in report.calibration]
    kept = {n: (100 * d.saved, d.quality - d.alone) for n, d in report.domains.items()}
    return {
        "frontier": plot(
            thousand, singles, "dollars for a thousand prompts", "quality"
        ),
        "calibration": plot(
            {"gbdt": bins, "as said": [(0.0, 0.0), (1.0, 1.0)]},
            {},
            "predicted",
            "happened",
        ),
        "domains": plot(
            {}, kept, "% of the cost saved", "quality above the single model's"
        ),
    }


def _savings(report: Report) -> list[str]:
    alone = report.alone
    speed = ", ".join(f"{k} {v:.0f}" for k, v in report.latency_us.items())
    return [
        f"# {report.dataset}",
        "",
        f"{report.rows} rows judged by what others taught ({report.protocol});"
        f" {report.duplicates} duplicates left out. Savings are against always asking"
        f" the best single model of these rows ({report.base}: quality"
        f" {alone.quality:.4f}, ${1000 * alone.cost:.4f} a thousand), at 95, 99 and"
        " 100 % of its quality:"
        " the threshold is chosen on other rows than it is measured on; `hindsight`"
        " is chosen on the same.",
        "",
        "![quality against cost](frontier.svg)",
        "",
        *_table(HEADS, rows(report)),
        "",
        f"One decision, features included, takes in microseconds: {speed}.",
        "",
    ]


def _domains(report: Report) -> list[str]:
    cells = [
        (
            name or "-",
            str(one.rows),
            f"{one.alone:.4f}",
            f"{one.quality:.4f}",
            f"{100 * one.saved:.1f} %",
        )
        for name, one in report.domains.items()
    ]
    return [
        "## By domain",
        "",
        "`gbdt`, aiming at 99 % of the single model's quality over all domains.",
        "",
        "![saved, and quality above the single model's](domains.svg)",
        "",
        *_table(("domain", "rows", "single model", "routed", "saved"), cells),
        "",
    ]


def _calibration(report: Report) -> list[str]:
    cells = [
        (f"{one.predicted:.3f}", f"{one.actual:.3f}", str(one.pairs))
        for one in report.calibration
    ]
    return [
        "## Calibration",
        "",
        "What `gbdt` says that answers are worth, by tenths, and what they were.",
        "",
        "![predicted against happened](calibration.svg)",
        "",
        *_table(("predicted", "happened", "prompts and models"), cells),
        "",
    ]


def _singles(report: Report) -> list[str]:
    cells = [
        (name, f"{one.quality:.4f}", f"{1000 * one.cost:.4f}")
        for name, one in report.singles.items()
    ]
    return [
        "## Single models",
        "",
        *_table(("model", "quality", "$ a thousand"), cells),
        "",
    ]


def _table(heads: Sequence[str], cells: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["-" for _ in heads], *cells]
    return ["| " + " | ".join(line) + " |" for line in lines]
