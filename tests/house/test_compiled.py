"""What may be compiled: nothing that mypyc is known to make something else of.

Each rule is of something that was seen to go wrong in a compiled gateway, and to go
wrong silently, or not before it is reached. What mypyc refuses by itself, and what the
runtime checks of compiled code find wherever a test goes, needs no rule.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house.project import pyproject
from tests.house.sources import WINGS, modules, tree
from tests.shared import ROOT

DEPLOY: Final = ROOT / "deploy"
NAMES: Final = (DEPLOY / "compiled.txt").read_text("utf-8").split()
COMPILED: Final = [ROOT / name for name in NAMES]

WAITS: Final = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom)


def test_the_list_names_modules_each_once_in_order() -> None:
    assert sorted(set(NAMES)) == NAMES
    assert set(COMPILED) <= set(modules(*WINGS))


def test_what_compiles_is_what_is_locked() -> None:
    hook = (DEPLOY / "compiled.py").read_text("utf-8")
    (tools,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(hook).body
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.target) == "TOOLS"
        and node.value is not None
    )
    locked = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    assert {tool.partition("==")[0] for tool in tools} == {"mypy", "setuptools"}
    for tool in tools:
        assert f"\n{tool} \\\n" in locked, tool


def test_code_that_mypy_takes_to_be_out_of_reach_is_told() -> None:
    """A test of an attribute holds for mypy whatever is called after it; the branch
    that it rules out is left out of what is compiled."""
    mypy = pyproject()["tool"]["mypy"]
    assert mypy["warn_unreachable"] is True
    spared = {name for part in mypy["overrides"] for name in part["module"]}
    assert spared.isdisjoint(_dotted(path) for path in COMPILED)


def test_every_rule_finds_what_it_is_for() -> None:
    for rule, text in {
        _lost: "async def f():\n try: g()\n finally: await h()",
        _narrowed: "def f(s):\n if s.a is None:\n  s.g()\n  return s.a",
        _foreign: "class A(Struct, frozen=True): ...",
    }.items():
        assert [*rule(ast.parse(text))], rule
    exits = "async def f():\n async with g(): h()"
    early = "def f(s):\n if s.a is not None: return\n s.g()\n return s.a"
    assert [*_lost(ast.parse(exits))]
    assert [*_narrowed(ast.parse(early))]
    fine = (
        "async def f(s):\n try: await g()\n except E: h()\n if s.a is None: return s.a"
    )
    assert not [*_lost(ast.parse(fine)), *_narrowed(ast.parse(fine))]


@pytest.mark.parametrize("path", COMPILED, ids=NAMES)
def test_no_error_is_on_its_way_where_something_is_awaited(path: Path) -> None:
    """mypyc keeps no error over an `await`: it is lost, and the code goes on."""
    assert not [*_lost(tree(path))]


@pytest.mark.parametrize("path", COMPILED, ids=NAMES)
def test_no_attribute_is_taken_to_be_none_after_a_call(path: Path) -> None:
    """mypy knows of no call that changes it, and mypyc checks that it did not."""
    assert not [*_narrowed(tree(path))]


@pytest.mark.parametrize("path", COMPILED, ids=NAMES)
def test_no_class_is_one_that_another_library_makes(path: Path) -> None:
    """Classes with keywords, a metaclass or weak references are none of mypyc's."""
    assert not [*_foreign(tree(path))]


def test_nothing_interpreted_inherits_from_a_compiled_class() -> None:
    classes = {
        f"{_dotted(path)}.{node.name}"
        for path in COMPILED
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and "Protocol" not in map(_text, node.bases)
    }
    found = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in set(modules(*WINGS)) - set(COMPILED)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if _imported(path).get(_text(base), _text(base)) in classes
    ]
    assert not found


def _lost(module: ast.Module) -> Iterator[int]:
    """Lines where something is awaited while an error may be on its way."""
    for node in ast.walk(module):
        inside: list[ast.stmt] = []
        if isinstance(node, ast.Try):
            inside = [*node.finalbody, *(s for h in node.handlers for s in h.body)]
        elif isinstance(node, ast.AsyncWith):
            yield node.lineno
        elif isinstance(node, ast.AsyncFunctionDef):
            yield from (n.lineno for n in ast.walk(node) if isinstance(n, ast.Yield))
        for statement in inside:
            yield from (n.lineno for n in ast.walk(statement) if isinstance(n, WAITS))


def _narrowed(module: ast.Module) -> Iterator[str]:
    """Attributes that were `None`, and are read again behind a call."""
    for node in ast.walk(module):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if not isinstance(block, list):
                continue
            for place, statement in enumerate(block):
                if not isinstance(statement, ast.If | ast.While):
                    continue
                for name in _none_where(statement.test, holds=True):
                    yield from _read_again(name, statement.body)
                leaves = (ast.Return, ast.Raise, ast.Continue, ast.Break)
                if isinstance(statement.body[-1], leaves):
                    for name in _none_where(statement.test, holds=False):
                        yield from _read_again(name, block[place + 1 :])


def _none_where(test: ast.expr, *, holds: bool) -> Iterator[str]:
    """Attributes that are `None` where the test holds, or where it does not."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is holds:
        for value in test.values:
            yield from _none_where(value, holds=holds)
    elif (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Attribute)
        and isinstance(test.ops[0], ast.Is if holds else ast.IsNot)
        and ast.unparse(test.comparators[0]) == "None"
    ):
        yield ast.unparse(test.left)


def _read_again(name: str, block: list[ast.stmt]) -> Iterator[str]:
    called = False
    for statement in block:
        inside = [*ast.walk(statement)]
        same = [
            node
            for node in inside
            if isinstance(node, ast.Attribute) and ast.unparse(node) == name
        ]
        called = called or any(isinstance(node, ast.Call) for node in inside)
        if called:
            yield from (
                f"{name} in line {node.lineno}"
                for node in same
                if isinstance(node.ctx, ast.Load)
            )
        if any(isinstance(node.ctx, ast.Store) for node in same):
            return


def _foreign(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef) and (
            node.keywords or "msgspec.Struct" in map(_text, node.bases)
        ):
            yield node.name
        if isinstance(node, ast.Constant) and node.value == "__weakref__":
            yield "__weakref__"


def _imported(path: Path) -> dict[str, str]:
    """Local name -> dotted name, of what is imported by name."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _text(node: ast.expr) -> str:
    return ast.unparse(node)
