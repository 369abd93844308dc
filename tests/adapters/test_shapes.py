"""Sizes become the nearest shape that is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Unsupported
from adapters.shapes import nearest

KNOWN = ("1:1", "3:4", "4:3", "9:16", "16:9")


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ("", ""),
        ("auto", ""),
        ("1024x1024", "1:1"),
        ("1536x1024", "4:3"),
        ("1792x1024", "16:9"),
        ("1024x1792", "9:16"),
        ("16:9", "16:9"),
        ("21:9", "16:9"),
    ],
)
def test_a_size_has_a_shape(size: str, shape: str) -> None:
    assert nearest(size, KNOWN) == shape


@given(st.text(max_size=12))
def test_anything_else_is_refused(size: str) -> None:
    try:
        assert nearest(size, KNOWN) in ("", *KNOWN)
    except Unsupported as error:
        assert error.parameter == "size"
