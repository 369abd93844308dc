"""Thoughts inside a text are told apart wherever it is cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from adapters.openai.inline import Splitter

MARKS = st.sampled_from(["<think>", "</think>", "<", "think>", "\n", " ", "a", "</"])
TEXTS = st.lists(MARKS, max_size=12).map("".join)


def split(*pieces: str) -> tuple[str, str]:
    splitter = Splitter()
    found = [splitter.feed(piece) for piece in pieces] + [splitter.close()]
    return "".join(t for t, _ in found), "".join(s for _, s in found)


@given(TEXTS, st.data())
def test_cuts_change_nothing(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    ends = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(ends)]
    assert split(*pieces) == split(text)


@given(TEXTS)
def test_only_the_marks_and_lines_after_them_are_lost(text: str) -> None:
    start = text.lstrip()
    if not start.startswith("<think>"):
        assert split(text) == ("", text)
        return
    thoughts, _, said = start[7:].lstrip("\n").partition("</think>")
    assert split(text) == (thoughts, said.lstrip("\n"))
