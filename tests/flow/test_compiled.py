"""The compiled wheel: built, and driven through a socket by the tests of any other."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests import compiled

DRIVEN: Final = (
    "tests/flow/test_serving.py",
    *("tests/faults/test_hedge.py", "tests/faults/test_disconnects.py"),
)
"""Whole and streamed answers, retries, fallbacks, races, and clients that leave.
`make compiled-test` runs all the others."""

pytestmark = pytest.mark.timeout(1200)  # a compiler on a busy machine


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compiled")
    (made / "tree").mkdir()
    compiled.lay_out(compiled.build(made, level="0"), made / "tree")
    return made / "tree"


def test_it_says_what_it_is_and_runs_what_it_compiled(tree: Path) -> None:
    listed = (tree / "deploy" / "compiled.txt").read_text().split()
    names = [name.removesuffix(".py").replace("/", ".") for name in listed]
    code = (
        "import importlib, sys\n"
        "from gateway.cli import main\n"
        "main(['version'])\n"
        "for name in sys.argv[1:]: print(importlib.import_module(name).__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )
    version, *files = done.stdout.splitlines()
    assert version.endswith(", compiled)")
    assert all(Path(file).suffix in {".so", ".pyd"} for file in files)
    assert len(files) == len(names) > 30


def test_it_passes_the_tests_of_any_other(tree: Path) -> None:
    done = compiled.run(tree, *DRIVEN)
    assert done.returncode == 0
