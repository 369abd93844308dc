"""Lines of an outcome table as they are read and written, outcomes missing or not."""

import gzip
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from routing.lab.table import TableError
from routing.learned.prices import Rates

Split = Literal["random", "time", "group"]
_SPACE: Final = 2**32


class Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One prompt; lists are in the order of the table's models."""

    scores: list[float | None]
    """`None`: that model did not answer it, or nobody said how well."""
    cost_usd: list[float | None]
    prompt: str = ""
    sketch: str = ""
    domain: str = ""
    answers: list[str | None] | None = None
    propensity: list[float] | None = None
    """How likely each model was to be asked; absent: all were, whatever the prompt."""
    served: list[int] | None = None
    """How often each was asked, where there are propensities."""

    @property
    def key(self) -> str:
        """The same for the same prompt."""
        return self.prompt.strip() or self.sketch


class Lines(msgspec.Struct):
    """A table before it is learned from; `groups` and `lines` run in parallel."""

    name: str
    models: list[str]
    lines: list[Line]
    groups: list[str]
    duplicates: int = 0
    digest: str = ""
    """SHA-256 of the file, unpacked."""
    prices: dict[str, Rates] = {}
    """Model -> what it cost."""


def read_lines(path: Path) -> Lines:
    """Those of an outcome table, each prompt once, its domain as its group.

    Raises:
        TableError: it cannot be read, or a line is not as the format says.
    """
    data = _bytes(path)
    first, *rest = data.split(b"\n")
    try:
        head = msgspec.json.decode(first, type=dict[str, Any])
        models = msgspec.convert(head.get("models"), list[str])
        prices = msgspec.convert(head.get("prices", {}), dict[str, Rates])
    except msgspec.MsgspecError as error:
        raise TableError(f"{path}:1: {error}; the first line names `models`") from None
    seen: dict[str, Line] = {}
    count = 0
    for number, line in enumerate(rest, 2):
        if not line:
            continue
        count += 1
        try:
            read = msgspec.json.decode(line, type=Line)
        except msgspec.MsgspecError as error:
            raise TableError(f"{path}:{number}: {error}") from None
        if len(read.scores) != len(models) or len(read.cost_usd) != len(models):
            raise TableError(f"{path}:{number}: needs one score and cost a model")
        for field in ("answers", "propensity", "served"):
            said = getattr(read, field)
            if said is not None and len(said) != len(models):
                raise TableError(f"{path}:{number}: `{field}` are not {len(models)}")
        if not read.key:
            raise TableError(f"{path}:{number}: has neither `prompt` nor `sketch`")
        seen.setdefault(read.key, read)
    kept = list(seen.values())
    name = str(head.get("dataset") or path.name.split(".")[0])
    groups = [k.domain for k in kept]
    digest = hashlib.sha256(data).hexdigest()
    return Lines(name, models, kept, groups, count - len(kept), digest, prices)


def write_lines(
    path: Path,
    name: str,
    models: list[str],
    lines: list[Line],
    prices: Mapping[str, Rates] | None = None,
) -> None:
    """Write a table, compressed where the name ends in `.gz`; the same lines give the
    same bytes."""
    head: dict[str, Any] = {"dataset": name, "models": models}
    if prices:
        head["prices"] = prices
    whole = [msgspec.json.encode(head)]
    whole += [msgspec.json.encode(line) for line in lines]
    data = b"\n".join(whole) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def split(lines: Lines, by: Split, share: float) -> tuple[list[Line], list[Line]]:
    """To learn from, and about `share` to be held back: the last ones, whole groups,
    or any. No prompt is on both sides."""
    count = len(lines.lines)
    if by == "time":
        at = count - round(share * count)
        return lines.lines[:at], lines.lines[at:]
    if by == "group":
        held = _held_groups(lines.groups, share * count)
        marks = [group in held for group in lines.groups]
    else:
        marks = [_drawn(line.key) < share for line in lines.lines]
    kept = [x for x, held in zip(lines.lines, marks, strict=True) if not held]
    back = [x for x, held in zip(lines.lines, marks, strict=True) if held]
    return kept, back


def _held_groups(groups: Sequence[str], wanted: float) -> set[str]:
    """Whole groups, in the order of their hashes, until enough are held back."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for group in groups:
        sizes[group] += 1
    held: set[str] = set()
    total = 0
    for group in sorted(sizes, key=_drawn):
        if total + sizes[group] / 2 <= wanted:
            held.add(group)
            total += sizes[group]
    return held


def _drawn(text: str) -> float:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4]) / _SPACE


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error):
        raise TableError(f"{path}: is cut short or damaged") from None
