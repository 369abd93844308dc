"""Processes on chosen cores, and what they cost: Linux's own accounting."""

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
WORK = Path(os.environ.get("BENCH_DIR", ".bench")).resolve()
TARGET_CORE, DRIVER_CORE = "1", "0"
"""The target under test has a core to itself; mock and driver share the other."""


def build() -> None:
    """Compile the mock provider and the load driver."""
    WORK.mkdir(exist_ok=True)
    for name in ("mock", "load"):
        source, made = HERE / f"{name}.c", WORK / name
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["gcc", "-O2", "-o", made, source], check=True)


def pinned(core: str) -> list[str]:
    """The words before a command that give it a core, and, where the user may,
    precedence over everything else on it."""
    first = ["nice", "-n", "-15"] if os.geteuid() == 0 else []
    return [*first, "taskset", "-c", core] if shutil.which("taskset") else first


def start(
    command: Sequence[str],
    *,
    core: str = TARGET_CORE,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: str,
) -> subprocess.Popen[bytes]:
    """A process pinned to a core; its output goes to a file of the work folder."""
    with (WORK / f"{log}.log").open("wb") as out:
        return subprocess.Popen(
            [*pinned(core), *command],
            env={**os.environ, **(env or {})},
            cwd=cwd or WORK,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def wait_for(
    url: str, body: bytes, headers: Mapping[str, str], within_s: float
) -> float:
    """Seconds until a POST is answered with 200."""
    began = time.monotonic()
    request = urllib.request.Request(
        url, body, {"content-type": "application/json", **headers}
    )
    while time.monotonic() - began < within_s:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answer.read()
                return time.monotonic() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    raise TimeoutError(f"{url} did not answer within {within_s} s")


def tree(pid: int) -> list[int]:
    """The process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds of every thread of the tree, to the nanosecond (schedstat)."""
    spent = 0
    for process in tree(pid):
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                spent += int(
                    Path(f"/proc/{process}/task/{thread}/schedstat")
                    .read_text()
                    .split()[0]
                )
        except OSError:
            continue
    return spent / 1e9


def rss_mb(pid: int) -> float:
    """Resident memory of the tree, MB."""
    pages = 0
    for process in tree(pid):
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole session of the process."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, 15)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, 9)
            process.wait(5)
