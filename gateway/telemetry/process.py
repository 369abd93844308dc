"""What the operating system knows of this process, as gauges."""

import os
import platform
import time
from collections.abc import Mapping
from typing import Final

from gateway.telemetry.metrics import Metrics

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
Points = list[tuple[Mapping[str, str], float]]


def register(metrics: Metrics, version: str) -> None:
    """Show memory, CPU time, open files, start time and build of this process."""
    started = time.time()
    metrics.register(
        "process.resident_memory",
        "Resident memory; of all workers together.",
        _resident,
        unit="By",
    )
    metrics.register(
        "process.cpu", "User and system CPU time spent.", _cpu, kind="counter", unit="s"
    )
    metrics.register("process.open_fds", "Open file descriptors.", _open_files)
    metrics.register(
        "process.start_time",
        "Unix time of the oldest worker's start.",
        lambda: [({}, started)],
        unit="s",
        merge="min",
    )
    metrics.register("routeiq.workers", "Worker processes alive.", lambda: [({}, 1)])
    build = {"version": version, "python": platform.python_version()}
    metrics.register(
        "routeiq.build_info",
        "Version of the gateway and its Python.",
        lambda: [(build, 1)],
        merge="max",
    )


def _resident() -> Points:
    try:
        with open("/proc/self/statm", "rb") as statm:
            return [({}, int(statm.read().split()[1]) * _PAGE)]
    except OSError:
        if resource is None:
            return []
        # The peak, the best that systems without /proc have to tell.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return [({}, peak if platform.system() == "Darwin" else peak * 1024)]


def _cpu() -> Points:
    return [({}, time.process_time())]


def _open_files() -> Points:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            # The listing itself holds one open.
            return [({}, len(os.listdir(folder)) - 1)]
        except OSError:
            continue
    return []
