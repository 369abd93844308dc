"""Changing one field of a JSON object, everything else byte for byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.envelope import fields, replace, splice
from adapters.errors import BadCall

SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.just("model"), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=5)


@given(OBJECTS, st.text(), st.text(), st.booleans(), st.booleans())
def test_only_the_named_field_changes(
    rest: dict[str, Any], old: str, new: str, ascii_only: bool, first: bool
) -> None:
    given_ = {"model": old, **rest} if first else {**rest, "model": old}
    old = given_["model"] if isinstance(given_["model"], str) else old
    given_["model"] = old
    body = json.dumps(given_, ensure_ascii=ascii_only).encode()
    spliced = splice(body, b"model", old, new)
    assert json.loads(spliced) == {**given_, "model": new}


@given(OBJECTS, st.text(min_size=1))
def test_members_can_be_added_on_the_way(rest: dict[str, Any], new: str) -> None:
    given_ = {**rest, "model": "alias"}
    given_.pop("extra", None)
    body = json.dumps(given_).encode()
    spliced = splice(body, b"model", "alias", new, add=b'"extra":{"a":1}')
    assert json.loads(spliced) == {**given_, "model": new, "extra": {"a": 1}}


def test_numbers_and_escapes_keep_their_bytes() -> None:
    body = b'{ "model" : "a","x":1.0,"y":1e3,"z":"\\u00e9\\/", "w":[ 1 ]}'
    assert splice(body, b"model", "a", "b") == body.replace(b' : "a"', b':"b"')


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","mod\\u0065l":"a"}',
        b'{"mod\\u0065l":"a","model":"a"}',
        b'{"mod\\u0065l":"a","x":{"model":"a"}}',
        b'{"model":"zzz","model":"a"}',
        b'{"\\u006dodel":"a","messages":[{"model":"a"}]}',
    ],
)
def test_a_hidden_model_cannot_pass_by(body: bytes) -> None:
    out = splice(body, b"model", "a", "b")
    pairs = json.loads(out, object_pairs_hook=list)
    assert [v for k, v in pairs if k == "model"] == ["b"]


def test_replace_sets_and_drops() -> None:
    out = replace(b'{"a":1.0,"b":2}', {"c": b"[3]"}, frozenset({"b"}))
    assert out == b'{"a":1.0,"c":[3]}'


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"nul", b'{"a":}', b"\xff"])
def test_what_is_no_object_is_a_bad_call(body: bytes) -> None:
    with pytest.raises(BadCall):
        fields(body)
