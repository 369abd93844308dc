"""What came of a decision, told to whoever decided."""

from gateway.deployments import Alias
from gateway.errors import HUNG_UP
from gateway.learning.decisions import Decision, Decisions, wordless
from gateway.spine.exchange import Exchange
from gateway.telemetry.facts import Attempt
from routing.contract import Keeping, Outcome
from routing.filters import expected
from routing.types import Candidate, Plan, Query

NOT_TOLD = frozenset({"cancelled", HUNG_UP})
"""Ends of attempts that say nothing about anybody."""


def learn(exchange: Exchange, decisions: Decisions) -> None:
    """Tell the strategy of the alias that was decided on how each attempt went, and
    note what was decided for when a score comes."""
    query = exchange.query
    if exchange.plan is not None and not exchange.plan.is_of_one:
        return
    for alias in (exchange.alias, exchange.serving):
        if query is not None and alias is not None and alias.name == query.alias:
            _tell(exchange, alias, query, decisions)
            return


def _tell(exchange: Exchange, alias: Alias, query: Query, decisions: Decisions) -> None:
    learners = alias.learners(query)
    if not learners:
        return
    told = [
        attempt
        for attempt in exchange.attempts
        if attempt.error not in NOT_TOLD and alias.has(attempt.deployment)
    ]
    for i, attempt in enumerate(told, 1):
        candidate = alias.deployment(attempt.deployment).candidate
        outcome = _outcome(query, attempt, candidate, last=i == len(told))
        for learner in learners:
            learner.learn(outcome)
    served, plan = exchange.served_by, exchange.plan
    if served is None or not alias.has(served.id):
        return
    if any(isinstance(learner, Keeping) for learner in learners):
        decisions.note(
            exchange.id,
            Decision(
                key=exchange.principal.id if exchange.principal is not None else "",
                alias=alias.name,
                candidate=served.id,
                model=served.candidate.model,
                query=wordless(query),
                strategy=(plan.arm or plan.strategy) if plan is not None else "",
                expected=_expected(plan, served.id),
            ),
        )


def _expected(plan: Plan | None, candidate: str) -> float | None:
    steps = plan.order if plan is not None else ()
    return next((s.quality for s in steps if s.candidate == candidate), None)


def _outcome(
    query: Query, attempt: Attempt, candidate: Candidate, *, last: bool
) -> Outcome:
    ended = attempt.first_token if query.stream else 0.0
    guess = expected(query, candidate)
    return Outcome(
        query=query,
        candidate=candidate.id,
        model=candidate.model,
        ok=not attempt.error,
        latency_s=max(0.0, (ended or attempt.ended) - attempt.started),
        cost=None if attempt.cost_nano is None else attempt.cost_nano / 1e9,
        expected_cost=None if guess is None else guess / 1e12,
        last=last,
    )
