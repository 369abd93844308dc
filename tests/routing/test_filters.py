"""Laws of the limits that a query is asked about."""

import tracemalloc
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from routing.filters import CHECKS, REGIONS, checks, is_within, limit
from routing.types import TIERS, Candidate, Query, Wishes

prices = st.none() | st.integers(0, 2_000_000)
areas = st.sampled_from(["", "eu", "us", "eu-west-1", "us-east-1", "*"])
tiers = st.none() | st.sampled_from(TIERS)
candidates = st.builds(
    Candidate,
    id=st.sampled_from(["a", "b"]),
    model=st.sampled_from(["openai/gpt", "groq/llama"]),
    input_price=prices,
    output_price=prices,
    max_input_tokens=st.none() | st.integers(1, 300),
    operations=st.sampled_from([frozenset({"chat"}), frozenset({"embed"})]),
    region=areas,
    tier=tiers,
)
wishes = st.builds(
    Wishes,
    max_cost=st.none() | st.sampled_from([0.0, 1e-4, 1.0]),
    pin=st.sampled_from(["", "a"]),
    regions=st.just(()) | st.tuples(areas),
    within=st.just(()) | st.tuples(st.tuples(areas)),
    tier=tiers,
)
queries = st.builds(
    Query,
    alias=st.just("x"),
    input_tokens=st.integers(0, 300),
    least_tokens=st.integers(0, 300),
    output_tokens=st.integers(0, 300),
    operation=st.sampled_from(["chat", "embed"]),
    wishes=wishes,
    may=st.none() | st.sampled_from([(), ("openai/*",)]),
)


@given(queries, candidates)
def test_what_is_not_asked_takes_nobody_out(query: Query, candidate: Candidate) -> None:
    asked = checks(query)
    assert limit(query, candidate, asked) == limit(query, candidate)
    assert list(asked) == [check for check in CHECKS if check in asked]


signs = st.text("eu-*?[]!1", max_size=12)


@given(signs, signs)
def test_an_area_is_a_name_or_a_pattern_or_a_part_of_the_world(
    place: str, area: str
) -> None:
    named = place == area or fnmatchcase(place, area)
    within = area in REGIONS and place.startswith(REGIONS[area])
    assert is_within(place, area) == (bool(place) and (named or within))


def test_areas_that_clients_make_up_fill_no_memory() -> None:
    grown = []
    tracemalloc.start()
    try:
        for begin in (0, 2000):
            for n in range(begin, begin + 2000):
                assert not is_within("eu-west-1", f"us-{n}*")
            grown.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert grown[1] - grown[0] < 200_000
