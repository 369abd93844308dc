"""Placeholders satisfy the schema they stand in for."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.echo.schema import example
from tests.adapters.echo.schemas import fits, schemas
from tests.harness.timing import at_most, timely

WORDS = """type properties required items enum anyOf allOf $ref minimum minItems
minLength maxLength multipleOf prefixItems uniqueItems format""".split()  # noqa: SIM905


@given(schemas)
def test_an_example_satisfies_its_schema(schema: dict[str, Any]) -> None:
    value = example(msgspec.json.encode(schema))
    assert fits(value, schema), value


def test_a_string_is_named_after_what_it_stands_for() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
        "required": ["city"],
    }
    assert example(msgspec.json.encode(schema)) == {"city": "city"}
    assert example(b'{"type":"string","format":"date"}') == "2026-01-01"


@pytest.mark.parametrize(
    "schema",
    [
        b"",
        b"{",
        b"[]",
        b"true",
        b"null",
        b'{"type":"object","required":[1,"a"],"properties":[]}',
        b'{"type":5,"enum":{},"anyOf":[3]}',
        b'{"$ref":"#"}',
        b'{"$ref":"https://example.com/schema"}',
        b'{"$ref":"#/nowhere/at/all"}',
        b'{"allOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]}',
        b'{"anyOf":[{"$ref":"#"}]}',
        b'{"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}}',
        b'{"type":"array","minItems":1000000000,"items":{"type":"string"}}',
        b'{"type":"array","minItems":50,"items":{"$ref":"#"}}',
        b'{"type":"string","minLength":1000000000}',
        b'{"type":"string","maxLength":-5}',
        b'{"type":"integer","minimum":1' + b"0" * 400 + b"}",
        b'{"type":"number","multipleOf":1e-300,"minimum":5}',
        b'{"type":"number","minimum":5,"maximum":1}',
        b"[" * 5000,
    ],
)
@timely
def test_a_hostile_schema_costs_little(schema: bytes) -> None:
    began = time.perf_counter()
    msgspec.json.encode(example(schema))
    at_most(0.5, time.perf_counter() - began)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(WORDS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_at_all_gives_some_example(schema: Any) -> None:
    msgspec.json.encode(example(msgspec.json.encode(schema)))
