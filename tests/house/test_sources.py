"""What the sources may not become: long, tangled, or silent about errors."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

from tests.house.project import project
from tests.house.sources import WINGS, functions, modules, tree
from tests.shared import ROOT

FILE_LINES: Final = 450
FUNCTION_LINES: Final = 60

LONG_FILES: Final[dict[str, str]] = {}
LONG_FUNCTIONS: Final = {
    "gateway/build.py:build": "composition: one call a part, in the order of making",
}
"""What may be longer, and why. An entry that is no longer needed fails."""

SOURCES: Final = modules(*WINGS)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_outgrows_its_noun() -> None:
    long = {
        _name(path): count
        for path in SOURCES
        if (count := path.read_text("utf-8").count("\n")) > FILE_LINES
    }
    assert long.keys() == LONG_FILES.keys(), long


def test_no_function_outgrows_a_page() -> None:
    long = {}
    for path in SOURCES:
        for name, node in functions(path):
            count = (node.end_lineno or 0) - node.lineno + 1
            if count > FUNCTION_LINES:
                long[f"{_name(path)}:{name}"] = count
    assert long.keys() == LONG_FUNCTIONS.keys(), long


def test_every_broad_except_hands_on_logs_or_says_why() -> None:
    silent = []
    for path in SOURCES:
        lines = path.read_text("utf-8").splitlines()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler) or not _broad(node.type):
                continue
            inside = [n for child in node.body for n in ast.walk(child)]
            told = any(isinstance(n, ast.Raise) for n in inside) or any(
                isinstance(n, ast.Attribute) and n.attr == "exception" for n in inside
            )
            line = lines[node.lineno - 1]
            if not told and not re.search(r"# noqa: BLE001 - \w+", line):
                silent.append(f"{_name(path)}:{node.lineno}")
    assert not silent


def _broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        n is None
        or (isinstance(n, ast.Name) and n.id in {"Exception", "BaseException"})
        for n in names
    )


def _imports(node: ast.AST) -> Iterable[str]:
    """Modules that are imported anywhere under a node; types-only imports too."""
    for child in ast.walk(node):
        if isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative import"
            yield child.module or ""
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)


def _ours(module: str) -> bool:
    return module.partition(".")[0] in WINGS


def test_nothing_of_ours_is_imported_inside_a_function() -> None:
    hidden = [
        f"{_name(path)}:{name} imports {module}"
        for path in SOURCES
        for name, node in functions(path)
        for module in _imports(node)
        if _ours(module)
    ]
    assert not hidden


def test_no_imports_go_round_in_a_circle() -> None:
    known = {_dotted(path): path for path in SOURCES}
    below = {
        module: {m for m in _imports(tree(path)) if m in known and m != module}
        for module, path in known.items()
    }
    while free := [module for module, needed in below.items() if not needed]:
        for module in free:
            del below[module]
        for needed in below.values():
            needed.difference_update(free)
    assert not below, f"a circle among {sorted(below)}"


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_state_is_kept_in_a_module() -> None:
    found = [
        f"{_name(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Global)
    ]
    assert not found


def test_a_package_only_hands_on_names() -> None:
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    for path in SOURCES:
        if path.name == "__init__.py":
            for node in tree(path).body:
                assert isinstance(node, allowed), _name(path)
                if isinstance(node, ast.Assign):
                    assert ast.unparse(node.targets[0]) == "__all__", _name(path)


def test_what_is_imported_is_required() -> None:
    """Not brought along by chance, by something else that needs it today."""
    known = packages_distributions()
    required = {_normal(Requirement(text).name) for text in project()["dependencies"]}
    strangers: dict[str, set[str]] = defaultdict(set)
    for path in SOURCES:
        for module in _imports(tree(path)):
            top = module.partition(".")[0]
            if _ours(module) or top in sys.stdlib_module_names:
                continue
            if required.isdisjoint(_normal(name) for name in known.get(top, [top])):
                strangers[top].add(_name(path))
    assert not strangers


def _normal(distribution: str) -> str:
    return re.sub(r"[._-]+", "-", distribution.lower())


# --- floors ------------------------------------------------------------------------


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    call = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(%s))"
    )
    return subprocess.run(
        [sys.executable, "-c", call % "no_cache=True"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_floors_hold() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("adapters/errors.py", "import gateway.errors"),
        ("adapters/normal/usage.py", "from adapters import contract"),
        ("routing/types.py", "import adapters.errors"),
        ("routing/health.py", "import httpx"),
        ("gateway/config/schema.py", "import gateway.spine.way"),
        ("gateway/stranger.py", ""),
        (
            "adapters/openai/wire.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import routing.types",
        ),
    ],
)
def test_a_step_off_the_floor_is_caught(tmp_path: Path, file: str, line: str) -> None:
    for path in SOURCES:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    with (tmp_path / file).open("a") as open_file:
        open_file.write(f"\n{line}\n")
    done = _lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert " BROKEN" in done.stdout, done.stdout + done.stderr
