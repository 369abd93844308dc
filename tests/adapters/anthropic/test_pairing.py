"""Calls of tools and their results, one to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.anthropic.pairing import paired
from adapters.errors import BadCall
from adapters.normal.content import Message, ToolResult, ToolUse

ids = st.sampled_from(["", "a", "a_2", "b"])
turns = st.lists(st.lists(ids, min_size=1, max_size=3), max_size=4)


def history(turns: list[list[str]]) -> tuple[Message, ...]:
    """Each turn's calls, and then their results in the same order."""
    out: list[Message] = []
    for names in turns:
        out.append(Message("assistant", tuple(ToolUse(id_, "f") for id_ in names)))
        out.append(Message("tool", tuple(ToolResult(id_) for id_ in names)))
    return tuple(out)


def called(messages: list[Message]) -> list[str]:
    return [p.id for m in messages for p in m.parts if isinstance(p, ToolUse)]


def answered(messages: list[Message]) -> list[str]:
    return [p.id for m in messages for p in m.parts if isinstance(p, ToolResult)]


@given(turns)
def test_every_call_has_an_id_of_its_own_and_its_result_the_same(
    turns: list[list[str]],
) -> None:
    messages = paired(history(turns), strict=True)
    calls = called(messages)
    assert all(calls)
    assert len({*calls}) == len(calls)
    assert answered(messages) == calls
    assert messages == paired(history(turns), strict=True), "every time"


@given(st.lists(st.uuids().map(str), unique=True, max_size=4))
def test_ids_that_differ_stay(names: list[str]) -> None:
    messages = history([[name] for name in names])
    assert tuple(paired(messages, strict=True)) == messages


@pytest.mark.parametrize(
    ("results", "told"),
    [(["a", "a"], "is answered already"), (["b"], "does not exist")],
)
def test_a_result_without_a_call_is_refused(results: list[str], told: str) -> None:
    call = Message("assistant", (ToolUse("a", "f"),))
    answers = Message("tool", tuple(ToolResult(id_) for id_ in results))
    with pytest.raises(BadCall, match=rf"messages\[1\]: .* {told}"):
        paired((call, answers), strict=True)
    assert len(paired((call, answers), strict=False)) == 2
