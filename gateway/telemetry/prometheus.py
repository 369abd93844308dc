"""Aggregates in the Prometheus text format, or as OpenMetrics where asked for.

Source: Prometheus exposition formats, version 0.0.4; OpenMetrics 1.0.
"""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from gateway.telemetry import families
from gateway.telemetry.families import Buckets, Family, Labels
from gateway.telemetry.metrics import Snapshot

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_UNITS: Final = {"s": "seconds", "By": "bytes", "USD": "usd"}
_BAD: Final = re.compile(r"[^a-zA-Z0-9_]")
_LABEL_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Prometheus:
    """What `GET /metrics` answers. `render` may be called from any thread; with many
    series it takes tens of milliseconds, so a thread other than the loop's is best."""

    def __init__(self, read: Callable[[], Snapshot], semconv: str = "both") -> None:
        self._read = read
        self._semconv = semconv

    def render(self, *, openmetrics: bool = False) -> bytes:
        """All series, as they stand."""
        lines: list[str] = []
        for family in families.families(self._read(), self._semconv):
            _family(lines, family, openmetrics)
        if openmetrics:
            lines.append("# EOF")
        return "".join(f"{line}\n" for line in lines).encode(
            "utf-8", "backslashreplace"
        )


def wants_openmetrics(accept: str) -> bool:
    """Whether an `Accept` header prefers OpenMetrics to plain text."""
    best = {"openmetrics": 0.0, "text": 0.0}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key == "q":
                weight = _weight(value)
        if media == "application/openmetrics-text":
            best["openmetrics"] = max(best["openmetrics"], weight)
        elif media in {"text/plain", "text/*", "*/*"}:
            best["text"] = max(best["text"], weight)
    return best["openmetrics"] > 0 and best["openmetrics"] >= best["text"]


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def metric_name(dotted: str, unit: str) -> str:
    """The name without `_total`, `_bucket` and so on."""
    name = _BAD.sub("_", dotted)
    suffix = _UNITS.get(unit, "")
    if suffix and not name.endswith("_" + suffix):
        name = f"{name}_{suffix}"
    return name


def _family(lines: list[str], family: Family, openmetrics: bool) -> None:
    instrument = family.instrument
    name = metric_name(instrument.name, instrument.unit)
    sample = name
    if instrument.kind == "counter":
        sample = name if name.endswith("_total") else name + "_total"
        name = sample.removesuffix("_total") if openmetrics else sample
    lines.append(f"# HELP {name} {_help(instrument.help, openmetrics)}")
    lines.append(f"# TYPE {name} {instrument.kind}")
    les = [_number(float(bound)) for bound in (*family.bounds, math.inf)]
    points: Iterable[tuple[Labels, Any]] = family.points.items()
    for labels, value in points:
        pairs = _labels(labels)
        if isinstance(value, Buckets):
            _histogram(lines, name, pairs, les, value)
        else:
            lines.append(f"{sample}{_braced(pairs)} {_number(value)}")


def _histogram(
    lines: list[str],
    name: str,
    pairs: str,
    les: list[str],
    buckets: Buckets,
) -> None:
    head = f"{name}_bucket{{{pairs}{',' if pairs else ''}le="
    total = 0
    for le, count in zip(les, buckets.counts, strict=True):
        total += count
        lines.append(f'{head}"{le}"}} {total}')
    braced = _braced(pairs)
    lines.append(f"{name}_sum{braced} {_number(buckets.sum)}")
    lines.append(f"{name}_count{braced} {total}")


def _labels(labels: Labels) -> str:
    return ",".join(
        f'{_BAD.sub("_", key)}="{str(value).translate(_LABEL_ESCAPES)}"'
        for key, value in labels
    )


def _braced(pairs: str) -> str:
    return f"{{{pairs}}}" if pairs else ""


def _help(text: str, openmetrics: bool) -> str:
    escaped = text.translate(_HELP_ESCAPES)
    return escaped.replace('"', r"\"") if openmetrics else escaped


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return repr(value)
