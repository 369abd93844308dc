"""Candidates in, plan out: hard limits, then the strategy, tier by tier."""

from collections.abc import Sequence
from typing import NamedTuple

from routing.contract import Strategy
from routing.health import Health
from routing.types import Candidate, Plan, Query, Ranked, Removed


class Pool(NamedTuple):
    """What stands behind an alias; the two sequences run in parallel."""

    candidates: Sequence[Candidate]
    health: Sequence[Health]


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
