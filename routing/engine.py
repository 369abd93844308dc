"""Candidates in, plan out: hard limits, then the strategy, tier by tier."""

import math
from collections.abc import Sequence
from typing import Final

from routing.contract import Blind, Strategy
from routing.health import Health
from routing.types import Candidate, Plan, Query, Ranked, Removed

MAX_PLANS: Final = 1000
"""Orders of a pool whose plans are kept."""


class Pool:
    """What stands behind an alias; the two sequences run in parallel."""

    __slots__ = ("_common", "_plans", "_smallest", "candidates", "health")

    def __init__(
        self, candidates: Sequence[Candidate], health: Sequence[Health]
    ) -> None:
        self.candidates = candidates
        self.health = health
        self._plans: dict[tuple[int, ...], Plan] = {}
        self._common: frozenset[str] = frozenset()
        """Operations that all can do, where all are of one tier."""
        if len({c.order for c in candidates}) == 1:
            self._common = frozenset.intersection(*[c.operations for c in candidates])
        windows = [c.max_input_tokens for c in candidates]
        self._smallest = min((w for w in windows if w), default=math.inf)

    def blind_plan(
        self, strategy: Blind, operation: str, least_tokens: int, now: float
    ) -> Plan | None:
        """The plan of a strategy that looks at no query, made once for each order;
        `None` where some candidate may be out: that is for `plan` to tell."""
        if operation not in self._common or least_tokens > self._smallest:
            return None
        for health in self.health:
            if health.blocked(now):
                return None
        order = strategy.draw(self.candidates)
        made = self._plans.get(order)
        if made is None:
            made = self._plan(strategy, order)
            if len(self._plans) < MAX_PLANS:
                self._plans[order] = made
        return made

    def _plan(self, strategy: Blind, order: tuple[int, ...]) -> Plan:
        odds = strategy.odds(self.candidates)
        steps = [Ranked(self.candidates[i].id, *odds[i]) for i in order]
        return Plan(tuple(steps), strategy.name)


def plan(strategy: Strategy, query: Query, pool: Pool, now: float) -> Plan:
    """The order in which to try the pool; empty when every candidate is out.

    Tiers (`Candidate.order`) come before scores; equal scores keep the given order.
    `now` is monotonic seconds.
    """
    removed: list[Removed] = []
    tiers: dict[int, list[int]] = {}
    health = pool.health
    for i, candidate in enumerate(pool.candidates):
        reason = _limit(query, candidate) or health[i].blocked(now)
        if reason:
            removed.append(Removed(candidate.id, reason))
        elif candidate.order in tiers:
            tiers[candidate.order].append(i)
        else:
            tiers[candidate.order] = [i]
    order: list[Ranked] = []
    for tier in sorted(tiers):
        members = tiers[tier]
        if len(members) == 1:
            only = pool.candidates[members[0]].id
            order.append(Ranked(only, "the only one left", 0.0 if order else 1.0))
        else:
            order += _rank(strategy, query, pool, members, first=not order)
    return Plan(tuple(order), strategy.name, tuple(removed))


def _rank(
    strategy: Strategy, query: Query, pool: Pool, members: list[int], *, first: bool
) -> list[Ranked]:
    candidates = [pool.candidates[i] for i in members]
    scores = strategy.score(query, candidates, [pool.health[i] for i in members])
    ranked = [
        (-score.value, place, score, candidate.id)
        for place, (score, candidate) in enumerate(zip(scores, candidates, strict=True))
    ]
    ranked.sort()
    return [
        Ranked(id, score.reason, score.propensity if first else 0.0)
        for _, _, score, id in ranked
    ]


def _limit(query: Query, candidate: Candidate) -> str:
    """The hard limit that `query` breaks at `candidate`; empty when none."""
    if query.operation not in candidate.operations:
        return "operation"
    window = candidate.max_input_tokens
    # Only what cannot fit by any count is taken out; the provider judges the rest.
    if window is not None and query.least_tokens > window:
        return "context_window"
    return ""
