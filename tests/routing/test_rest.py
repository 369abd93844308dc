"""How long what fails is left alone: laws."""

from hypothesis import given
from hypothesis import strategies as st

from routing.strategies.rest import Rest

seconds = st.floats(0.01, 100.0)


@given(seconds, seconds, st.integers(1, 60))
def test_what_always_fails_is_asked_less_and_less(
    first: float, most: float, times: int
) -> None:
    rest, now, before = Rest(first, most), 0.0, 0.0
    for _ in range(times):
        took = rest.begin("a", "late", now)
        assert before <= took <= max(first, most)
        assert took == first if not before else took in (2 * before, max(first, most))
        assert rest.holds("a", now)
        now, before = now + took * 1.001, took
        assert not rest.holds("a", now)
    assert rest.count == times


@given(seconds, st.integers(1, 20))
def test_what_did_well_or_is_another_starts_again(first: float, times: int) -> None:
    for others in ("a", "b"):
        rest = Rest(first, 1e9)
        for _ in range(times):
            rest.begin("a", "late", 0.0)
        if others == "a":
            rest.well()
        else:
            assert not rest.holds("b", 0.0)
        assert rest.begin(others, "late", 0.0) == first
        assert rest.holds(others, 0.0)
