"""How commands write to a terminal, a pipe or a script."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

from gateway.config.secrets import environment

_CODES: Final = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}
_MAX_CELL: Final = 72


class Paint:
    """Colours, on a terminal that wants them."""

    def __init__(self, *, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, colour: str) -> str:
        if not self._on or not text:
            return text
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def paint(stream: TextIO, environ: Mapping[str, str] | None = None) -> Paint:
    """Colours for a stream: never off a terminal, nor with NO_COLOR or TERM=dumb.

    Source: no-color.org: any value of NO_COLOR that is not empty.
    """
    environ = environment() if environ is None else environ
    wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Paint(on=wanted and stream.isatty())


def paint_err() -> Paint:
    """Colours of standard error."""
    return paint(sys.stderr)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under their heads, the last as long as it likes; empty for no rows."""
    if not rows:
        return ""
    cut = [[*map(_cell, row[:-1]), _printable(row[-1])] for row in rows]
    cells = [[h.upper() for h in heads], *cut]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    lines = (
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(lines)


def _cell(text: str) -> str:
    shown = _printable(text)
    return shown if len(shown) <= _MAX_CELL else shown[: _MAX_CELL - 1] + "…"


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)[1:-1]


def out(text: str) -> None:
    """A result."""
    print(text)


def err(text: str) -> None:
    """A remark or complaint, in one piece: other threads write log lines there."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def write(text: str, output: str | None, *, force: bool) -> str:
    """Write a file, or standard output; why it could not be, else empty."""
    if output is None:
        sys.stdout.write(text)
        return ""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(output, flags, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return f"{output} is there already; --force overwrites it"
    except OSError as error:
        return f"{output} cannot be written: {error.strerror}"
    return ""
