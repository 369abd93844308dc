"""The live state of a deployment: load, latency, cooldown, circuit breaker.

Plain numbers changed by one event loop; the clock is passed in (monotonic seconds).
The breaker is a state machine: `closed` -> `open` (too many failures) -> `half_open`
(after the pause, one probe at a time) -> `closed` again or `open`, longer.
"""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a deployment is left alone."""

    failures: int = 5
    """Consecutive counted failures that open the breaker; 0: never."""
    open_s: float = 10.0
    """First pause of an open breaker; doubles with every failed probe."""
    open_max_s: float = 120.0
    max_parallel: int | None = None
    """Requests at once; more are sent elsewhere."""
    rpm: int | None = None
    tpm: int | None = None
    """Requests and tokens in any minute, counted by this process."""
    half_life_s: float = 10.0
    """Of the latency average: how fast old answers are forgotten."""


class Health:
    """One deployment's state. Not thread-safe: it belongs to the loop."""

    __slots__ = (
        "_minute",
        "_requests",
        "_seen",
        "_tokens",
        "cooldown_reason",
        "cooldown_until",
        "failures",
        "in_flight",
        "latency_s",
        "limits",
        "opened",
        "probing",
        "state",
        "until",
    )

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.in_flight = 0
        self.latency_s = 0.0
        """Exponentially weighted time to the first token; 0 before any answer."""
        self.failures = 0
        self.state = "closed"
        self.opened = 0
        """How often in a row the breaker has opened."""
        self.until = 0.0
        """When an open breaker lets a probe through."""
        self.probing = False
        self.cooldown_until = 0.0
        self.cooldown_reason = ""
        self._seen = 0.0
        self._minute = 0.0
        self._requests = 0
        self._tokens = 0

    def blocked(self, now: float) -> str:
        """Why the deployment may not be tried now; empty when it may."""
        if now < self.cooldown_until:
            return "cooldown"
        if self.state != "closed" and (now < self.until or self.probing):
            return "breaker"
        limits = self.limits
        if limits.max_parallel is not None and self.in_flight >= limits.max_parallel:
            return "busy"
        if (limits.rpm is not None or limits.tpm is not None) and (
            now - self._minute < 60.0
        ):
            if limits.rpm is not None and self._requests >= limits.rpm:
                return "rate"
            if limits.tpm is not None and self._tokens >= limits.tpm:
                return "rate"
        return ""

    def back_in(self, now: float) -> float:
        """Seconds until a blocked deployment may be tried; 0 when that is now, or
        depends on others finishing."""
        reason = self.blocked(now)
        if reason == "cooldown":
            return self.cooldown_until - now
        if reason == "breaker":
            return max(0.0, self.until - now)
        if reason == "rate":
            return self._minute + 60.0 - now
        return 0.0

    def begin(self, now: float) -> None:
        """An attempt starts."""
        self.in_flight += 1
        if self.state != "closed":
            self.state = "half_open"
            self.probing = True
        if self.limits.rpm is not None or self.limits.tpm is not None:
            if now - self._minute >= 60.0:
                self._minute, self._requests, self._tokens = now, 0, 0
            self._requests += 1

    def end(self) -> None:
        """An attempt is over, however it went; pairs with `begin`."""
        self.in_flight -= 1
        self.probing = False

    def spent(self, tokens: int) -> None:
        """Tokens of an answer, for the rate limit."""
        self._tokens += tokens

    def succeeded(self, now: float, latency_s: float) -> None:
        """An answer came; `latency_s` to its first token."""
        self.failures = 0
        self.opened = 0
        self.state = "closed"
        if self.latency_s <= 0.0:
            self.latency_s = latency_s
        else:
            keep = 0.5 ** ((now - self._seen) / self.limits.half_life_s)
            keep = min(keep, 0.9)
            self.latency_s = keep * self.latency_s + (1.0 - keep) * latency_s
        self._seen = now

    def responded(self) -> None:
        """It answered, though the call was at fault: the deployment is well."""
        self.failures = 0
        self.opened = 0
        self.state = "closed"

    def failed(self, now: float) -> bool:
        """A failure that counts against the deployment; whether the breaker opened."""
        self.failures += 1
        limit = self.limits.failures
        if self.state == "closed" and (limit == 0 or self.failures < limit):
            return False
        self.state = "open"
        pause = self.limits.open_s * 2.0 ** min(self.opened, 30)
        self.until = now + min(pause, self.limits.open_max_s)
        self.opened += 1
        return True

    def cool(self, now: float, seconds: float, reason: str) -> None:
        """Leave the deployment alone for a while; never shortens an earlier pause."""
        if now + seconds > self.cooldown_until:
            self.cooldown_until = now + seconds
            self.cooldown_reason = reason
