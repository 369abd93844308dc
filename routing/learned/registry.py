"""Versions of a router, and which of them serves.

A folder with a folder a version (artifacts), the pointer `live.json`, replaced whole,
and `history.jsonl`: who was put in or taken out, when, why, on what figures. Whoever
serves looks at the pointer now and then; nothing else is shared.
"""

import datetime as dt
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from routing.learned.artifact import MANIFEST

POINTER: Final = "live.json"
HISTORY: Final = "history.jsonl"
_LOCK: Final = ".lock"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}").fullmatch


class RegistryError(Exception):
    """The folder does not say who serves, or cannot."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a version was believed to do when it was put in."""

    quality: float
    """Mean, 0 to 1."""
    cost: float
    """US dollars a call."""


class Live(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which version serves."""

    version: str
    """Name of its folder; empty: none, whoever decides otherwise does."""
    since: str
    """ISO time, UTC."""
    previous: str = ""
    expected: Expected | None = None
    """Whoever asks the version, where `by` is empty."""
    by: dict[str, Expected] = {}
    """Kind of strategy -> what it was believed to do by this version; of kinds that
    are not there nobody has found out."""

    cascades: dict[str, Expected] = {}
    """Kind of strategy -> what it was believed to do where it may choose cascades too.
    Kinds that are not there may choose none: nobody has found out."""

    def promised(self, head: str) -> Expected | None:
        """To who asks the version by this kind; `None`: nothing."""
        return self.by.get(head) if self.by else self.expected


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the history."""

    what: str
    """`promote` or `rollback`."""
    live: Live
    why: str = ""
    forced: bool = False
    """Put in although the gate said no."""
    figures: dict[str, float] = {}


class Registry:
    """A folder of versions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[str]:
        """Every one that has a manifest, oldest first."""
        found = [path.parent for path in self.folder.glob(f"*/{MANIFEST}")]
        found.sort(key=lambda path: ((path / MANIFEST).stat().st_mtime_ns, path.name))
        return [path.name for path in found if _NAME(path.name)]

    def live(self) -> Live | None:
        """Who serves; `None`: nobody was ever put in.

        Raises:
            RegistryError: the pointer is damaged.
        """
        path = self.folder / POINTER
        try:
            live = msgspec.json.decode(path.read_bytes(), type=Live)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise RegistryError(f"{path} cannot be read: {error}") from None
        if live.version and not _NAME(live.version):
            raise RegistryError(f"{path}: {live.version!r} is not a version's name")
        return live

    def history(self) -> list[Event]:
        """Oldest first.

        Raises:
            RegistryError: it is damaged.
        """
        path = self.folder / HISTORY
        try:
            lines = path.read_bytes().split(b"\n")
            return [msgspec.json.decode(line, type=Event) for line in lines if line]
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            raise RegistryError(f"{path} cannot be read: {error}") from None

    def promote(
        self,
        version: str,
        expected: Expected | None,
        *,
        by: dict[str, Expected] | None = None,
        cascades: dict[str, Expected] | None = None,
        why: str = "",
        forced: bool = False,
        figures: dict[str, float] | None = None,
    ) -> Live:
        """Put a version in; one that serves, for another promise.

        Raises:
            RegistryError: there is no such version, or it serves already for this.
        """
        if version not in self.versions():
            known = ", ".join(self.versions()) or "none"
            raise RegistryError(f"{self.folder} has no version {version!r}: {known}")
        with self._locked():
            before = self.live()
            previous = before.version if before is not None else ""
            if before is not None and before.version == version:
                promised = before.expected, before.by, before.cascades
                if promised == (expected, by or {}, cascades or {}):
                    raise RegistryError(f"{version} serves already")
                previous = before.previous
            live = Live(
                version=version,
                since=_now(),
                previous=previous,
                expected=expected,
                by=by or {},
                cascades=cascades or {},
            )
            event = Event(
                what="promote",
                live=live,
                why=why,
                forced=forced,
                figures=figures or {},
            )
            self._write(event)
        return live

    def rollback(self, why: str, only: str = "") -> Live | None:
        """Put back who served before, or nobody. With `only` nothing happens, and
        `None` is given, unless that version serves.

        Raises:
            RegistryError: nobody serves.
        """
        with self._locked():
            now = self.live()
            if only and (now is None or now.version != only):
                return None
            if now is None or not now.version:
                raise RegistryError(f"{self.folder}: no version serves")
            live = self._before(now)
            self._write(Event(what="rollback", live=live, why=why))
        return live

    def _before(self, now: Live) -> Live:
        """As it was when it was put in, but since now."""
        for event in reversed(self.history()):
            if now.previous and event.live.version == now.previous:
                return msgspec.structs.replace(event.live, since=_now())
        return Live(version=now.previous, since=_now())

    def _write(self, event: Event) -> None:
        """The history first: what is in force was said."""
        made = self.folder / f".{POINTER}.{os.getpid()}"
        try:
            _put(self.folder / HISTORY, "ab", msgspec.json.encode(event) + b"\n")
            _put(made, "wb", msgspec.json.encode(event.live))
            made.replace(self.folder / POINTER)
        except OSError as error:
            raise self._closed(error) from None

    def _closed(self, error: OSError) -> RegistryError:
        return RegistryError(
            f"{self.folder} cannot be written: {error.strerror or error}"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Changes are made by one process at a time."""
        try:
            file = (self.folder / _LOCK).open("w")
        except OSError as error:
            raise self._closed(error) from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _put(path: Path, mode: str, data: bytes) -> None:
    with path.open(mode) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
