"""The live state of a deployment: load, latency, cooldown, circuit breaker.

Plain numbers changed by one event loop; the clock is passed in (monotonic seconds).
The breaker is a state machine: `closed` -> `open` (too many failures) -> `half_open`
(after the pause, one probe at a time) -> `closed` again or `open`, longer.
"""

import math
from collections import deque
from typing import Final

from routing.types import Limits

SAMPLES: Final = 128
"""Latest answers whose latencies are kept."""


class Credential:
    """The pause of all deployments under one key."""

    __slots__ = ("reason", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.reason = ""


class Health:
    """One deployment's state. Not thread-safe: it belongs to the loop."""

    __slots__ = (
        "_firsts",
        "_minute",
        "_probes",
        "_requests",
        "_tokens",
        "_wholes",
        "cooldown_reason",
        "cooldown_until",
        "credential",
        "failures",
        "in_flight",
        "latency_s",
        "limits",
        "opened",
        "probe",
        "state",
        "until",
        "whole_s",
    )

    def __init__(
        self, limits: Limits | None = None, credential: "Credential | None" = None
    ) -> None:
        self.limits = limits or Limits()
        self.credential = credential
        """What is shared with every deployment under the same key; `None`: nothing."""
        self.in_flight = 0
        self.latency_s = 0.0
        """Weighted average of the time to a stream's first token; 0 before any."""
        self.whole_s = 0.0
        """The same of whole answers."""
        self.failures = 0
        self.state = "closed"
        self.opened = 0
        """How often in a row the breaker has opened."""
        self.until = 0.0
        """When an open breaker lets a probe through."""
        self.probe = 0
        """Number of the probe under way that says nothing yet; 0: none."""
        self.cooldown_until = 0.0
        self.cooldown_reason = ""
        self._probes = 0
        self._minute = 0.0
        self._requests = 0
        self._tokens = 0
        self._firsts: deque[float] = deque(maxlen=SAMPLES)
        self._wholes: deque[float] = deque(maxlen=SAMPLES)

    def blocked(self, now: float) -> str:
        """Why the deployment may not be tried now; empty when it may."""
        shared = self.credential
        if now < self.cooldown_until or (shared is not None and now < shared.until):
            return "cooldown"
        if self.state != "closed" and (now < self.until or self.probe):
            return "breaker"
        limits = self.limits
        if limits.max_parallel is not None and self.in_flight >= limits.max_parallel:
            return "busy"
        if (limits.rpm is not None or limits.tpm is not None) and self._used_up(now):
            return "rate"
        return ""

    def _used_up(self, now: float) -> bool:
        """Whether this minute's requests or tokens are."""
        limits = self.limits
        if now - self._minute >= 60.0:
            return False
        return (limits.rpm is not None and self._requests >= limits.rpm) or (
            limits.tpm is not None and self._tokens >= limits.tpm
        )

    def back_in(self, now: float) -> float:
        """Seconds until a blocked deployment may be tried, whatever blocks it; 0 when
        that is now, or depends on others finishing."""
        until = self.cooldown_until
        if self.credential is not None:
            until = max(until, self.credential.until)
        if self.state != "closed":
            until = max(until, self.until)
        if self._used_up(now):
            until = max(until, self._minute + 60.0)
        return max(0.0, until - now)

    def begin(self, now: float) -> int:
        """An attempt starts; its number when it is a probe, else 0. The attempt hands
        it back with all it has to tell: only a probe moves a breaker that is open."""
        self.in_flight += 1
        if now - self._minute >= 60.0:
            self._minute, self._requests, self._tokens = now, 0, 0
        self._requests += 1
        if self.state == "closed":
            return 0
        self.state = "half_open"
        self._probes += 1
        self.probe = self._probes
        return self.probe

    def end(self, probe: int = 0) -> None:
        """An attempt is over, however it went; pairs with `begin`."""
        self.in_flight -= 1
        if probe and self.probe == probe:
            self.probe = 0

    def spent(self, tokens: int) -> None:
        """Tokens of an answer, for the rate limit."""
        self._tokens += tokens

    def heard(self, latency_s: float, *, streamed: bool, probe: int = 0) -> None:
        """An answer begins, `latency_s` after it was asked for; the next probe need
        not wait for its end."""
        if probe and self.probe == probe:
            self.probe = 0
        if streamed:
            self.latency_s = _average(self.latency_s, latency_s)
            self._firsts.append(latency_s)
        else:
            self.whole_s = _average(self.whole_s, latency_s)
            self._wholes.append(latency_s)

    def percentile(self, share: float, *, streamed: bool) -> float:
        """Seconds within which `share` of the latest answers came, by nearest rank; 0
        before any."""
        seen = sorted(self._firsts if streamed else self._wholes)
        return seen[math.ceil(share * len(seen)) - 1] if seen else 0.0

    def used(self, now: float) -> tuple[int, int]:
        """Requests and tokens of this minute."""
        if now - self._minute >= 60.0:
            return 0, 0
        return self._requests, self._tokens

    def succeeded(self, probe: int = 0) -> bool:
        """An answer is complete, or the call was at fault and got one all the same;
        whether that closed the breaker."""
        if self.state == "closed":
            self.failures = 0
            return False
        if not probe:
            return False
        self.failures = 0
        self.opened = 0
        self.state = "closed"
        return True

    def failed(self, now: float, probe: int = 0) -> bool:
        """A failure that counts against the deployment; whether the breaker opened.

        Attempts that were under way when it opened tell nothing new.
        """
        if self.state == "closed":
            self.failures += 1
            if self.limits.failures == 0 or self.failures < self.limits.failures:
                return False
        elif not probe or self.state != "half_open":
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


NEW: Final = 0.3
"""Weight of the newest answer in the averages: ten answers forget 97 % of the past."""


def _average(before: float, now: float) -> float:
    return now if before <= 0.0 else (1.0 - NEW) * before + NEW * now
