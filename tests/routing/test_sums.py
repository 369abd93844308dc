"""Laws of what tells how much there is to work out."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.sketch import MARKS
from routing.sums import FACTS, KINDS, NUMBERS, SEEN, SENTENCES, facts, kinds
from routing.text import Reader

TIES = MARKS - 2 * KINDS
BEGIN = TIES - FACTS
"""Of the facts among the marks."""
texts = st.text(max_size=300) | st.text("0123456789,./% $ab.?!A \n", max_size=300)


def told(text: str) -> list[float]:
    return list(Reader().sketch(text).marks[BEGIN:TIES])


def tied(text: str) -> list[float]:
    return list(Reader().sketch(text).marks[TIES:])


@given(texts)
def test_facts_are_numbers_of_no_great_size(text: str) -> None:
    found = told(text)
    assert len(found) == FACTS
    assert all(math.isfinite(n) and 0.0 <= n <= 100.0 for n in found)


@pytest.mark.parametrize("text", ["9" * 4000, "1," * 2000, "1 " * 2000, "a. " * 1400])
def test_no_prompt_is_too_much(text: str) -> None:
    assert len(told(text)) == FACTS
    parts = SENTENCES + 1
    assert told(text)[0] <= math.log1p(parts * NUMBERS)


@pytest.mark.parametrize("text", ["." * (SEEN - 1) + "x", "1" + "!" * (SEEN - 1) + "x"])
def test_signs_that_end_no_sentence_take_no_time(text: str) -> None:
    took = []
    for _ in range(5):
        began = time.perf_counter()
        facts(text, text, True, 0, [])
        took.append(time.perf_counter() - began)
    assert min(took) < 0.003


@pytest.mark.parametrize(
    ("one", "other", "fact"),
    [
        ("He has 3 pens.", "He has 3 pens and 4 cups.", 0),
        ("He has 3 pens.", "He has three pens and 4 cups.", 1),
        ("He has 30 pens.", "He has 3,000 pens.", 3),
        ("He pays 3 dollars.", "He pays 3.5 dollars.", 6),
        ("He eats 1 pie.", "He eats 1/2 pie.", 7),
        ("A part.", "20% of it.", 8),
        ("One more thing", "One more thing. And this.", 13),
        ("Ann went out", "Ann and Bob went out", 21),
        ("Why so?", "So how many are left?", 23),
    ],
)
def test_what_there_is_more_of_is_more(one: str, other: str, fact: int) -> None:
    assert told(one)[fact] < told(other)[fact]


def test_ways_of_telling_are_counted() -> None:
    calm, told = tied("we eat soup"), tied("if she has twice as many, then each")
    for word in ("if", "twice", "then", "each", "she"):
        (kind,) = [k for k in kinds(word) if k < KINDS - 3]
        assert calm[kind] == 0.0 < told[kind]


@given(st.text("ab c1.", max_size=50))
def test_of_a_long_text_the_middle_is_not_counted(middle: str) -> None:
    head, tail = "a 1. " * (SEEN // 10), " b 2." * (SEEN // 10)
    seen = head + "x" * 60 + tail
    other = head + middle + "x" * (60 - len(middle)) + tail
    assert facts(seen, "", True, 3, []) == facts(other, "", True, 3, [])
