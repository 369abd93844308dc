import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gateway.config.document import MAX_BYTES, decode, parse, scalar
from gateway.config.problem import ConfigError, Spot


def problems(text: str) -> list[tuple[int, int, str]]:
    try:
        found = parse(text, "f.yaml").problems
    except ConfigError as error:
        found = error.problems
    return [(p.line, p.column, p.message) for p in found]


def only(text: str) -> str:
    (problem,) = problems(text)
    return f"{problem[0]}:{problem[1]} {problem[2]}"


def test_values_are_those_of_yaml_1_2() -> None:
    text = """
a: {i: 12, neg: -3, big: 10_000, hex: 0x1F, oct: 0o17, lead: 017, f: 2.5, e: 1e3}
b: [true, False, yes, on, ~, null, "12", '', 2024-01-01]
c: |
  two
  lines
"""
    document = parse(text, "f")
    assert document.problems == []
    assert document.value == {
        "a": {
            "i": 12,
            "neg": -3,
            "big": 10000,
            "hex": 31,
            "oct": 15,
            "lead": 17,
            "f": 2.5,
            "e": 1000.0,
        },
        "b": [True, False, "yes", "on", None, None, "12", "", "2024-01-01"],
        "c": "two\nlines\n",
    }


def test_every_key_and_value_knows_its_place() -> None:
    document = parse("a:\n  - b: 1\n    c:\n      d: x\n", "f")
    assert document.keys["a",] == Spot("f", 1, 1)
    assert document.spots["a", 0, "b"] == Spot("f", 2, 8)
    assert document.keys["a", 0, "c"] == Spot("f", 3, 5)
    assert document.spots["a", 0, "c", "d"] == Spot("f", 4, 10)
    assert document.spot(("a", 0, "c", "nowhere", 3)) == Spot("f", 4, 7)


def test_anchors_aliases_and_merge_keys_work() -> None:
    text = """
x: &x {a: 1, b: 2}
y: &y {b: 3, c: 4}
one: {<<: *x, b: 9}
many: {<<: [*x, *y]}
deep: &deep {<<: *y, d: 5}
deeper: {<<: *deep}
same: *x
"""
    value = parse(text, "f").value
    assert value["one"] == {"a": 1, "b": 9}
    assert value["many"] == {"a": 1, "b": 2, "c": 4}
    assert value["deeper"] == {"b": 3, "c": 4, "d": 5}
    assert value["same"] == {"a": 1, "b": 2}


def test_a_mistake_in_a_merged_mapping_is_shown_where_it_stands() -> None:
    document = parse("x: &x\n  wrng: 1\ny:\n  <<: *x\n", "f")
    assert document.keys["y", "wrng"] == Spot("f", 2, 3)


def test_only_mappings_merge() -> None:
    assert "only mappings merge" in only("x: &x 1\ny: {<<: *x}\n")


def test_a_key_given_twice_is_told_with_both_lines() -> None:
    document = parse("a: 1\nb: 2\na: 3\n", "f")
    (problem,) = document.problems
    assert (problem.line, problem.column) == (3, 1)
    assert "line 1" in problem.hint
    assert document.value == {"a": 1, "b": 2}


def test_an_anchor_given_twice_is_legal() -> None:
    assert parse("a: &x 1\nb: &x 2\nc: *x\n", "f").value["c"] == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:\n\tb: 1\n", "2:1"),
        ("a: [1, 2\nb: 3\n", "2:"),
        ("a: b: c\n", "1:5"),
        ("a: *nope\n", "1:4"),
        ('a: "open\n', "2:1"),
        ("a: 1\n b: 2\n", "2:"),
        ("- a\nb: 1\n", "2:1"),
        ("a: 1\n---\nb: 2\n", "2:1"),
        ("a: \x01\n", "1:4"),
        ("*/x: 1\n", "1:"),
        ("%YAML 9.9 x\n---\na: 1\n", "1:"),
        ("a: !!python/object:os.system x\n", "1:4"),
        ("a: !custom x\n", "1:4"),
        ("? [1, 2]\n: 3\n", "1:3"),
        ("? {a: 1}\n: 3\n", "1:3"),
        ("a: .inf\n", "1:4"),
        ("a: .nan\n", "1:4"),
        ("a: " + "9" * 5000 + "\n", "1:4"),
        ("a: 1e999\n", "1:4"),
        ("a: 0o\n", ""),
        ("\ufffe", ""),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str, place: str) -> None:
    found = problems(text)
    if place:
        assert found, "no problem"
        line, column, _ = found[0]
        assert f"{line}:{column}".startswith(place)


def test_a_tab_is_told_in_plain_words() -> None:
    with pytest.raises(ConfigError, match="a tab where YAML wants spaces"):
        parse("a:\n\tb: 1\n", "f")


def test_a_bomb_of_aliases_is_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(ConfigError, match="more than"):
        parse("\n".join(lines), "f")


def test_a_bomb_of_merges_is_stopped() -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [
        f"a{i}: &a{i} {{p: *a{i - 1}, q: *a{i - 1}, <<: *a{i - 1}}}"
        for i in range(1, 40)
    ]
    with pytest.raises(ConfigError, match=r"more than|too deeply"):
        parse("\n".join(lines), "f")


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: &a {<<: *a}"])
def test_an_alias_that_contains_itself_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="contains itself"):
        parse(text, "f")


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{a: " * 3000, "- " * 3000, "a: [" + "[" * 99]
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, "f")


def test_bytes_that_are_no_utf_8_are_told_with_their_place() -> None:
    with pytest.raises(ConfigError) as caught:
        decode(b"a: 1\nb: \xff\n", "f")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 4)


def test_a_byte_order_mark_is_no_matter() -> None:
    assert decode(b"\xef\xbb\xbfa: 1", "f") == "a: 1"


def test_a_huge_file_is_refused_before_it_is_read_as_yaml() -> None:
    with pytest.raises(ConfigError, match="larger than"):
        decode(b" " * (MAX_BYTES + 1), "f")


def test_a_scalar_becomes_what_yaml_makes_of_it() -> None:
    assert scalar("8") == 8
    assert scalar("true") is True
    assert scalar("2.5") == 2.5
    assert scalar("x: y: [") == "x: y: ["
    assert scalar("[1]") == "[1]"
    assert scalar(".inf") == ".inf"


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        parse(text, "f")
    except ConfigError as error:
        assert str(error)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        parse(decode(data, "f"), "f")
    except ConfigError as error:
        assert str(error)


SIMPLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text("ab #-1~", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), SIMPLE, max_size=4))
def test_what_ruamel_writes_is_read_back(value: dict[str, object]) -> None:
    out = io.StringIO()
    YAML(typ="safe", pure=True).dump(value, out)
    assert parse(out.getvalue(), "f").value == value
