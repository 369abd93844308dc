"""How much one key can weigh."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.learning.votes import SHARE_OF_OTHERS, weight


@given(
    st.integers(1, 200),
    st.lists(st.floats(0, 50), max_size=300),
)
def test_a_key_never_weighs_twice_what_it_may(full: int, steps: list[float]) -> None:
    others = total = 0.0
    for n, more in enumerate(steps, 1):
        others += more
        counts = weight(n, others, full)
        assert 0.0 <= counts <= 1.0
        total += counts
    assert total <= 2 * max(full, SHARE_OF_OTHERS * others)


@given(st.integers(1, 10**6), st.floats(0, 1e6), st.integers(1, 1000))
def test_a_later_score_never_counts_more(n: int, others: float, full: int) -> None:
    assert weight(n + 1, others, full) <= weight(n, others, full)
    assert weight(n, others + 1, full) >= weight(n, others, full)


def test_a_hundred_thousand_false_scores_weigh_less_than_two_hundred() -> None:
    assert sum(weight(n, 0.0, 100) for n in range(1, 100_001)) < 200
