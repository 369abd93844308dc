"""`make bench-routing`: what routing saves on every outcome table of a folder.

For each table: rows left out by chance (5 parts where there are two models, else 3),
with cascades where agreement can be told, whole domains left out without labels and
with 100 of each, and what is saved with nothing learned of it, by centroids of the
other tables. A page with pictures for each, and one page of all: `README.md`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from routing.lab.cascade import agreement
from routing.lab.table import Table, TableError, read

LABELS = 100
LEVELS = ("0.95", "0.99", "1.0")
HEAD = ("table", "judged", "95 %", "99 %", "100 %", "hindsight", "hull", "ECE", "APGR")
ALONE = ("table", "deployments", "way", "saved, %", "quality, %", "by lot, %")


class Protocol(NamedTuple):
    """How one page is made."""

    name: str
    words: tuple[str, ...]


def protocols(table: Table) -> Iterator[Protocol]:
    """Those that a table is fit for."""
    parts = "5" if len(table.models) == 2 else "3"
    yield Protocol("chance", ("--cv", parts))
    if len(table.models) > 2 and _sharp(table):
        yield Protocol("cascade", ("--cv", parts, "--cascade"))
    domains = len(set(table.domains.tolist()))
    if domains > 1:
        away = ("--cv", str(min(4, domains)), "--by-domain")
        yield Protocol("new-domains", away)
        labels = ("--limit-labels", str(LABELS))
        yield Protocol(f"new-domains-{LABELS}-labels", (*away, *labels))


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of tables")
    parser.add_argument("--out", type=Path, required=True, help="where pages go")
    parser.add_argument("--limit", help="rows of each table, for a quick look")
    arguments = parser.parse_args()
    limit = ("--limit", arguments.limit) if arguments.limit else ()
    files = sorted(arguments.data.glob("*.jsonl.gz"))
    if not files:
        sys.exit(f"{arguments.data} holds no *.jsonl.gz")
    routed, alone = [], []
    for file in files:
        name = file.name.removesuffix(".jsonl.gz")
        for protocol in protocols(read(file)):
            folder = arguments.out / name / protocol.name
            words = ("--data", str(file), "--out", str(folder), *limit)
            _run("report", *words, *protocol.words)
            report = json.loads((folder / "report.json").read_text("utf-8"))
            routed.append(_routed(name, protocol.name, report))
        others = [other for other in files if other != file]
        alone += _alone(file, others, arguments.out / name, limit)
    page = arguments.out / "README.md"
    lines = [*_table(HEAD, routed), "", *_table(ALONE, alone), ""]
    page.write_text("\n".join(lines), "utf-8")
    print("\n".join(lines))
    print(f"{page} is written")


def _sharp(table: Table) -> bool:
    try:
        agreement(table, 0.5, 0)
    except TableError:
        return False
    return True


def _run(*words: str) -> str:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "routing", *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    took = time.monotonic() - began
    print(f"{took:5.0f} s  routeiq routing {' '.join(words)}", file=sys.stderr)
    return done.stdout


def _routed(name: str, protocol: str, report: dict[str, Any]) -> tuple[str, ...]:
    gbdt = report["routers"]["gbdt"]
    levels = [gbdt["levels"][level] for level in LEVELS]
    pair = gbdt["pair"]
    return (
        f"[{name}]({name}/{protocol}/report.md)",
        protocol,
        *(f"{100 * x['nested']:.1f} at {100 * x['quality']:.1f}" for x in levels),
        " / ".join(_percent(x["hindsight"]) for x in levels),
        " / ".join(_percent(report["hull"][level]) for level in LEVELS),
        f"{gbdt['ece']:.3f}",
        f"{pair['apgr']:.3f}" if pair else "",
    )


def _alone(
    file: Path, others: list[Path], folder: Path, limit: tuple[str, ...]
) -> list[tuple[str, ...]]:
    """Rows of what is saved by who knows the other tables alone."""
    centroids: tuple[str, ...] = ()
    if others:
        path = str(folder / "centroids.json")
        _run(
            "centroids", *(w for o in others for w in ("--data", str(o))), "--out", path
        )
        centroids = ("--centroids", path)
    words = ("--data", str(file), *limit, *centroids, "--json")
    found = json.loads(_run("untrained", *words))
    ways = found["profiles"]
    if found["cascade"]:
        ways["cascade"] = found["cascade"]
    return [
        (
            found["dataset"],
            ", ".join(found["deployments"]),
            name,
            *(f"{100 * one[key]:.1f}" for key in ("saved", "quality", "mixed")),
        )
        for name, one in ways.items()
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("-" for _ in head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


if __name__ == "__main__":
    main()
