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
from typing import Final

from adapters.contract import Call
from adapters.errors import Timeout, Unsupported, UpstreamError
from gateway.config.schema import Cooldown, Retries
from gateway.deployments import Alias, Deployment, Directory
from gateway.errors import Refused
from gateway.spine.attempt import Answered, Broken, Means, Stream, Whole, attempt
from gateway.spine.book import Try
from gateway.spine.exchange import Exchange
from gateway.spine.race import Asking, race
from gateway.spine.remedy import Cooling, Remedy, remedy
from gateway.spine.remotes import Remotes
from gateway.spine.route import plan
from gateway.spine.tries import Hedge, Outcome, Tries, none_left
from gateway.telemetry.logs import deployment_changed
from routing.types import Plan

TICK_S: Final = 0.005
"""How early a timer may fire."""


class Way:
    """From a routed exchange to an answer that has begun."""

    def __init__(
        self,
        directory: Directory,
        cooldown: Cooldown,
        means: Means,
        remotes: Remotes,
        rng: random.Random,
    ) -> None:
        self._remotes = remotes
        self._directory = directory
        self._means = means
        self._cooldown = cooldown
        self._rng = rng

    async def answer(
        self, exchange: Exchange, call: Call, planned: Plan | None = None
    ) -> Answered:
        """The first answer that any deployment begins; `planned`: the order in which
        to try those of the exchange's alias, where that is decided.

        Raises:
            UpstreamError, Unsupported, Refused: none did; the error of the alias that
            the client asked for, or of a fallback that was really asked.
        """
        first = exchange.alias
        if first is None:
            raise LookupError("an exchange must be routed before it is answered")
        try:
            return await self._alias(exchange, call, first, planned)
        except (UpstreamError, Unsupported, Refused) as error:
            failure = error
        try:
            return await self._fallback(exchange, call, first, failure)
        finally:
            del failure  # its traceback holds this very frame

    async def _fallback(
        self, exchange: Exchange, call: Call, failed: Alias, error: Outcome
    ) -> Answered:
        """The answer of an alias that the configuration names for such an error."""
        told, seen = error, {failed.name}
        line: deque[Alias] = deque()
        while True:
            for name in _fallbacks(failed, error):
                found = self._directory.find(name)
                if found is not None and name not in seen:
                    seen.add(name)
                    line.append(found)
            if not line or time.monotonic() >= exchange.deadline:
                raise told from None
            failed = line.popleft()
            try:
                return await self._alias(exchange, call, failed)
            except (UpstreamError, Unsupported, Refused) as again:
                error = again
                if not isinstance(again, Refused):
                    told = again

    def broke(self, exchange: Exchange, stream: Stream, error: UpstreamError) -> None:
        """A stream broke after its client had been told something: only health is
        left to mend."""
        if exchange.serving is not None:
            self.penalise(exchange, exchange.serving, stream.book, error)

    async def _alias(
        self,
        exchange: Exchange,
        call: Call,
        alias: Alias,
        planned: Plan | None = None,
    ) -> Answered:
        if planned is None and alias.remotes(exchange.wishes.strategy):
            await self._remotes.ask(exchange, call, alias)
        now = time.monotonic()
        alias.budget.request(now)
        if planned is None:
            planned = plan(exchange, call, alias, now)
        if not planned.order:
            raise none_left(alias, planned, now)
        failure: Broken | Unsupported | None = None
        if alias.model.hedge is None:
            # Mostly the first answers, and nothing of what follows is needed.
            first = alias.deployment(planned.order[0].candidate)
            try:
                answered = await attempt(exchange, call, first, self._means)
            except (Broken, Unsupported) as error:
                failure = error
            else:
                return _serving(exchange, alias, answered)
        return await self._line(exchange, call, alias, planned, failure)

    async def _line(
        self,
        exchange: Exchange,
        call: Call,
        alias: Alias,
        planned: Plan,
        failure: Broken | Unsupported | None,
    ) -> Answered:
        """The answer of the first in line that gives one; `failure` is of the very
        first, when that was tried."""
        line = deque([alias.deployment(step.candidate) for step in planned.order])
        tries = Tries()
        if failure is not None:
            tries.count(line.popleft())
            self._note(exchange, alias, failure, line, tries)
        while line:
            deployment = line.popleft()
            if tries.error is not None and not await self._may_go_on(
                exchange, alias, tries, deployment
            ):
                continue
            tries.count(deployment)
            try:
                answered = await self._one(
                    exchange, call, alias, deployment, line, tries
                )
            except (Broken, Unsupported) as error:
                self._note(exchange, alias, error, line, tries)
            else:
                return _serving(exchange, alias, answered)
        if tries.error is None:
            raise none_left(alias, planned, time.monotonic())
        raise tries.error

    def _note(
        self,
        exchange: Exchange,
        alias: Alias,
        failure: Broken | Unsupported,
        line: deque[Deployment],
        tries: Tries,
    ) -> None:
        if isinstance(failure, Broken):
            self._failed(exchange, alias, failure, line, tries)
        else:
            tries.unsupported(failure)

    def _failed(
        self,
        exchange: Exchange,
        alias: Alias,
        broken: Broken,
        line: deque[Deployment],
        tries: Tries,
    ) -> None:
        """Note a failure; put the deployment last in line where it may be retried."""
        deployment = broken.book.deployment
        row = self.penalise(exchange, alias, broken.book, broken.error)
        tries.failed(deployment, broken.error, row)
        if row.fallback != "any":
            raise broken.error
        if row.retry and tries.of(deployment) <= alias.retries.per_deployment:
            line.append(deployment)

    async def _may_go_on(
        self, exchange: Exchange, alias: Alias, tries: Tries, deployment: Deployment
    ) -> bool:
        """Whether `deployment` may be tried after a failure; waits where it must."""
        now = time.monotonic()
        if tries.total >= alias.retries.attempts:
            return False
        pause = self._pause(alias.retries, tries, deployment)
        if pause is None or now + pause >= exchange.deadline:
            return False
        health = deployment.health
        if health.blocked(now) and not 0.0 < health.back_in(now) <= pause:
            return False
        # Moving on from a key or a limit has its own brake, the cooldown; what the
        # budget holds back is asking again where things are failing.
        storms = tries.of(deployment) > 0 or tries.counts
        if storms and not alias.budget.take(now):
            return False
        if pause:
            # A timer may fire a tick early, and the pause has just begun to count.
            await asyncio.sleep(max(pause, health.back_in(now)) + TICK_S)
            return not health.blocked(time.monotonic())
        return True

    def _pause(
        self, retries: Retries, tries: Tries, deployment: Deployment
    ) -> float | None:
        """Seconds before the next try of `deployment`; `None`: do not."""
        before = tries.of(deployment)
        if not before:
            return 0.0
        asked = tries.asked(deployment)
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
        tries: Tries,
    ) -> Answered:
        hedge = alias.model.hedge
        if hedge is None or not line:
            return await attempt(exchange, call, deployment, self._means)
        second = Hedge(alias, line, tries)

        def also() -> Asking | None:
            other = second.start(time.monotonic())
            if other is None:
                return None
            return attempt(exchange, call, other, self._means, hedge=True)

        return await race(
            attempt(exchange, call, deployment, self._means),
            also,
            hedge.after_s,
            lambda broken: self._failed(exchange, alias, broken, line, tries),
        )

    def penalise(
        self, exchange: Exchange, alias: Alias, book: Try, error: UpstreamError
    ) -> Remedy:
        """Note the error in the deployment's health; what it calls for."""
        row = remedy(error)
        if error.retry_after is not None:
            # Also what the client is told: by then we ask there again ourselves.
            error.retry_after = min(error.retry_after, self._cooldown.max_s)
        if _impatient(exchange, book.deployment, error):
            return row
        if row.cooling == "none":
            book.well()
        elif row.cooling == "failure":
            book.ill(error.kind)
            if error.retry_after is not None:
                self._cool(book.deployment, error.retry_after, error)
        else:
            self._leave_alone(alias, book.deployment, error, row.cooling)
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
        shared = deployment.health.credential
        if shared is not None and cooling in {"credential", "quota"}:
            now = time.monotonic()
            pause = min(seconds, self._cooldown.max_s)
            shared.until = max(shared.until, now + pause)
            shared.reason = error.kind
        self._cool(deployment, seconds, error)

    def _cool(
        self, deployment: Deployment, seconds: float, error: UpstreamError
    ) -> None:
        now, health = time.monotonic(), deployment.health
        pause = min(seconds, self._cooldown.max_s)
        if now >= health.cooldown_until:
            deployment_changed(
                deployment.id, health.state, "cooldown", error.kind, pause
            )
        health.cool(now, pause, error.kind)


def _serving(exchange: Exchange, alias: Alias, answered: Answered) -> Answered:
    """Note who answers."""
    exchange.serving = alias
    book = answered.book
    if book is not None:
        exchange.served_by = book.deployment
        exchange.first_token = book.first_token
        exchange.dropped = book.dropped
        exchange.upstream_headers = book.allowance
    elif isinstance(answered, Whole):
        exchange.served_by = answered.deployment
    return answered


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


def _impatient(
    exchange: Exchange, deployment: Deployment, error: UpstreamError
) -> bool:
    """Whether the client would not wait as long as the configuration would: that says
    nothing about the deployment, and one client must not close it to the others."""
    if not isinstance(error, Timeout):
        return False
    if error.type == "pool":
        return True  # our own queue was too long
    own = exchange.first_token_limit
    if error.code == "first_token" and own is not None:
        return own < deployment.limits.first_token_s
    return exchange.hurried and time.monotonic() >= exchange.deadline
