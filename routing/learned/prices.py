"""What was learned in dollars of one day, in dollars of another."""

from typing import Final

import msgspec

from routing.filters import expected
from routing.types import Candidate, Query

PICO_PER_MILLIONTH: Final = 1e6
"""Pico-dollars a token in a dollar per million tokens."""
_PICO: Final = 1e12


class Rates(msgspec.Struct, frozen=True):
    """US dollars per million tokens."""

    input: float
    output: float


def repriced(dollars: float, then: Rates, query: Query, candidate: Candidate) -> float:
    """What a call costs at the candidate's price that would have cost `dollars` at the
    rates of `then`. The query says how much of it is the prompt's part, the rest pays
    for the answer. Unchanged where the candidate's price is unknown."""
    now = _rates(candidate)
    if now is None or now == then:
        return dollars
    prompt = query.input_tokens * then.input / 1e6
    if not then.input and not then.output:  # it was free: how long it is, who knows
        free = expected(query, candidate)
        return dollars if free is None else free / _PICO
    if not then.output:
        answer = query.output_tokens * now.output / 1e6
        return dollars * now.input / then.input + answer
    prompt = min(prompt, dollars)
    read = query.input_tokens * now.input / 1e6
    if then.input:
        read = prompt * now.input / then.input
    return read + (dollars - prompt) * now.output / then.output


def _rates(candidate: Candidate) -> Rates | None:
    if candidate.input_price is None or candidate.output_price is None:
        return None
    return Rates(
        candidate.input_price / PICO_PER_MILLIONTH,
        candidate.output_price / PICO_PER_MILLIONTH,
    )
