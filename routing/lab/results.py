"""What an evaluation says, as JSON and as text."""

import msgspec


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """At a share of the best single model's quality; savings are shares of its cost."""

    hindsight: float | None
    """With the price of quality chosen on the judged rows; `None`: not reached."""
    nested: float
    """Chosen on the one half, measured on the other: what can be promised."""
    quality: float
    """Share of the best single model's that was reached so."""
    low: float
    high: float
    """95 % of bootstrap draws of `nested`."""
    over_hull: float | None
    """`nested` less what mixing single models saves at the quality reached."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Of two models."""

    apgr: float
    cpt50: float
    cpt80: float
    low: float
    """Of the APGR, with `high`: 95 % of bootstrap draws."""
    high: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Of one way to route."""

    quality: float
    """Mean, where 99 % of the best single model's is first reached, in hindsight."""
    cost: float
    """Mean there, dollars."""
    auc: float | None
    ece: float
    levels: dict[str, Level]
    curve: list[tuple[float, float]]
    """Mean cost and quality: the hull of what it reaches."""
    pair: Pair | None = None


class Bin(msgspec.Struct, frozen=True):
    """Predictions that lie near each other, and what happened."""

    predicted: float
    actual: float
    pairs: int
    """Of a prompt and a model."""


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """`gbdt` on one domain, aiming at 99 % of the best single model over all of them;
    the threshold chosen on other rows."""

    rows: int
    alone: float
    """Quality of the best single model."""
    quality: float
    saved: float
    """Share of the single model's cost."""


class Single(msgspec.Struct, frozen=True):
    """One model for everything."""

    quality: float
    cost: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Of one table."""

    dataset: str
    protocol: str
    rows: int
    """Judged."""
    duplicates: int
    """Left out: their prompt had come before."""
    base: str
    """The best single model of the rows judged."""
    alone: Single
    singles: dict[str, Single]
    hull: dict[str, float | None]
    """Share of quality -> what the best mixture of single models saves there."""
    hull_line: list[tuple[float, float]]
    routers: dict[str, Result]
    calibration: list[Bin]
    """Of `gbdt`, by tenths of what it predicts."""
    domains: dict[str, Domain]
    trust: float
    """Mean: 1 where prompts are like those learned from."""
    latency_us: dict[str, float]


def rows(report: Report) -> list[tuple[str, ...]]:
    """One line for each way to route, in words."""
    found = []
    for name, result in report.routers.items():
        levels = [result.levels[share] for share in ("0.95", "0.99", "1.0")]
        nested = [f"{100 * x.nested:5.1f} at {100 * x.quality:.1f}" for x in levels]
        found.append(
            (
                name,
                "-" if result.auc is None else f"{result.auc:.3f}",
                f"{result.ece:.3f}",
                *nested,
                f"{100 * levels[1].low:.0f} to {100 * levels[1].high:.0f}",
                "/".join(_percent(x.hindsight) for x in levels),
                "" if result.pair is None else _pair(result.pair),
            )
        )
    hull = "/".join(_percent(x) for x in report.hull.values())
    empty = ("", "", "", "", "", "")
    return [*found, ("hull of single models", *empty, hull, "")]


HEADS = (
    "router",
    "AUC",
    "ECE",
    "95 %",
    "99 %",
    "100 %",
    "99 %: 95 of 100",
    "hindsight",
    "APGR, CPT50, CPT80",
)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _pair(pair: Pair) -> str:
    return (
        f"{pair.apgr:.3f} ({pair.low:.3f} to {pair.high:.3f}),"
        f" {100 * pair.cpt50:.1f}, {100 * pair.cpt80:.1f}"
    )
