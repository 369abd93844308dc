"""Mistakes and remarks about a configuration file, each with its place."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

Path = tuple[str | int, ...]
"""Keys and positions from the top of the document."""

MAX_QUOTED: Final = 80


class Spot(NamedTuple):
    """A place in a file; line and column count from 1, 0 is the file as a whole."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One mistake: why the file cannot be used."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        spot = Spot(self.file, self.line, self.column)
        path = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{spot}:{path} {self.message}{hint}"


NoteKind = Literal["mapped", "changed", "unsupported", "warning"]


class Note(NamedTuple):
    """One remark about a file that can be used."""

    kind: NoteKind
    """Three for what became of a foreign key; `warning`: legal, perhaps not meant."""
    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        spot = Spot(self.file, self.line, self.column)
        path = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{spot}: {self.kind}:{path} {self.message}{hint}"


class ConfigError(Exception):
    """The file cannot be used; `problems` has every mistake, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        once = dict.fromkeys(problems)
        self.problems = sorted(once, key=lambda p: (p.file, p.line, p.column))
        super().__init__("\n".join(map(str, self.problems)))


def dotted(path: Path) -> str:
    """`models.fast.deployments[0].model`; names with dots or spaces in quotes."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif step.replace("_", "a").replace("-", "a").isalnum() and step.isascii():
            out += f".{step}" if out else step
        else:
            name = f'"{quoted(step)[1:-1]}"'
            out += f"[{name}]" if out else name
    return out


def quoted(text: object) -> str:
    """Text of a file as a message shows it: one line, bounded, nothing that a terminal
    would obey."""
    shown = str(text)
    if len(shown) > MAX_QUOTED:
        shown = shown[: MAX_QUOTED - 3] + "..."
    if not shown.isprintable():
        shown = repr(shown)[1:-1]
    return f"`{shown}`"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word; empty when none is near."""
    near = nearest(word, known)
    return f"did you mean {quoted(near)}?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one; empty when none is near."""
    words = {k.lower(): k for k in known}
    lowered = word.lower()
    if lowered in words:
        return words[lowered]
    plain = lowered.replace("-", "_").replace(" ", "_")
    found = difflib.get_close_matches(plain[:MAX_QUOTED], words, n=1, cutoff=0.65)
    return words[found[0]] if found else ""
