"""Several workers, one `/metrics`: each leaves its snapshot in a shared directory, and
whoever is asked adds them up.

What a dead worker counted stays counted; its gauges go. The directory belongs to one
run of the gateway: make it fresh at start.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from gateway.telemetry.metrics import Metrics, Snapshot, merge

SUFFIX: Final = ".metrics"
INTERVAL_S: Final = 1.0
STALE_S: Final = 30.0
"""A snapshot this old belongs to a dead worker, whoever has its process id now."""
MAX_DEAD: Final = 16
"""More snapshots of dead workers than these are added up into one."""
COMPACT_S: Final = 60.0
_LOCK: Final = "compacting"
_LOCK_STALE_S: Final = 60.0


class Workers:
    """The snapshots of all workers of one run: a sink of each one's recorder."""

    def __init__(
        self, directory: Path, metrics: Metrics, *, interval_s: float = INTERVAL_S
    ) -> None:
        self._directory = directory
        self._metrics = metrics
        self._interval_s = interval_s
        self._due = 0.0
        self._compact_due = 0.0
        # Its own name per start: a process id may come again.
        self._name = f"{os.getpid()}-{time.time_ns()}{SUFFIX}"
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Snapshot)

    def take(self, batch: object) -> None:
        """`Metrics` counts; this only shows."""

    def tick(self, now: float) -> None:
        """Leave a snapshot when it is time."""
        if now >= self._due:
            self._due = now + self._interval_s
            self.publish()
        if now >= self._compact_due:
            self._compact_due = now + COMPACT_S
            self.compact()

    def close(self) -> None:
        """Leave the last snapshot."""
        self.publish()

    def publish(self) -> None:
        """Leave a snapshot of this process now.

        Raises:
            OSError: the directory cannot be written.
        """
        self._write(self._name, self._metrics.snapshot())

    def gather(self) -> Snapshot:
        """All workers' aggregates added up, this one's as they stand."""
        own = self._metrics.snapshot()
        others = list(self._others())
        absorbed = {name for _, snapshot, _ in others for name in snapshot.absorbed}
        parts = [own]
        for name, snapshot, is_alive in others:
            if name in absorbed:
                continue
            if not is_alive:
                snapshot.readings = [
                    r for r in snapshot.readings if r.kind == "counter"
                ]
            parts.append(snapshot)
        return merge(parts)

    def compact(self) -> None:
        """Add dead workers' snapshots up into one, when there are many.

        Safe at any point of a crash, and beside a reader: the sum names its parts, so
        that nobody counts them twice, and they are removed only later.
        """
        dead = [entry for entry in self._others() if _has_ended(entry[0])]
        gone = {name for _, snapshot, _ in dead for name in snapshot.absorbed}
        parts = [entry for entry in dead if entry[0] not in gone]
        if len(parts) <= MAX_DEAD or not self._locked():
            return
        try:
            for name in gone:
                self._unlink(name)
            total = merge([snapshot for _, snapshot, _ in parts])
            total.readings = [r for r in total.readings if r.kind == "counter"]
            total.absorbed = sorted({name for name, _, _ in parts})
            self._write(f"0-{time.time_ns()}{SUFFIX}", total)
        finally:
            self._unlink(_LOCK)

    def _others(self) -> Iterator[tuple[str, Snapshot, bool]]:
        now = time.time()
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            if path.name == self._name:
                continue
            try:
                fresh = now - path.stat().st_mtime < STALE_S
                snapshot = self._decoder.decode(path.read_bytes())
            except (OSError, msgspec.MsgspecError):
                # Gone meanwhile, or not ours.
                continue
            yield path.name, snapshot, fresh and not _has_ended(path.name)

    def _write(self, name: str, snapshot: Snapshot) -> None:
        temporary = self._directory / f"{name}.{os.getpid()}.tmp"
        temporary.write_bytes(self._encoder.encode(snapshot))
        temporary.replace(self._directory / name)

    def _locked(self) -> bool:
        path = self._directory / _LOCK
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LOCK_STALE_S:
                path.unlink()
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError:
            return False
        return True

    def _unlink(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self._directory / name).unlink()


def _has_ended(name: str) -> bool:
    """Whether the process that wrote it is certainly gone."""
    pid = int(head) if (head := name.partition("-")[0]).isdecimal() else 0
    if pid <= 0:
        return True
    if sys.platform == "win32":
        # Signal 0 would be a Ctrl-C there; staleness has to do.
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        # There, but somebody else's.
        return False
    return False
