"""Laws of sketches."""

import base64
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.text import _OPTION, CAP, LONGEST, MARKS, VERSION, Reader, closed, opened

texts = st.text(max_size=300)


@given(texts)
def test_a_sketch_depends_on_the_text_alone(text: str) -> None:
    reader = Reader()
    first = reader.sketch(text)
    reader.sketch("other words, 17 of them?")
    assert reader.sketch(text) == first == Reader().sketch(text)


@given(texts)
def test_a_sketch_survives_a_record(text: str) -> None:
    sketch = Reader().sketch(text)
    back = opened(closed(sketch))
    assert (back.ids, back.counts) == (sketch.ids, sketch.counts)
    assert back.marks == pytest.approx(sketch.marks, rel=1e-5)
    assert len(sketch.ids) == 4 * len(sketch.counts)
    assert len(sketch.marks) == MARKS


@given(texts, texts)
def test_of_a_long_text_the_middle_does_not_matter(one: str, other: str) -> None:
    head, tail = "begin " * (CAP // 6), " final" * (CAP // 6)
    first = Reader().sketch(head + one + "x" * (300 - len(one)) + tail)
    second = Reader().sketch(head + other + "x" * (300 - len(other)) + tail)
    assert first == second


@given(st.text("aB(.): \n\r\t\x0b\x85\u2028", max_size=60))
def test_an_option_is_looked_for_within_its_line(text: str) -> None:
    found = [match.group() for match in _OPTION.finditer(text)]
    assert not any("\n" in option[:-1] for option in found)
    over_lines = re.compile(r"^\s*\(?[A-Ja-j][.):]\s", re.MULTILINE)
    assert len(found) == len(over_lines.findall(text))


@given(st.text(max_size=2 * CAP))
def test_no_text_has_more_features_than_it_has_signs(text: str) -> None:
    assert len(Reader().sketch(text).counts) <= 3 * min(len(text), CAP + 1) + 9


def test_what_is_said_once_fills_no_memory() -> None:
    reader = Reader()
    for i in range(50):
        reader.sketch(f"word{'x' * (LONGEST + i)} {'9' * (LONGEST + i)} common")
    assert sum(map(len, reader._words)) < 5 * LONGEST


def test_the_case_of_words_does_not_change_what_they_are() -> None:
    one, other = (
        Reader().sketch("Prove the Theorem"),
        Reader().sketch("prove THE theorem"),
    )
    assert one.ids == other.ids
    assert one.marks != other.marks


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("?", "damaged"),
        ("aGVsbG8=", "damaged"),
        (base64.b64encode(zlib.compress(b"\xff123")).decode(), "version"),
        (
            base64.b64encode(
                zlib.compress(bytes([VERSION]) + b"\x05\x00\x00abc")
            ).decode(),
            "damaged",
        ),
    ],
)
def test_what_is_no_sketch_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        opened(text)
