"""The state machine of a deployment's health, with the clock in hand."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from routing.health import Health, Limits

LIMITS = Limits(failures=3, open_s=10.0, open_max_s=40.0)


class Machine(RuleBasedStateMachine):
    """Any sequence of outcomes leaves a named state, and every pause ends."""

    def __init__(self) -> None:
        super().__init__()
        self.health = Health(LIMITS)
        self.now = 100.0
        self.under_way = 0

    @rule(seconds=st.floats(0.0, 30.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.health.blocked(self.now))
    @rule()
    def an_attempt_begins(self) -> None:
        self.health.begin(self.now)
        self.under_way += 1

    @precondition(lambda self: self.under_way)
    @rule(latency=st.floats(0.001, 5.0))
    def one_succeeds(self, latency: float) -> None:
        self.health.end()
        self.health.succeeded(self.now, latency)
        self.under_way -= 1
        assert self.health.state == "closed"

    @precondition(lambda self: self.under_way)
    @rule()
    def one_fails(self) -> None:
        self.health.end()
        self.health.failed(self.now)
        self.under_way -= 1

    @precondition(lambda self: self.under_way)
    @rule()
    def one_is_cut_off(self) -> None:
        self.health.end()
        self.under_way -= 1

    @rule(seconds=st.floats(0.0, 60.0))
    def it_is_cooled(self, seconds: float) -> None:
        before = self.health.cooldown_until
        self.health.cool(self.now, seconds, "rate_limited")
        assert self.health.cooldown_until >= before

    @invariant()
    def the_state_has_a_name(self) -> None:
        assert self.health.state in {"closed", "open", "half_open"}
        assert self.health.in_flight == self.under_way

    @invariant()
    def every_pause_ends(self) -> None:
        if not self.under_way:
            assert self.health.blocked(self.now + 1000.0) == ""
        if self.health.blocked(self.now) in {"cooldown", "breaker"}:
            later = self.now + self.health.back_in(self.now) + 0.001
            assert self.health.blocked(later) != self.health.blocked(self.now) or (
                self.health.probing
            )


TestMachine = Machine.TestCase


def test_one_probe_at_a_time_passes_a_half_open_breaker() -> None:
    health = Health(LIMITS)
    for _ in range(3):
        health.begin(0.0)
        health.end()
        health.failed(0.0)
    assert health.blocked(9.9) == "breaker"
    assert health.blocked(10.0) == ""
    health.begin(10.0)
    assert health.blocked(10.0) == "breaker", "a second one waits for the probe"
    health.end()
    health.failed(10.0)
    assert health.blocked(29.9) == "breaker", "the pause doubled"
    health.begin(30.0)
    health.end()
    health.succeeded(30.0, 0.1)
    assert health.blocked(30.0) == ""


def test_a_success_between_failures_keeps_the_breaker_closed() -> None:
    health = Health(LIMITS)
    for _ in range(10):
        health.failed(0.0)
        health.failed(0.0)
        health.responded()
    assert health.state == "closed"


def test_requests_and_tokens_a_minute_are_held() -> None:
    health = Health(Limits(rpm=2, tpm=100))
    for _ in range(2):
        assert health.blocked(0.0) == ""
        health.begin(0.0)
        health.end()
    assert health.blocked(59.0) == "rate"
    assert health.back_in(59.0) == 1.0
    assert health.blocked(60.0) == ""
    health.begin(60.0)
    health.spent(100)
    assert health.blocked(61.0) == "rate"


@given(st.lists(st.floats(0.01, 2.0), min_size=1, max_size=30))
def test_the_latency_average_stays_within_what_was_seen(seen: list[float]) -> None:
    health = Health()
    for i, latency in enumerate(seen):
        health.succeeded(float(i), latency)
    assert min(seen) - 1e-9 <= health.latency_s <= max(seen) + 1e-9
