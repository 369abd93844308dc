"""What a judge is shown, and what is taken from its reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.lab.judging import MOST, asked, drawn, read_score


@given(st.integers(0, 100))
def test_a_bare_number_is_a_score(number: int) -> None:
    for reply in (f"{number}", f" {number}\n", f"{number}/100", f"{number}."):
        assert read_score(reply) == number / 100


@pytest.mark.parametrize(
    "reply", ["", "101", "-1", "ten", "score: 100", "50 or 60", "1000", "5.5", "100%!"]
)
def test_nothing_else_is(reply: str) -> None:
    assert read_score(reply) is None


@given(st.text())
def test_an_answer_cannot_end_its_own_mark(answer: str) -> None:
    first = asked("m", "", "q", answer)["messages"][1]["content"]
    second = asked("m", "", "q", answer)["messages"][1]["content"]
    assert first != second
    assert answer[:MOST] in first


@given(st.text(), st.floats(0, 1))
def test_a_sample_grows_with_its_share(id: str, share: float) -> None:
    assert drawn(id, share) == drawn(id, share)
    assert drawn(id, 1.0)
    assert not drawn(id, 0.0)
    if drawn(id, share / 2):
        assert drawn(id, share)
