"""By what is going on right now: requests in flight, room under limits."""

from collections.abc import Sequence

from routing.contract import Options, Setting
from routing.health import Health
from routing.types import Candidate, Query, Score


class LeastBusy:
    """Fewest requests in flight, per weight; ties at random."""

    options = Options

    def __init__(self, name: str, options: Options, setting: Setting) -> None:
        self.name = name
        self._rng = setting.rng

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        loads = [
            (h.in_flight + 1.0) / max(c.weight, 1e-9)
            for c, h in zip(candidates, health, strict=True)
        ]
        least = min(loads)
        ties = sum(1 for load in loads if load == least)
        return [
            Score(
                -load - 1e-9 * self._rng.random(),
                f"{h.in_flight} in flight",
                1.0 / ties if load == least else 0.0,
            )
            for load, h in zip(loads, health, strict=True)
        ]


class Usage:
    """Most headroom under the provider's limits of requests and tokens per minute.

    Where none is configured, the fewest tokens of this minute; ties by requests. The
    minute is this process's own.
    """

    options = Options

    def __init__(self, name: str, options: Options, setting: Setting) -> None:
        self.name = name
        self._clock = setting.clock

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        now = self._clock()
        asked = query.input_tokens + query.output_tokens
        values, reasons = [], []
        for candidate, one in zip(candidates, health, strict=True):
            requests, tokens = one.used(now)
            room = [
                1.0 - used / most
                for used, most in (
                    (requests + 1, candidate.rpm),
                    (tokens + asked, candidate.tpm),
                )
                if most
            ]
            # A limit is a share, no limit is all of it: then what was used tells.
            left = min(room) if room else 1.0
            values.append((left, -tokens, -requests))
            reasons.append(f"{left:.0%} left, {tokens} tokens this minute")
        best = max(values)
        ranks = sorted(set(values))
        return [
            Score(
                float(ranks.index(value)),
                reason,
                1.0 / values.count(best) if value == best else 0.0,
            )
            for value, reason in zip(values, reasons, strict=True)
        ]
