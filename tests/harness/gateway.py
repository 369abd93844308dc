"""A running `routeiq serve` on a real socket, as a user would start it."""

import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from tests.harness.clients import PATIENT
from tests.shared import ROOT

STARTS_WITHIN_S = 60.0
PATIENCE_S = 20.0


class Running:
    """One gateway process."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.url = ""
        self.lines: list[str] = []
        """What it wrote to stderr."""
        self.out: list[str] = []
        self._ready: queue.Queue[str] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, keep), daemon=True)
            for stream, keep in (
                (process.stderr, self.lines),
                (process.stdout, self.out),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, keep: list[str]) -> None:
        with stream:
            for line in stream:
                keep.append(line)
                if '"listening"' in line:
                    self._ready.put(json.loads(line)["addresses"][0])
        self._ready.put("")

    def wait(self) -> None:
        self.url = self._ready.get(timeout=STARTS_WITHIN_S)
        if not self.url:
            raise RuntimeError("the gateway did not start:\n" + "".join(self.lines))

    @property
    def log(self) -> str:
        """What it wrote so far, on either stream."""
        return "".join([*self.lines, *self.out])

    def logged(self, words: str, times: int = 1, within_s: float = PATIENCE_S) -> str:
        """What it wrote, once `words` stand in it so often: a thread writes the log, a
        moment after what it tells of."""
        deadline = time.monotonic() + within_s
        while (log := self.log).count(words) < times:
            if time.monotonic() > deadline:
                raise LookupError(
                    f"not {times} times in the log: {words}\n{log[-2000:]}"
                )
            time.sleep(0.02)
        return log

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return httpx.get(self.url + path, **{**PATIENT, **kwargs})

    def post(self, path: str, json: Any = None, **kwargs: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=json, **{**PATIENT, **kwargs})

    def stop(self, sig: int = signal.SIGTERM, within_s: float = 30.0) -> int:
        """Ask it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
                raise
        for reader in self._readers:
            reader.join(5)
        return self.process.returncode

    def record(
        self, id: str, within_s: float = PATIENCE_S, among: int = 50
    ) -> dict[str, Any]:
        """The row of one exchange, once it is written; `among` so many of the last."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for row in self.records(among, 0.2):
                if row["id"] == id:
                    return row
            time.sleep(0.05)
        raise LookupError(f"no record of {id}")

    def records(self, count: int = 1, within_s: float = 5.0) -> list[dict[str, Any]]:
        """The last `count` exchange records, once they are written."""
        deadline = time.monotonic() + within_s
        rows: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            with closing(sqlite3.connect(self.folder / "routeiq.db")) as db:
                try:
                    found = db.execute(
                        "select data from log where log = 'exchanges' "
                        "order by id desc limit ?",
                        (count,),
                    ).fetchall()
                except sqlite3.OperationalError:
                    found = []
            rows = [json.loads(data) for (data,) in reversed(found)]
            if len(rows) >= count:
                break
            time.sleep(0.05)
        return rows

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry `labels`."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            if not line.startswith(name) or line[len(name) : len(name) + 1] not in "{ ":
                continue
            if all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rpartition(" ")[2])
        return total


@contextmanager
def gateway(
    config: Mapping[str, Any] | str,
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    args: tuple[str, ...] = (),
    http: str = "fast",
) -> Iterator[Running]:
    """Start it on a free port, in `folder`; stop it at the end."""
    path = folder / "routeiq.yaml"
    if isinstance(config, str):
        path.write_text(config)
    else:
        with path.open("w") as file:
            YAML(typ="safe").dump(dict(config), file)
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.endswith(("_API_KEY", "_TOKEN")) and not k.startswith("OTEL_")
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-m", "gateway", "serve", str(path)),
            *("--port", "0", "--http", http, *args),
        ],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(process, folder)
    try:
        running.wait()
        yield running
    finally:
        running.stop()
