"""Request bodies, and the measurements that concern the gateway alone."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import machine, targets
from tests.bench.machine import WORK, rss_mb
from tests.bench.targets import Target

Drive = Callable[..., dict[str, float]]

_SYSTEM = (
    "You are a careful assistant. Answer in one short paragraph, name your sources "
    "where you can, and say so when you do not know."
)


def chat(model: str = "mock") -> Path:
    """A request of about 420 bytes."""
    body = {
        "model": model,
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {
                "role": "user",
                "content": "What is the capital of France, and since when?",
            },
        ],
        "temperature": 0.2,
        "max_tokens": 200,
        "user": "user-4711",
        **({"stream": True} if model != "mock" else {}),
    }
    return _write(f"{model}.json", body)


def long() -> Path:
    """A request of 100 KiB, with characters that JSON escapes."""
    line = 'She said: "tokens\\are cheap"\n\tbut not é free; '
    body = {
        "model": "mock",
        "messages": [{"role": "user", "content": line * (102_400 // len(line))}],
    }
    return _write("long.json", body)


def _write(name: str, body: dict[str, Any]) -> Path:
    path = WORK / name
    path.write_text(json.dumps(body))
    return path


def alone(
    own: Target, wanted: set[str], args: argparse.Namespace, drive: Drive
) -> dict[str, Any]:
    """Those of `wanted` that compare the gateway with itself."""
    result: dict[str, Any] = {}
    if "memory" in wanted:
        with _fresh("routeiq memory", 9212) as fresh:
            result["memory"] = _memory(fresh)
    if "growth" in wanted:
        with _fresh("routeiq growth", 9213) as fresh:
            result["growth"] = _growth(fresh, drive)
    if "tls" in wanted:
        result["tls"] = _tls(args, drive)
    if "trace" in wanted:
        result["trace"] = _trace(own, args, drive)
    return result


@contextmanager
def _fresh(name: str, port: int) -> Iterator[Target]:
    """A gateway that has served nobody: what others did to one's memory stays."""
    target = targets.gateway(name, port)
    try:
        target.up()
        yield target
    finally:
        target.down()


def _memory(own: Target) -> dict[str, float]:
    """Kilobytes that an open, slow stream takes."""
    count = 256
    before = rss_mb(own.pid)
    headers = [f"{name}: {value}" for name, value in own.headers.items()]
    load = subprocess.Popen(
        [
            *machine.pinned(machine.DRIVER_CORE),
            str(WORK / "load"),
            str(own.port),
            own.path,
            str(count),
            "1",
            str(count),
            str(chat("mock-s50-d100")),
            *headers,
        ],
        stdout=subprocess.DEVNULL,
    )
    peak = before
    for _ in range(30):
        time.sleep(0.1)
        peak = max(peak, rss_mb(own.pid))
    load.wait(30)
    each = (peak - before) / count * 1e3
    print(f"\n{count} slow streams: {each:.1f} kB each ({before:.1f} -> {peak:.1f} MB)")
    return {"before_mb": before, "peak_mb": peak, "kb_per_stream": each}


def _growth(own: Target, drive: Drive) -> dict[str, float]:
    """Resident memory after 20,000 requests and after 200,000 more."""
    drive(own, chat(), 16, 60.0, 20_000)
    time.sleep(1.0)
    before = rss_mb(own.pid)
    drive(own, chat(), 16, 600.0, 200_000)
    time.sleep(1.0)
    after = rss_mb(own.pid)
    print(f"\n200,000 requests: {before:.1f} -> {after:.1f} MB")
    return {"before_mb": before, "after_mb": after}


def _tls(args: argparse.Namespace, drive: Drive) -> dict[str, float]:
    """CPU per request when the provider is reached over TLS."""
    mock = machine.start(
        [sys.executable, "-m", "tests.bench.tls_mock", "9143"],
        core=machine.DRIVER_CORE,
        cwd=targets.ROOT,
        log="tls-mock",
    )
    ca = WORK / "ca.pem"
    deadline = time.monotonic() + 20
    while not ca.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    own = targets.gateway(
        "routeiq tls",
        9210,
        extra=f"egress: {{ca_file: '{ca}'}}",
        base_url="https://localhost:9143/v1",
    )
    try:
        own.up()
        made = [
            drive(own, chat(), 16, args.seconds)["cpu_ms"] for _ in range(args.rounds)
        ]
    finally:
        own.down()
        machine.stop(mock)
    print(
        f"\nTLS to the provider: {sorted(made)[len(made) // 2]:.4f} CPU ms/request, c=16"
    )
    return {"cpu_ms": sorted(made)[len(made) // 2]}


def _trace(own: Target, args: argparse.Namespace, drive: Drive) -> dict[str, float]:
    """What tracing adds: paired rounds, with 1 % sampled and exported, and without."""
    sink = machine.start(
        [sys.executable, "-m", "tests.bench.sink", "9144"],
        core=machine.DRIVER_CORE,
        cwd=targets.ROOT,
        log="sink",
    )
    time.sleep(1.0)
    traced = targets.gateway(
        "routeiq traced",
        9211,
        extra="telemetry: {otlp_endpoint: 'http://127.0.0.1:9144'}",
    )
    try:
        traced.up()
        ratios = []
        for _ in range(max(5, args.rounds)):
            plain = drive(own, chat(), 16, args.seconds)["cpu_ms"]
            ratios.append(drive(traced, chat(), 16, args.seconds)["cpu_ms"] / plain)
    finally:
        traced.down()
        machine.stop(sink)
    middle = sorted(ratios)[len(ratios) // 2]
    print(f"\nTracing (1 % sampled, exported): x {middle:.3f} CPU per request")
    return {"ratio": middle}
