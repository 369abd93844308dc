"""What looking at a configuration brings to light, collected."""

import re
from collections.abc import Callable
from typing import Final

from gateway.config.command import is_command
from gateway.config.document import Document
from gateway.config.problem import Note, NoteKind, Path, Problem, Spot, quoted
from gateway.config.secrets import SecretError, Secrets

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name. Source: RFC 9110 section 5.6.2."""
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")


class Findings:
    """Problems and notes of one configuration."""

    def __init__(
        self,
        document: Document,
        secrets: Secrets,
        *,
        demand: bool = True,
        broken: frozenset[Path] = frozenset(),
    ) -> None:
        self.problems: list[Problem] = []
        self.notes: list[Note] = []
        self.secrets = secrets
        self.demand = demand
        """Whether what the file names on this machine must be there."""
        self._document = document
        self._broken = broken

    def sound(self, *path: str | int) -> bool:
        """Whether a value is the file's own, not put in place of a mistake."""
        return not any(path[:end] in self._broken for end in range(len(path) + 1))

    def problem(
        self, path: Path, message: str, hint: str = "", *, at_key: bool = False
    ) -> None:
        """Report a mistake, unless it only follows from one already reported."""
        if self.sound(*path):
            found = self._document.problem(path, message, hint, at_key=at_key)
            self.problems.append(found)

    def warn(self, path: Path, message: str, hint: str = "") -> None:
        """Report what is legal and perhaps not meant."""
        self.note("warning", path, message, hint)

    def note(self, kind: NoteKind, path: Path, message: str, hint: str = "") -> None:
        """Report anything else."""
        spot = self._document.key_spot(path)
        self.notes.append(Note(kind, *spot, self._document.name(path), message, hint))

    def spot(self, path: Path) -> Spot:
        """Where a value stands."""
        return self._document.spot(path)

    def header(self, path: Path, name: str, value: str) -> None:
        """Look at a header: its name, and its value with references replaced."""
        if _TOKEN.fullmatch(name) is None:
            self.problem(path, f"{quoted(name)} is no header's name", at_key=True)
        if _VALUE.fullmatch(self.text(path, value)) is None:
            self.problem(path, "a header's value is one line of Latin-1 text")

    def secret(self, path: Path, reference: str) -> str:
        """What a reference stands for; empty, and reported, when it is not there.
        Nobody's commands are run but for a gateway of this machine."""
        if not self.demand and is_command(reference):
            return ""
        return self._resolved(path, lambda: self.secrets.resolve(reference))

    def text(self, path: Path, template: str) -> str:
        """A text with its references replaced; empty, and reported, when one fails."""
        return self._resolved(path, lambda: self.secrets.text(template))

    def _resolved(self, path: Path, resolve: Callable[[], str]) -> str:
        if not self.sound(*path):
            return ""
        try:
            return resolve()
        except SecretError as error:
            if self.demand or not error.missing:
                self.problem(path, error.message, error.hint)
            return ""
