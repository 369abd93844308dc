"""What is tracked, and Python sources as trees."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.shared import ROOT

WINGS: Final = ("adapters", "gateway", "protocols", "routing")
_LEFT_OUT: Final = {"build", "dist", "__pycache__"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository, or of the folder where git does not know it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.decode().split("\0")
        found = [ROOT / name for name in names if name]
    else:
        found = [
            path
            for path in ROOT.rglob("*")
            if not any(
                part.startswith(".") or part in _LEFT_OUT
                for part in path.relative_to(ROOT).parts
            )
        ]
    return tuple(path for path in found if path.is_file())


def modules(*folders: str) -> list[Path]:
    """Python files under the folders, tracked or about to be."""
    return sorted(path for name in folders for path in (ROOT / name).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions(
    path: Path,
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function with its dotted name."""

    def walk(
        node: ast.AST, prefix: str
    ) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + child.name, child
                yield from walk(child, prefix + child.name + ".")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, prefix + child.name + ".")
            else:
                yield from walk(child, prefix)

    yield from walk(tree(path), "")
