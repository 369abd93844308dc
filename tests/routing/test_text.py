"""Laws of sketches."""

import base64
import math
import re
import tracemalloc
import zlib
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.sketch import MARKS, VERSION, Sketch, closed, opened
from routing.text import _OPTION, CAP, Reader
from routing.words import LONGEST, Words

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
    found = _OPTION.findall("\n" + text)
    assert not any("\n" in option[1:] for option in found)
    over_lines = re.compile(r"^\s*\(?[A-Ja-j][.):]\s", re.MULTILINE)
    assert len(found) == len(over_lines.findall(text))


@given(st.text(max_size=2 * CAP))
def test_no_text_has_more_features_than_it_has_signs(text: str) -> None:
    assert len(Reader().sketch(text).counts) <= 3 * min(len(text), CAP + 1) + 9


def test_what_is_said_once_fills_no_memory() -> None:
    known = Words()
    for i in range(50):
        said = known.split(
            f"word{'x' * (LONGEST + i)} {'9' * (LONGEST + 1 + i)} common"
        )
        known.of(said)
    assert list(known._parts) == list(known._kept) == ["common"]


@given(st.lists(texts, max_size=9))
def test_what_was_forgotten_is_learned_again(some: list[str]) -> None:
    reader = Reader()
    reader._words = Words(3)
    for text in some:
        assert reader.sketch(text) == Reader().sketch(text)
        assert reader.bag(text) == Reader().bag(text)
        assert max(map(len, _kept(reader._words))) <= 3


def _kept(known: Words) -> list[dict[str, Any]]:
    return [known._parts, known._kept, known._first, known._own]


def test_what_is_forgotten_takes_no_memory() -> None:
    known = Words(100)
    grown = []
    tracemalloc.start()
    try:
        for begin in range(0, 20_000, 10_000):
            for n in range(begin, begin + 10_000):
                known.of(known.split(f"{chr(0x4E00 + n)}{chr(0x4E01 + n)}"))
            grown.append(tracemalloc.get_traced_memory()[0])
            assert len(known._same) <= 100 + LONGEST
    finally:
        tracemalloc.stop()
    assert grown[1] - grown[0] < 100_000


@given(st.text("aB1_-.\xe9\u0663 \n\x1c\x85", max_size=60))
def test_words_are_told_apart_by_their_signs_alone(text: str) -> None:
    said = Words().split(text)
    assert "".join(said) == "".join(text.split())
    for word in said:
        assert word.isalnum() or len(word) == 1 or set(word) == {"_"}
        assert word.isdecimal() or not any(map(str.isdecimal, word))


def test_a_version_stands_for_the_same_features() -> None:
    """Of other features, artifacts and records must not be taken for these."""
    text = "How many pens (3,000 or 1/2)?\n A. twelve  B. \xdcber_all 20% ```x = 7```\n"
    sketch = Reader().sketch(text * 60)
    ids = sorted(zip(array("I", sketch.ids), sketch.counts, strict=True))
    said = repr((ids, [round(mark, 4) for mark in sketch.marks]))
    assert (VERSION, zlib.crc32(said.encode())) == (3, 1871342746)


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"ids": array("I", [1 << 18]).tobytes()},
        {"counts": b"\0"},
        {"marks": (math.nan,) * MARKS},
        {"marks": (math.inf,) * MARKS},
    ],
    ids=["bucket", "count", "nan", "inf"],
)
def test_a_sketch_that_no_prompt_has_is_refused(wrong: dict[str, Any]) -> None:
    good = Sketch(array("I", [7]).tobytes(), b"\1", (0.5,) * MARKS)
    assert opened(closed(good)) == good
    with pytest.raises(ValueError, match="damaged"):
        opened(closed(msgspec.structs.replace(good, **wrong)))
