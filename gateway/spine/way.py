"""Try the plan until one answers: retry, fall back, cool down, hedge.

Per alias: each deployment of the plan once, best first; those whose error may pass go
to the end of the line and are tried again after a pause. When none is left, the alias
that the configuration names as fallback for the error has its turn. Nothing is tried
again once a client has been told anything.
"""

import asyncio
import random
import time
from collections import deque

from adapters.contract import Call
from adapters.errors import ContextWindow, Timeout, Unsupported, UpstreamError
from gateway.config.schema import Cooldown, Retries
from gateway.deployments import Alias, Deployment, Directory
from gateway.errors import Refused
from gateway.spine.attempt import Answered, Stream, attempt
from gateway.spine.exchange import Exchange
from gateway.spine.remedy import Cooling, Remedy, remedy
from gateway.spine.route import plan
from gateway.telemetry.context import Propagation
from gateway.telemetry.logs import deployment_changed
from routing.types import Plan

Outcome = UpstreamError | Unsupported | Refused
"""What the next deployment or alias may be tried after."""


class Way:
    """From a routed exchange to an answer that has begun."""

    def __init__(
        self,
        directory: Directory,
        cooldown: Cooldown,
        propagation: Propagation,
        rng: random.Random,
    ) -> None:
        self._directory = directory
        self._propagation = propagation
        self._cooldown = cooldown
        self._rng = rng

    async def answer(self, exchange: Exchange, call: Call) -> Answered:
        """The first answer that any deployment begins.

        Raises:
            UpstreamError, Unsupported, Refused: none did; the last one's error.
        """
        first = exchange.alias
        if first is None:
            raise LookupError("an exchange must be routed before it is answered")
        line, seen = deque([first]), {first.name}
        while True:
            alias = line.popleft()
            alias.budget.request(time.monotonic())
            try:
                return await self._alias(exchange, call, alias)
            except (UpstreamError, Unsupported, Refused) as error:
                for name in _fallbacks(alias, error):
                    found = self._directory.find(name)
                    if found is not None and name not in seen:
                        seen.add(name)
                        line.append(found)
                if not line or time.monotonic() >= exchange.deadline:
                    raise

    def broke(
        self, exchange: Exchange, deployment: Deployment, error: UpstreamError
    ) -> None:
        """A stream broke after its client had been told something: only health is
        left to mend."""
        if exchange.alias is not None:
            self._penalise(exchange, exchange.alias, deployment, error)

    async def _alias(self, exchange: Exchange, call: Call, alias: Alias) -> Answered:
        now = time.monotonic()
        planned = plan(exchange, call, alias, now)
        if not planned.order:
            raise _none_left(alias, planned, now)
        line = deque(alias.deployment(step.candidate) for step in planned.order)
        tries = _Tries()
        error: Outcome | None = None
        while line:
            deployment = line.popleft()
            if error is not None and not await self._may_go_on(
                exchange, alias, tries, deployment, error
            ):
                continue
            tries.count(deployment)
            try:
                return await self._one(exchange, call, alias, deployment, line, tries)
            except Unsupported as unsupported:
                error = error or unsupported
            except UpstreamError as failure:
                error = failure
                row = self._penalise(exchange, alias, deployment, failure)
                if row.fallback != "any":
                    raise
                if row.retry and tries.of(deployment) <= alias.retries.per_deployment:
                    line.append(deployment)
        if error is None:
            raise _none_left(alias, planned, time.monotonic())
        raise error

    async def _may_go_on(
        self,
        exchange: Exchange,
        alias: Alias,
        tries: "_Tries",
        deployment: Deployment,
        error: Outcome,
    ) -> bool:
        """Whether `deployment` may be tried after `error`; waits where it must."""
        now = time.monotonic()
        if tries.total >= alias.retries.attempts:
            return False
        pause = self._pause(alias.retries, tries.of(deployment), error)
        blocked = deployment.health.blocked(now)
        if blocked and (pause is None or deployment.health.back_in(now) > pause):
            return False
        if pause is None or now + pause >= exchange.deadline:
            return False
        if isinstance(error, UpstreamError) and not alias.budget.take(now):
            return False
        if pause:
            await asyncio.sleep(pause)
        return True

    def _pause(self, retries: Retries, before: int, error: Outcome) -> float | None:
        """Seconds before a deployment tried `before` times; `None`: do not."""
        if not before:
            return 0.0
        asked = error.retry_after if isinstance(error, UpstreamError) else None
        if asked is not None:
            return asked if asked <= retries.retry_after_max_s else None
        ceiling = min(retries.backoff_max_s, retries.backoff_s * 2.0 ** (before - 1))
        return self._rng.uniform(0.0, ceiling)

    async def _one(
        self,
        exchange: Exchange,
        call: Call,
        alias: Alias,
        deployment: Deployment,
        line: deque[Deployment],
        tries: "_Tries",
    ) -> Answered:
        hedge = alias.model.hedge
        if hedge is None or not line or tries.of(line[0]):
            answered = await attempt(exchange, call, deployment, self._propagation)
        else:
            answered = await self._hedged(
                exchange, call, alias, (deployment, line[0]), hedge.after_s
            )
        book = answered.book if isinstance(answered, Stream) else answered[0]
        exchange.served_by = book.deployment
        exchange.first_token = book.first_token
        now, health = time.monotonic(), book.deployment.health
        if health.state != "closed":
            deployment_changed(book.deployment.id, health.state, "closed")
        health.succeeded(now, now - book.started)
        return answered

    async def _hedged(
        self,
        exchange: Exchange,
        call: Call,
        alias: Alias,
        pair: tuple[Deployment, Deployment],
        after_s: float,
    ) -> Answered:
        """The first of two to answer; the other is cancelled and its cost counted."""
        first = asyncio.create_task(attempt(exchange, call, pair[0], self._propagation))
        tasks = {first}
        try:
            await asyncio.wait(tasks, timeout=after_s)
            if not first.done() and alias.budget.take(time.monotonic()):
                tasks.add(
                    asyncio.create_task(
                        attempt(exchange, call, pair[1], self._propagation, hedge=True)
                    )
                )
            waiting = set(tasks)
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    if task.exception() is None:
                        tasks.discard(task)
                        return task.result()
            return first.result()
        finally:
            await _let_go(tasks)

    def _penalise(
        self,
        exchange: Exchange,
        alias: Alias,
        deployment: Deployment,
        error: UpstreamError,
    ) -> Remedy:
        """Note the error in the deployment's health; what it calls for."""
        row = remedy(error)
        health = deployment.health
        if _impatient(exchange, deployment, error):
            return row
        if row.cooling == "none":
            health.responded()
        elif row.cooling == "failure":
            now, before = time.monotonic(), health.state
            if health.failed(now):
                deployment_changed(
                    deployment.id, before, "open", error.kind, health.until - now
                )
            if error.retry_after is not None:
                self._cool(deployment, error.retry_after, error)
        else:
            self._leave_alone(alias, deployment, error, row.cooling)
        return row

    def _leave_alone(
        self,
        alias: Alias,
        deployment: Deployment,
        error: UpstreamError,
        cooling: Cooling,
    ) -> None:
        """Pause at once. The only deployment of an alias is paused only where the
        provider itself says for how long: there is nobody else to ask meanwhile."""
        seconds = None if cooling == "not_found" else error.retry_after
        if seconds is None:
            if len(alias.deployments) == 1:
                return
            seconds = {
                "rate_limit": self._cooldown.rate_limit_s,
                "credential": self._cooldown.credential_s,
                "quota": self._cooldown.quota_s,
            }.get(cooling, self._cooldown.not_found_s)
        if cooling in {"credential", "quota"}:
            for mate in deployment.credential_mates:
                self._cool(mate, seconds, error)
        else:
            self._cool(deployment, seconds, error)

    def _cool(
        self, deployment: Deployment, seconds: float, error: UpstreamError
    ) -> None:
        now, health = time.monotonic(), deployment.health
        pause = min(seconds, self._cooldown.max_s)
        if health.blocked(now) != "cooldown":
            deployment_changed(
                deployment.id, health.state, "cooldown", error.kind, pause
            )
        health.cool(now, pause, error.kind)


class _Tries:
    """How often each deployment was tried."""

    __slots__ = ("_of", "total")

    def __init__(self) -> None:
        self.total = 0
        self._of: dict[str, int] = {}

    def count(self, deployment: Deployment) -> None:
        self.total += 1
        self._of[deployment.id] = self.of(deployment) + 1

    def of(self, deployment: Deployment) -> int:
        return self._of.get(deployment.id, 0)


def _fallbacks(alias: Alias, error: Outcome) -> list[str]:
    model = alias.model
    if isinstance(error, Unsupported):
        return []
    if isinstance(error, Refused):
        return model.fallbacks
    return {
        "any": model.fallbacks,
        "context_window": model.context_window_fallbacks,
        "content_policy": model.content_policy_fallbacks,
        "none": [],
    }[remedy(error).fallback]


def _none_left(alias: Alias, planned: Plan, now: float) -> Exception:
    """Why an alias has nobody to ask."""
    reasons = {removed.by for removed in planned.removed}
    if reasons == {"operation"}:
        return Refused(
            400,
            "invalid_request_error",
            f"no deployment of {alias.name!r} can do this kind of request",
            code="unsupported_operation",
            param="model",
        )
    if reasons == {"context_window"}:
        return ContextWindow(
            f"the prompt is too long for every model of {alias.name!r}"
        )
    wait = alias.back_in(now)
    limited = all(
        d.health.blocked(now) == "rate"
        or (
            d.health.blocked(now) == "cooldown"
            and d.health.cooldown_reason == "rate_limited"
        )
        for d in alias.deployments
    )
    if limited:
        return Refused(
            429,
            "rate_limit_error",
            f"every deployment of {alias.name!r} is rate limited",
            code="rate_limit_exceeded",
            retry_after=wait,
        )
    return Refused(
        503,
        "server_error",
        f"no deployment of {alias.name!r} is available now",
        code="no_deployment_available",
        retry_after=wait or 1.0,
    )


def _impatient(
    exchange: Exchange, deployment: Deployment, error: UpstreamError
) -> bool:
    """Whether the client would not wait as long as the configuration would: that says
    nothing about the deployment, and one client must not close it to the others."""
    if not isinstance(error, Timeout):
        return False
    own = exchange.first_token_limit
    if error.code == "first_token" and own is not None:
        return own < deployment.limits.first_token_s
    return exchange.hurried and time.monotonic() >= exchange.deadline


async def _let_go(tasks: "set[asyncio.Task[Answered]]") -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Stream):
            outcome.close()
            outcome.book.cancelled()
        elif isinstance(outcome, tuple):
            outcome[0].cancelled()
