"""`configs/`: the manual is complete, the schema current, every file usable."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import describe
from gateway.config.document import Document, parse
from gateway.config.hints import section_of
from gateway.config.load import load, loads
from gateway.config.schema import Config, Rates, Service, Tier
from gateway.config.section import Section
from tests.shared import ROOT

CONFIGS = ROOT / "configs"
EXAMPLES = re.compile(r"^(\s*)#: ?", re.MULTILINE)


def with_examples() -> str:
    """The reference with its examples in place, instead of the defaults above them."""
    lines: list[str] = []
    for line in (CONFIGS / "reference.yaml").read_text().splitlines():
        plain = EXAMPLES.sub(r"\1", line)
        key = plain.split(":")[0]
        last = lines[-1] if lines else ""
        if (
            plain != line
            and last.split(":")[0] == key
            and not key.strip().startswith("#")
        ):
            lines.pop()
        lines.append(plain)
    return "\n".join(lines) + "\n"


def shown(document: Document) -> dict[type[Section], list[dict[str, Any]]]:
    """Every section of the reference and the mappings that show it."""
    found: dict[type[Section], list[dict[str, Any]]] = {}

    def visit(section: type[Section], value: dict[str, Any]) -> None:
        found.setdefault(section, []).append(value)
        for field in msgspec.structs.fields(section):
            inner, item = section_of(field.type), value.get(field.encode_name)
            if inner is None or item is None:
                continue
            text = str(field.type)
            one = item if isinstance(item, list) else [item]
            if "dict[" in text:
                one = list(item.values())
            for each in one:
                visit(inner, each)

    visit(Config, document.value)
    return found


def test_the_reference_is_the_defaults() -> None:
    assert load(CONFIGS / "reference.yaml", {}).config == Config()


def test_the_reference_names_every_field_in_order() -> None:
    found = shown(parse(with_examples(), "reference.yaml"))
    missing = []
    for section, values in found.items():
        names = [f.encode_name for f in msgspec.structs.fields(section)]
        fullest = max(values, key=len)
        missing += [
            f"{section.__name__}.{n}"
            for n in names
            if n not in fullest and (section.__name__, n) not in INHERITED
        ]
        assert list(fullest) == [n for n in names if n in fullest], section
    assert missing == []
    assert set(found) == every_section(Config)


INHERITED: set[tuple[str, str]] = {
    (section.__name__, field)
    for section in (Tier, Service)
    for field in (*Rates.__struct_fields__, "tiers")
}
"""Told where they are told first."""


def every_section(section: type[Section]) -> set[type[Section]]:
    out = {section}
    for field in msgspec.structs.fields(section):
        inner = section_of(field.type)
        if inner is not None:
            out |= every_section(inner)
    return out


def test_the_examples_in_the_reference_are_right() -> None:
    loaded = loads(with_examples(), "reference.yaml", {}, demand=False)
    smart = loaded.config.models["smart"]
    assert smart.hedge is not None
    assert smart.retries == loaded.config.retries
    assert smart.timeouts == loaded.config.timeouts


def test_every_field_of_the_reference_has_a_comment_or_speaks_for_itself() -> None:
    text = (CONFIGS / "reference.yaml").read_text()
    assert text.count("\n# ") > 15
    assert all(len(line) <= 90 for line in text.splitlines())


def test_the_schema_is_current() -> None:
    assert (CONFIGS / "schema.json").read_text() == describe.text(), (
        "run: routeiq schema -o configs/schema.json --force"
    )


def test_the_schema_says_what_the_source_says() -> None:
    schema = json.loads(describe.text())
    parts = schema["$defs"]
    assert set(parts) == {s.__name__ for s in every_section(Config)}
    for section in every_section(Config):
        part = parts[section.__name__]
        assert part["additionalProperties"] is False
        assert list(part["properties"]) == [
            f.encode_name for f in msgspec.structs.fields(section)
        ]
    assert (
        parts["Timeouts"]["properties"]["idle_s"]["description"]
        == "Between two pieces of a streamed answer."
    )
    port = parts["Server"]["properties"]["port"]
    assert port["anyOf"][0] == {"type": "integer", "minimum": 0, "maximum": 65535}
    assert port["default"] == 4000


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda p: p.name)
def test_every_file_can_be_used_with_no_key_at_all(file: Path) -> None:
    assert load(file, {}).notes == []


def test_the_minimal_file_is_every_default() -> None:
    assert load(CONFIGS / "minimal.yaml", {}).config == Config()
