"""`make bench`: what the gateway costs, beside what others cost, in one run.

Linux, two cores: the target has one, mock provider and load driver the other. Rounds
are interleaved over all targets, figures are medians over rounds, CPU is that of the
target's whole process tree. Compare ratios of one run, never figures of two machines.
"""

import argparse
import json
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.bench import machine, scenarios, targets
from tests.bench.machine import WORK, cpu_s
from tests.bench.targets import MOCK_PORT, Target

Sample = dict[str, float]


def drive(
    target: Target, body: Path, connections: int, seconds: float, count: int = 0
) -> Sample:
    """One measurement; adds CPU milliseconds of the target."""
    headers = [f"{name}: {value}" for name, value in target.headers.items()]
    before = cpu_s(target.pid) if target.pid else 0.0
    done = subprocess.run(
        [
            "taskset",
            "-c",
            machine.DRIVER_CORE,
            str(WORK / "load"),
            str(target.port),
            target.path,
            str(connections),
            str(seconds),
            str(count),
            str(body),
            *headers,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    spent = (cpu_s(target.pid) if target.pid else 0.0) - before
    sample: Sample = json.loads(done.stdout)
    if sample["errors"]:
        print(f"!! {target.name}: {sample['errors']:.0f} errors at c={connections}")
    answered = max(1.0, sample["requests"])
    sample["cpu_ms"] = spent / answered * 1e3
    sample["cpu_us_event"] = spent / max(1.0, sample["events"]) * 1e6
    sample["rps"] = answered / sample["seconds"]
    return sample


def rounds(
    found: list[Target], body: Path, levels: list[int], seconds: float, times: int
) -> dict[tuple[str, int], Sample]:
    """Medians by (target, connections) over interleaved rounds."""
    samples: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for turn in range(times):
        for level in levels:
            shift = turn % len(found)
            for target in found[shift:] + found[:shift]:
                slow = target.name in {"litellm", "portkey"}
                if slow and level > 64:
                    continue
                length = max(seconds, 3.0) if slow else seconds
                samples[target.name, level].append(drive(target, body, level, length))
    return {
        key: {name: statistics.median(s[name] for s in got) for name in got[0]}
        for key, got in samples.items()
    }


def report(title: str, made: dict[tuple[str, int], Sample]) -> None:
    print(f"\n## {title}\n")
    print(
        "| target | c | CPU ms/req | req/s/core | p50 ms | p99 ms | added p50 | added p99 |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for (name, level), s in made.items():
        base = made.get(("direct", level))
        added = (
            f"{s['p50_ms'] - base['p50_ms']:.2f} | {s['p99_ms'] - base['p99_ms']:.2f}"
            if base and name != "direct"
            else "|"
        )
        per_core = 1e3 / s["cpu_ms"] if s["cpu_ms"] else 0.0
        print(
            f"| {name} | {level} | {s['cpu_ms']:.4f} | {per_core:,.0f} | "
            f"{s['p50_ms']:.2f} | {s['p99_ms']:.2f} | {added} |"
        )


def report_streams(made: dict[tuple[str, int], Sample]) -> None:
    print("\n## Streams (200 events, 5 ms apart)\n")
    print("| target | c | CPU us/event | events/s | first token p50 ms | p99 ms |")
    print("|---|--:|--:|--:|--:|--:|")
    for (name, level), s in made.items():
        print(
            f"| {name} | {level} | {s['cpu_us_event']:.1f} | "
            f"{s['events'] / s['seconds']:,.0f} | {s['ttft_p50_ms']:.2f} | "
            f"{s['ttft_p99_ms']:.2f} |"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="json,stream,long,tls,trace,memory,growth")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--levels", default="1,16,64,256")
    parser.add_argument("--compiled", action="store_true", help="the compiled wheel")
    parser.add_argument("--litellm", type=Path, help="a virtual environment")
    parser.add_argument("--envoy", type=Path, help="a virtual environment")
    parser.add_argument("--portkey", type=Path, help="an npm folder")
    parser.add_argument("--out", type=Path, default=WORK / "result.json")
    return parser.parse_args()


def peers(args: argparse.Namespace) -> list[Target]:
    """Those that are installed or named."""
    found = [targets.direct(), targets.gateway()]
    if args.compiled:
        found.append(targets.gateway("compiled", 9205, wheel=True))
    plain = targets.nginx()
    if plain is not None:
        found.append(plain)
    if args.envoy:
        found.append(targets.envoy(args.envoy.resolve()))
    if args.litellm:
        found.append(targets.litellm(args.litellm.resolve()))
    if args.portkey:
        found.append(targets.portkey(args.portkey.resolve()))
    return found


def main() -> None:
    args = arguments()
    machine.build()
    wanted = set(args.only.split(","))
    levels = [int(level) for level in args.levels.split(",")]
    mock = machine.start(
        [str(WORK / "mock"), str(MOCK_PORT)], core=machine.DRIVER_CORE, log="mock"
    )
    result: dict[str, Any] = {}
    found = peers(args)
    try:
        for target in found:
            target.up()
            print(
                f"{target.name}: ready in {target.ready_s:.2f} s, "
                f"{target.idle_mb:.0f} MB idle"
            )
            result[target.name] = {"ready_s": target.ready_s, "idle_mb": target.idle_mb}
        if "json" in wanted:
            made = rounds(found, scenarios.chat(), levels, args.seconds, args.rounds)
            report("Whole answers, 420-byte requests", made)
            result["json"] = _plain(made)
        if "stream" in wanted:
            some = [level for level in levels if level <= 64]
            made = rounds(found, scenarios.chat("mock-s200-d5"), some, 2.5, args.rounds)
            report_streams(made)
            result["stream"] = _plain(made)
        if "long" in wanted:
            others = {"nginx", "envoy"}
            some = [
                t for t in found if t.name in {"direct", "routeiq", "compiled", *others}
            ]
            made = rounds(some, scenarios.long(), [16], args.seconds, args.rounds)
            report("100 KiB prompts", made)
            result["long"] = _plain(made)
        own = next(t for t in found if t.name == "routeiq")
        result |= scenarios.alone(own, wanted, args, drive)
    finally:
        for target in found:
            target.down()
        machine.stop(mock)
    args.out.write_text(json.dumps(result, indent=1))
    print(f"\nEverything: {args.out}")


def _plain(made: dict[tuple[str, int], Sample]) -> dict[str, Sample]:
    return {f"{name} c={level}": sample for (name, level), sample in made.items()}


if __name__ == "__main__":
    main()
