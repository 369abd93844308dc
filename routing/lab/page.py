"""One page about how a table can be routed: figures and a picture."""

from pathlib import Path
from typing import Final

from routing.lab.plot import plot
from routing.lab.results import HEADS, Report, rows

PAGE: Final = "report.md"
DRAWN: Final = ("gbdt", "ridge", "domain oracle", "query oracle")


def page(report: Report, folder: Path) -> Path:
    """Write `report.md` and its picture into the folder; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {"hull of single models": report.hull_line}
    lines |= {n: report.routers[n].curve for n in DRAWN if n in report.routers}
    thousand = {
        name: [(1000 * c, q) for c, q in points] for name, points in lines.items()
    }
    dots = {n: (1000 * s.cost, s.quality) for n, s in report.singles.items()}
    (folder / "frontier.svg").write_text(
        plot(thousand, dots, "dollars for a thousand prompts", "quality"), "utf-8"
    )
    table = [HEADS, tuple("-" for _ in HEADS), *rows(report)]
    alone = report.alone
    speed = ", ".join(f"{k} {v:.0f}" for k, v in report.latency_us.items())
    text = [
        f"# {report.dataset}",
        "",
        f"{report.rows} rows judged by what others taught ({report.protocol});"
        f" {report.duplicates} duplicates left out. Savings are against always asking"
        f" the best single model of the rows learned from"
        f" ({' or '.join(report.base)}: quality {alone.quality:.4f},"
        f" ${1000 * alone.cost:.4f} a thousand), at 95, 99 and 100 % of its quality:"
        " the threshold is chosen on other rows than it is measured on; `hindsight`"
        " is chosen on the same.",
        "",
        "![quality against cost](frontier.svg)",
        "",
        *("| " + " | ".join(cells) + " |" for cells in table),
        "",
        f"One decision takes, in microseconds: {speed}.",
        "",
        "| model | quality | $ a thousand |",
        "| - | - | - |",
        *(
            f"| {name} | {one.quality:.4f} | {1000 * one.cost:.4f} |"
            for name, one in report.singles.items()
        ),
        "",
    ]
    (folder / PAGE).write_text("\n".join(text), "utf-8")
    return folder / PAGE
