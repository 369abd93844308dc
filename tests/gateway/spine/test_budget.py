"""The retry budget against the sentence that the configuration says of it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.deployments import Budget

STEPS = st.lists(
    st.tuples(st.sampled_from(["request", "retry"]), st.floats(0.0, 3.0)), max_size=120
)


@given(STEPS, st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.integers(0, 5))
def test_retries_are_a_share_of_the_requests_of_any_ten_seconds(
    steps: list[tuple[str, float]], ratio: float, least: int
) -> None:
    budget, now = Budget(ratio, least), 1000.0
    requests: list[float] = []
    retries: list[float] = []
    for what, passed in steps:
        now += passed
        if what == "request":
            requests.append(now)
            budget.request(now)
            continue
        long, short = ([at for at in retries if at > now - s] for s in (11.0, 10.0))
        shared = ratio * len([at for at in requests if at > now - 10.0])
        most = max(least, ratio * len([at for at in requests if at > now - 11.0]))
        granted = budget.take(now)
        if granted:
            retries.append(now)
            assert len(short) < most, "never more than the share, or the least"
        else:
            assert len(long) >= max(least, shared), "and never fewer"


def test_a_long_silence_forgets_everything() -> None:
    budget = Budget(0.0, 1)
    for now in (5.0, 5.0 + 1e6, 5.0 + 2e6):
        assert budget.take(now)
        assert not budget.take(now)
        assert not budget.take(now + 9.9)
