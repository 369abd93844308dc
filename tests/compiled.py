"""The compiled wheel, and tests that run against it: `python -m tests.compiled [ARGS]`.

The wheel is built as `pip wheel` builds it and unpacked over a copy of everything else,
so that the tests there find no other gateway than that one. Arguments are pytest's.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

from tests.house.sources import WINGS, tracked
from tests.shared import ROOT, SHARED

PLACE: Final = ROOT / ".compiled"
ALL: Final = [
    *("tests/adapters", "tests/routing", "tests/gateway", "tests/matrix"),
    *("tests/flow", "tests/faults", "tests/replay"),
]


def build(folder: Path, level: str = "3") -> Path:
    """The wheel, in `folder`; `level` is the C compiler's optimization."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        env={**os.environ, "ROUTEIQ_COMPILE": "1", "ROUTEIQ_COMPILE_LEVEL": level},
        check=True,
    )
    (wheel,) = folder.glob("routeiq-*.whl")
    return wheel


def lay_out(wheel: Path, tree: Path) -> None:
    """A checkout in which the four packages are the wheel's."""
    for path in tracked():
        name = path.relative_to(ROOT)
        if name.parts[0] not in WINGS:
            copy = tree / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)
    if SHARED.is_dir():
        (tree.parent / SHARED.name).symlink_to(SHARED)


def run(tree: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """pytest there."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        text=True,
        check=False,
    )


def main() -> int:
    """Build, lay out, test."""
    shutil.rmtree(PLACE, ignore_errors=True)
    tree = PLACE / "tree"
    tree.mkdir(parents=True)
    lay_out(build(PLACE), tree)
    args = sys.argv[1:]
    named = any(arg.startswith("tests") for arg in args)
    return run(tree, *args, *(() if named else ALL)).returncode


if __name__ == "__main__":
    sys.exit(main())
