"""Outcome tables: how well, and at what cost, many models answered the same prompts.

JSON Lines, `.gz` or plain. The first line is `{dataset, models}`, and may hold
`prices` (model -> dollars per million tokens, `input` and `output`, at which the costs
were); every other one is
`{prompt, domain, scores[m], cost_usd[m]}` in the order of `models`, and may hold
`answers[m]`, what each model said in the end, and `split` (`test`: hold it back). In
place of `prompt` a line may hold `sketch`, as records keep it.
"""

import gzip
import hashlib
import math
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
import numpy.typing as npt

from routing.learned.artifact import Members
from routing.learned.prices import Rates
from routing.sketch import Sketch, opened
from routing.text import Reader

LEAST_COST: Final = 1e-9
"""Dollars; a logarithm is taken of costs."""


class TableError(Exception):
    """A table that cannot be learned from: which line, what is wrong with it."""


class _Head(msgspec.Struct):
    models: list[str]
    dataset: str = ""
    prices: dict[str, Rates] = {}


class _Line(msgspec.Struct):
    scores: list[float]
    cost_usd: list[float]
    prompt: str | None = None
    sketch: str | None = None
    domain: str = ""
    split: str = ""
    answers: list[str | None] | None = None


class Table:
    """Rows of outcomes. `quality` and `cost` are (rows, models)."""

    def __init__(
        self,
        *,
        name: str,
        models: tuple[str, ...],
        sketches: Sequence[Sketch],
        domains: npt.NDArray[np.str_],
        quality: npt.NDArray[np.float64],
        cost: npt.NDArray[np.float64],
        answers: npt.NDArray[np.int64] | None = None,
        parts: npt.NDArray[np.str_] | None = None,
        duplicates: int = 0,
        digest: str = "",
        prices: Mapping[str, Rates] | None = None,
        arms: Mapping[str, Members] | None = None,
        reading_s: npt.NDArray[np.float64] | None = None,
    ) -> None:
        self.name = name
        self.models = models
        self.sketches = sketches
        self.domains = domains
        self.quality = quality
        self.cost = cost
        self.answers = answers
        """Equal numbers where two models of a row said the same; -1: unsaid."""
        self.parts = parts
        """`split` of each row; `None`: the file's lines have none."""
        self.duplicates = duplicates
        """Rows left out because their prompt had come before."""
        self.digest = digest
        """SHA-256 of the file."""
        self.prices = dict(prices or {})
        """Model -> what it cost."""
        self.arms = dict(arms or {})
        """Cascades, which are the last of `models`, in their order."""
        self.reading_s = np.zeros(len(sketches)) if reading_s is None else reading_s
        """(rows,): seconds that the sketch of each prompt took; 0: nobody measured."""

    @property
    def alone(self) -> int:
        """So many of `models` are asked alone; the others are cascades."""
        return len(self.models) - len(self.arms)

    def __len__(self) -> int:
        return len(self.sketches)

    def take(self, rows: npt.NDArray[np.int64]) -> Self:
        """The table of these rows."""
        return type(self)(
            name=self.name,
            models=self.models,
            sketches=[self.sketches[i] for i in rows],
            domains=self.domains[rows],
            quality=self.quality[rows],
            cost=self.cost[rows],
            answers=None if self.answers is None else self.answers[rows],
            parts=None if self.parts is None else self.parts[rows],
            duplicates=self.duplicates,
            digest=self.digest,
            prices=self.prices,
            arms=self.arms,
            reading_s=self.reading_s[rows],
        )


def read(path: Path, limit: int | None = None, seed: int = 0) -> Table:
    """The table of a file, each prompt once; of `limit` rows drawn by `seed`.

    Raises:
        TableError: it cannot be read, or a line is not as the format says.
    """
    data = _bytes(path)
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return parsed(path, lines, hashlib.sha256(data).hexdigest(), limit, seed)


def parsed(
    path: Path,
    lines: Sequence[bytes],
    digest: str,
    limit: int | None = None,
    seed: int = 0,
) -> Table:
    """The table of its lines, the one that names the models before all.

    Raises:
        TableError: a line is not as the format says.
    """
    if not lines:
        raise TableError(f"{path}: is empty; the first line names the models")
    head = _head(path, lines[0])
    width = len(head.models)
    seen: set[bytes] = set()
    kept: list[_Line] = []
    for number, line in enumerate(lines[1:], 2):
        row = _row(path, number, line, width)
        mark = (row.prompt or "").strip().encode("utf-8", "surrogatepass")
        key = mark or (row.sketch or "").encode()
        if key in seen:
            continue
        seen.add(key)
        kept.append(row)
    if not kept:
        raise TableError(f"{path}: has no rows")
    duplicates = len(lines) - 1 - len(kept)
    if limit is not None and limit < len(kept):
        drawn = np.random.default_rng(seed).permutation(len(kept))[:limit]
        kept = [kept[i] for i in sorted(drawn.tolist())]
    sketches, took = zip(*_sketches(path, kept), strict=True)
    return Table(
        name=head.dataset or path.name.split(".")[0],
        models=tuple(head.models),
        sketches=sketches,
        domains=np.array([row.domain for row in kept], dtype=np.str_),
        quality=np.array([row.scores for row in kept], np.float64),
        cost=np.maximum(np.array([row.cost_usd for row in kept]), LEAST_COST),
        answers=unified([row.answers for row in kept], width),
        parts=_parts(kept),
        duplicates=duplicates,
        digest=digest,
        prices=head.prices,
        reading_s=np.array(took),
    )


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error):
        raise TableError(f"{path}: is cut short or damaged") from None


def _head(path: Path, line: bytes) -> _Head:
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.MsgspecError as error:
        raise TableError(
            f"{path}:1: {error}; the first line is"
            ' {"dataset": NAME, "models": [NAME, ...]}'
        ) from None
    if not head.models or len(set(head.models)) != len(head.models):
        raise TableError(f"{path}:1: `models` needs names, each once")
    for name, rates in head.prices.items():
        if not all(0.0 <= rate < math.inf for rate in (rates.input, rates.output)):
            raise TableError(f"{path}:1: the price of {name} is none")
    return head


def _row(path: Path, number: int, line: bytes, width: int) -> _Line:
    try:
        row = msgspec.json.decode(line, type=_Line)
    except msgspec.MsgspecError as error:
        raise TableError(f"{path}:{number}: {error}") from None
    for name, values in (("scores", row.scores), ("cost_usd", row.cost_usd)):
        if len(values) != width:
            raise TableError(
                f"{path}:{number}: `{name}` has {len(values)} of {width} numbers"
            )
    if not all(0.0 <= score <= 1.0 for score in row.scores):
        raise TableError(f"{path}:{number}: a score is not from 0 to 1")
    if not all(0.0 <= cost < math.inf for cost in row.cost_usd):
        raise TableError(f"{path}:{number}: a cost is negative or not a number")
    if row.answers is not None and len(row.answers) != width:
        raise TableError(f"{path}:{number}: `answers` are not {width}")
    if not (row.prompt or row.sketch):
        raise TableError(f"{path}:{number}: has neither `prompt` nor `sketch`")
    return row


def _sketches(path: Path, rows: Sequence[_Line]) -> Iterator[tuple[Sketch, float]]:
    """With the seconds that each took."""
    reader = Reader()
    for row in rows:
        began = time.perf_counter()
        try:
            made = reader.sketch(row.prompt) if row.prompt else opened(row.sketch or "")
        except ValueError as error:
            raise TableError(f"{path}: a `sketch` {error}") from None
        yield made, time.perf_counter() - began


def _parts(rows: Sequence[_Line]) -> npt.NDArray[np.str_] | None:
    if not any(row.split for row in rows):
        return None
    return np.array([row.split for row in rows], dtype=np.str_)


def unified(
    said: Sequence[list[str | None] | None], width: int
) -> npt.NDArray[np.int64] | None:
    """Answers as `Table.answers`; `None`: of some row they are not known."""
    if any(row is None or len(row) != width for row in said):
        return None
    out = np.full((len(said), width), -1, np.int64)
    for i, row in enumerate(said):
        places: dict[str, int] = {}
        for j, answer in enumerate(row or ()):
            if answer is not None and answer.strip():
                out[i, j] = places.setdefault(answer.strip(), len(places))
    return out
