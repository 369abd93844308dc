"""The state machine of a deployment's health, with the clock in hand."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from routing.health import Credential, Health
from routing.types import Limits

LIMITS = Limits(failures=3, open_s=10.0, open_max_s=40.0)


class Machine(RuleBasedStateMachine):
    """Any sequence of outcomes leaves a named state, and every pause ends."""

    def __init__(self) -> None:
        super().__init__()
        self.health = Health(LIMITS)
        self.now = 100.0
        self.under_way: list[int] = []

    @rule(seconds=st.floats(0.0, 30.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.health.blocked(self.now))
    @rule()
    def an_attempt_begins(self) -> None:
        self.under_way.append(self.health.begin(self.now))

    @precondition(lambda self: self.under_way)
    @rule(latency=st.floats(0.001, 5.0), which=st.integers(0, 100))
    def one_succeeds(self, latency: float, which: int) -> None:
        probe = self.under_way.pop(which % len(self.under_way))
        before = self.health.state
        self.health.heard(latency, streamed=True, probe=probe)
        self.health.end(probe)
        self.health.succeeded(probe)
        assert self.health.state == ("closed" if probe else before)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100))
    def one_fails(self, which: int) -> None:
        probe = self.under_way.pop(which % len(self.under_way))
        before = self.health.state, self.health.until
        self.health.end(probe)
        self.health.failed(self.now, probe)
        if before[0] == "open" or (before[0] == "half_open" and not probe):
            assert (self.health.state, self.health.until) == before

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100))
    def one_is_cut_off(self, which: int) -> None:
        self.health.end(self.under_way.pop(which % len(self.under_way)))

    @rule(seconds=st.floats(0.0, 60.0))
    def it_is_cooled(self, seconds: float) -> None:
        before = self.health.cooldown_until
        self.health.cool(self.now, seconds, "rate_limited")
        assert self.health.cooldown_until >= before

    @invariant()
    def the_state_has_a_name(self) -> None:
        assert self.health.state in {"closed", "open", "half_open"}
        assert self.health.in_flight == len(self.under_way)

    @invariant()
    def every_pause_ends(self) -> None:
        if not self.under_way:
            assert self.health.blocked(self.now + 1000.0) == ""
        wait = self.health.back_in(self.now)
        assert wait >= 0.0
        if not self.health.probe:
            assert not self.health.blocked(self.now + wait + 0.001)
        if self.health.blocked(self.now) and not self.health.probe:
            assert wait > 0.0
            assert wait < 1e-9 or self.health.blocked(self.now + wait * 0.99)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        if self.health.state == "open":
            assert self.health.opened > 0
        if self.health.probe:
            assert self.health.state != "closed" or self.health.probe in self.under_way
            assert self.health.blocked(self.now + 1000.0) in {"", "breaker"}


TestMachine = Machine.TestCase


def _opened(times: int = 3) -> Health:
    health = Health(LIMITS)
    for _ in range(times):
        health.end(health.begin(0.0))
        health.failed(0.0)
    return health


def test_one_probe_at_a_time_passes_a_half_open_breaker() -> None:
    health = _opened()
    assert health.blocked(9.9) == "breaker"
    assert health.blocked(10.0) == ""
    probe = health.begin(10.0)
    assert health.blocked(10.0) == "breaker", "a second one waits for the probe"
    health.end(probe)
    health.failed(10.0, probe)
    assert health.blocked(29.9) == "breaker", "the pause doubled"
    probe = health.begin(30.0)
    health.end(probe)
    assert health.succeeded(probe)
    assert health.blocked(30.0) == ""


def test_failures_under_way_when_it_opened_do_not_lengthen_the_pause() -> None:
    health = Health(LIMITS)
    under_way = [health.begin(0.0) for _ in range(12)]
    for probe in under_way:
        health.end(probe)
        health.failed(1.0, probe)
    assert health.until == 11.0


def test_late_successes_do_not_close_an_open_breaker() -> None:
    health = Health(LIMITS)
    late = health.begin(0.0)
    for _ in range(3):
        health.failed(1.0)
    health.end(late)
    assert not health.succeeded(late)
    assert health.blocked(2.0) == "breaker"


def test_a_success_between_failures_keeps_the_breaker_closed() -> None:
    health = Health(LIMITS)
    for _ in range(10):
        health.failed(0.0)
        health.failed(0.0)
        health.succeeded()
    assert health.state == "closed"


def test_a_key_that_rests_rests_everywhere() -> None:
    shared = Credential()
    one, two = Health(LIMITS, shared), Health(LIMITS, shared)
    shared.until = 30.0
    assert one.blocked(10.0) == two.blocked(10.0) == "cooldown"
    assert two.back_in(10.0) == 20.0
    assert one.blocked(30.0) == ""


def test_requests_and_tokens_a_minute_are_held() -> None:
    health = Health(Limits(rpm=2, tpm=100))
    for _ in range(2):
        assert health.blocked(0.0) == ""
        health.end(health.begin(0.0))
    assert health.blocked(59.0) == "rate"
    assert health.back_in(59.0) == 1.0
    assert health.blocked(60.0) == ""
    health.begin(60.0)
    health.spent(100)
    assert health.blocked(61.0) == "rate"


@given(st.lists(st.floats(0.01, 2.0), min_size=1, max_size=30))
def test_the_latency_average_stays_within_what_was_seen(seen: list[float]) -> None:
    health = Health()
    for latency in seen:
        health.heard(latency, streamed=True)
    assert min(seen) - 1e-9 <= health.latency_s <= max(seen) + 1e-9
