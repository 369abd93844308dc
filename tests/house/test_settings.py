"""No setting without a test that names it.

That a name stands in a test proves no effect; that it stands in none proves that
nobody has ever looked. Files of words only (the manual's, the schema's) do not count.
"""

import re
import typing
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from gateway.config.schema import Config
from gateway.config.section import Section
from tests.shared import ROOT

WORDS: Final = frozenset({"test_files.py", "test_document.py"})
"""Tests of the manual and of the schema: they name everything."""
TURNED: Final = "\n".join(
    path.read_text("utf-8")
    for place in ("flow", "faults", "gateway", "house")
    for path in sorted((ROOT / "tests" / place).rglob("*.py"))
    if path.name not in WORDS
)


def _sections(kind: Any) -> Iterator[type[Section]]:
    if isinstance(kind, type) and issubclass(kind, Section):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _sections(field.type)
    for part in typing.get_args(kind):
        yield from _sections(part)


SETTINGS: Final = sorted(
    {
        (section.__name__, field.name)
        for section in _sections(Config)
        for field in msgspec.structs.fields(section)
    }
)


@pytest.mark.parametrize(("section", "name"), SETTINGS)
def test_a_test_names_the_setting(section: str, name: str) -> None:
    del section
    assert re.search(rf"""["']{name}["']|\b{name}\s*[=:]""", TURNED)
