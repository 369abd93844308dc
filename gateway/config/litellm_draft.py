"""A native configuration in the making, out of somebody else's."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.config.document import Document, scalar
from gateway.config.problem import (
    Note,
    NoteKind,
    Path,
    Problem,
    dotted,
    nearest,
    quoted,
)
from gateway.config.secrets import Secrets

Handler = Callable[["Draft", Any, Path], None]
"""Takes one key's value and its path in the foreign file."""


class Draft:
    """What has been taken over so far, and what was said about it."""

    def __init__(self, source: Document, secrets: Secrets) -> None:
        self.source = source
        self.secrets = secrets
        self.native: dict[str, Any] = {}
        self.notes: list[Note] = []
        self.problems: list[Problem] = list(source.problems)
        self._origins: dict[Path, Path] = {(): ()}

    def put(self, native: Path, value: Any, origin: Path) -> None:
        """Set a value; mappings on the way are made."""
        place: Any = self.native
        for end, step in enumerate(native[:-1], 1):
            at = isinstance(step, int)
            place = place[step] if at else place.setdefault(step, {})
            self._origins.setdefault(native[:end], origin)
        if isinstance(place, list):
            place.append(value)
        else:
            place[native[-1]] = value
        self._origins[native] = origin

    def same_origins(self, native: Path, copy: Path) -> None:
        """A value was put a second time: what is in it comes from the same places."""
        size = len(native)
        inner = [p for p in self._origins if p[:size] == native]
        for path in inner:
            self._origins[(*copy, *path[size:])] = self._origins[path]

    def at(self, *native: str | int) -> Any:
        """A value that was put; `None` when there is none."""
        place: Any = self.native
        for step in native:
            if isinstance(place, list) and isinstance(step, int):
                place = place[step] if step < len(place) else None
            else:
                place = place.get(step) if isinstance(place, dict) else None
        return place

    def origin(self, *native: str | int) -> Path:
        """Where a value that was put came from."""
        return self._origins.get(native, ())

    def mapped(self, path: Path, message: str) -> None:
        """A key whose meaning was kept."""
        self.note("mapped", path, message)

    def changed(self, path: Path, message: str, hint: str = "") -> None:
        """A key whose meaning was kept as nearly as possible."""
        self.note("changed", path, message, hint)

    def unsupported(self, path: Path, hint: str) -> None:
        """A key that has no effect here."""
        self.note("unsupported", path, "has no effect here", hint)

    def note(self, kind: NoteKind, path: Path, message: str, hint: str = "") -> None:
        """Any remark."""
        spot = self.source.key_spot(path)
        self.notes.append(Note(kind, *spot, dotted(path), message, hint))

    def problem(
        self, path: Path, message: str, hint: str = "", *, at_key: bool = False
    ) -> None:
        """A mistake."""
        found = self.source.problem(path, message, hint, at_key=at_key)
        self.problems.append(found)

    def walk(
        self,
        value: Any,
        path: Path,
        handlers: Mapping[str, Handler],
        unsupported: Mapping[str, str],
    ) -> None:
        """Every key of a section: to its handler, to the notes, or to the problems.

        `unsupported` maps names, or beginnings of names that end in `*`, to a hint.
        """
        if value is None:
            return
        if not isinstance(value, dict):
            self.problem(path, "must be a mapping of keys to values")
            return
        for key, item in value.items():
            inner = (*path, key)
            if key in handlers:
                handlers[key](self, item, inner)
                continue
            hint = _looked_up(key, unsupported)
            if hint is None:
                near = nearest(key, [*handlers, *unsupported]).rstrip("*")
                message = f"unknown key {quoted(key)}"
                hint = f"did you mean {quoted(near)}?" if near else "LiteLLM has none"
                self.problem(inner, message, hint, at_key=True)
            else:
                self.unsupported(inner, hint)

    def text(self, value: Any) -> Any:
        """A value as a plain field of ours says it: `os.environ/X` becomes `${X}`."""
        if isinstance(value, str):
            if value.startswith("os.environ/"):
                return "${" + value.removeprefix("os.environ/") + "}"
            return value.replace("${", "$${")
        if isinstance(value, list):
            return [self.text(v) for v in value]
        if isinstance(value, dict):
            return {k: self.text(v) for k, v in value.items()}
        return value

    def number(self, value: Any) -> Any:
        """A value as a number; numbers in quotes are LiteLLM's habit."""
        if isinstance(value, str) and not value.startswith("os.environ/"):
            return scalar(value)
        return self.text(value)

    def secret(self, value: Any, path: Path, what: str) -> str:
        """A reference to a secret; a value in the file itself is held and reported."""
        if value is None or value == "":
            return ""
        if not isinstance(value, str):
            self.problem(path, f"{what} must be a text", "put it in quotes")
            return ""
        if value.startswith("os.environ/"):
            return "env:" + value.removeprefix("os.environ/")
        self.note(
            "warning",
            path,
            f"{what} stands in the file itself",
            "put it into the environment and write os.environ/NAME",
        )
        return self.secrets.hold(value)

    def document(self) -> Document:
        """The native document, with the places of the foreign one."""
        document = Document(self.source.file, self.native)
        for native, origin in self._origins.items():
            document.spots[native] = self.source.spot(origin)
            document.keys[native] = self.source.key_spot(origin)
            document.sources[native] = origin
        return document


def _looked_up(key: str, table: Mapping[str, str]) -> str | None:
    if key in table:
        return table[key]
    return next(
        (h for k, h in table.items() if k.endswith("*") and key.startswith(k[:-1])),
        None,
    )
