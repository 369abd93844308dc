"""Candidates in, plan out: hard limits, then the strategy, tier by tier."""

import math
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from routing.contract import Blind, Splitter, Strategy, vetoes
from routing.filters import checks, limit, unable
from routing.health import Health
from routing.types import Candidate, Plan, Query, Ranked, Removed, Score, Shadowed

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
    left: list[int] = []
    asked = checks(query)
    for i, candidate in enumerate(pool.candidates):
        reason = limit(query, candidate, asked) or pool.health[i].blocked(now)
        if reason:
            removed.append(Removed(candidate.id, reason))
        else:
            left.append(i)
    lacking = unable(query, [pool.candidates[i] for i in left])
    tiers: dict[int, list[int]] = {}
    for at, i in enumerate(left):
        candidate = pool.candidates[i]
        if at in lacking:
            removed.append(Removed(candidate.id, lacking[at]))
        else:
            tiers.setdefault(candidate.order, []).append(i)
    return _ordered(strategy, query, pool, tiers, removed)


def _ordered(
    strategy: Strategy,
    query: Query,
    pool: Pool,
    tiers: dict[int, list[int]],
    removed: list[Removed],
) -> Plan:
    decides, arm = strategy, ""
    if isinstance(strategy, Splitter):
        decides = strategy.arm(query)
        arm = decides.name
    order: list[Ranked] = []
    for tier in sorted(tiers):
        members = tiers[tier]
        if len(members) == 1 and not vetoes(decides):
            only = pool.candidates[members[0]].id
            order.append(Ranked(only, "the only one left", 0.0 if order else 1.0))
        else:
            order += _rank(decides, query, pool, members, removed, first=not order)
    shadows: tuple[Shadowed, ...] = ()
    if isinstance(strategy, Splitter) and tiers:
        members = tiers[min(tiers)]
        # Who only watches names one candidate, as if it were asked alone.
        alone = replace(query, cascades=False) if query.cascades else query
        shadows = strategy.shadows(alone, *_members(pool, members))
    return Plan(tuple(order), strategy.name, tuple(removed), arm, shadows)


def _members(pool: Pool, members: list[int]) -> tuple[list[Candidate], list[Health]]:
    return [pool.candidates[i] for i in members], [pool.health[i] for i in members]


def _rank(
    strategy: Strategy,
    query: Query,
    pool: Pool,
    members: list[int],
    removed: list[Removed],
    *,
    first: bool,
) -> list[Ranked]:
    candidates, health = _members(pool, members)
    scores = strategy.score(query, candidates, health)
    ranked: list[tuple[float, int, Score, str]] = []
    for place, (score, candidate) in enumerate(zip(scores, candidates, strict=True)):
        if score.out:
            removed.append(Removed(candidate.id, f"strategy: {score.out}"))
        else:
            ranked.append((-score.value, place, score, candidate.id))
    ranked.sort()
    return [
        Ranked(id, s.reason, s.propensity, s.quality, s.rung)
        if first
        else Ranked(id, s.reason, 0.0, s.quality)
        for _, _, s, id in ranked
    ]
