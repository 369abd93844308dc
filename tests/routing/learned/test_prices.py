"""Laws of dollars learned at one price and spent at another."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.lab.lines import read_lines, write_lines
from routing.lab.table import TableError, read
from routing.lab.train import Trained
from routing.learned.model import Model
from routing.learned.prices import Rates, repriced
from routing.strategies.estimates import estimates
from routing.types import Candidate, Query

pico = st.integers(0, 10**9)
"""Pico-dollars a token: up to 1000 dollars a million."""
counts = st.integers(0, 10**5)
dollars = st.floats(0.0, 100.0)


def _candidate(input: int | None, output: int | None, id: str = "a") -> Candidate:
    return Candidate(
        id=id, model="openai/large", input_price=input, output_price=output
    )


def _rates(input: int, output: int) -> Rates:
    return Rates(input / 1e6, output / 1e6)


@st.composite
def calls(draw: st.DrawFn) -> tuple[float, int, int, Query]:
    """What a call cost at which pico-dollars."""
    query = Query(alias="a", input_tokens=draw(counts), output_tokens=draw(counts))
    return draw(dollars), draw(pico), draw(pico), query


@given(calls())
def test_at_the_same_price_nothing_changes(call: tuple[float, int, int, Query]) -> None:
    cost, input, output, query = call
    assert repriced(cost, _rates(input, output), query, _candidate(input, output)) == (
        cost
    )


@given(calls(), st.integers(1, 50))
def test_so_many_times_the_price_is_so_many_times_the_cost(
    call: tuple[float, int, int, Query], times: int
) -> None:
    cost, input, output, query = call
    if not input + output:
        input = 1
    there = _candidate(times * input, times * output)
    found = repriced(cost, _rates(input, output), query, there)
    assert found == pytest.approx(times * cost, rel=1e-6, abs=1e-12)


@given(calls(), pico, pico, st.integers(0, 10**6), st.integers(0, 10**6))
def test_who_raises_a_price_never_seems_cheaper(
    call: tuple[float, int, int, Query], input: int, output: int, more: int, other: int
) -> None:
    cost, was_input, was_output, query = call
    if not was_input + was_output:
        was_input = 1
    then = _rates(was_input, was_output)
    low = _candidate(input, output)
    high = _candidate(input + more, output + other)
    cheaper = repriced(cost, then, query, low)
    assert cheaper >= 0.0
    assert repriced(cost, then, query, high) >= cheaper * (1 - 1e-9)


@given(calls(), st.sampled_from([(None, 1), (1, None), (None, None)]))
def test_without_a_price_nothing_changes(
    call: tuple[float, int, int, Query], unknown: tuple[int | None, int | None]
) -> None:
    cost, input, output, query = call
    assert repriced(cost, _rates(input, output), query, _candidate(*unknown)) == cost


def test_the_answer_is_what_the_prompt_does_not_cost() -> None:
    # 1,000 tokens at $1 and 500 at $4 a million; now $2 and $12.
    query = Query(alias="a", input_tokens=1000, output_tokens=9999)
    there = _candidate(2_000_000, 12_000_000)
    found = repriced(0.003, Rates(1.0, 4.0), query, there)
    assert found == pytest.approx(0.002 + 0.006)
    # It was free: what is allowed is all that is known.
    free = repriced(1e-9, Rates(0.0, 0.0), query, there)
    assert free == pytest.approx(0.002 + 9999 * 12e-6)


def test_one_model_at_two_prices_is_told_apart(trained: Trained) -> None:
    model = Model(trained.artifact)
    query = Query(alias="a", input_tokens=100, output_tokens=100)
    there = [
        _candidate(2_000_000, 4_000_000, "dear"),
        _candidate(1_000_000, 2_000_000, "cheap"),
        _candidate(0, 0, "free"),
        _candidate(None, None, "unknown"),
    ]
    said = np.full(3, 0.5, np.float32)
    found = estimates(model, query, there, said, said)
    assert [e.cost for e in found] == [1.0, 0.5, 0.0, 0.5]
    for candidate in there:
        (alone,) = estimates(model, query, [candidate], said, said)
        assert alone.cost == 0.5


def test_a_table_says_what_models_cost_and_need_not(tmp_path: Path) -> None:
    head = '{"dataset": "t", "models": ["a", "b"]%s}\n'
    row = '{"prompt": "p", "scores": [1, 0], "cost_usd": [0.1, 0.2]}\n'
    path = tmp_path / "t.jsonl"
    path.write_text(head % ', "prices": {"a": {"input": 1, "output": 2.5}}' + row)
    assert read(path).prices == {"a": Rates(1, 2.5)}
    lines = read_lines(path)
    write_lines(path, lines.name, lines.models, lines.lines, lines.prices)
    assert read(path).take(np.array([0])).prices == {"a": Rates(1, 2.5)}
    path.write_text(head % "" + row)
    assert read(path).prices == {}
    path.write_text(head % ', "prices": {"a": {"input": -1, "output": 2.5}}' + row)
    with pytest.raises(TableError, match="the price of a is none"):
        read(path)
