"""What was tried of one alias, and what to say when nothing is left to try."""

from collections import deque
from typing import Final

from adapters.errors import ContextWindow, Unsupported, UpstreamError
from gateway.deployments import Alias, Deployment
from gateway.errors import Refused
from gateway.spine.remedy import Remedy
from routing.types import Plan

Outcome = UpstreamError | Unsupported | Refused
"""What the next deployment or alias may be tried after."""


class Tries:
    """How often each deployment of an alias was tried, and how that ended."""

    __slots__ = ("_asked", "_of", "counts", "error", "total")

    def __init__(self) -> None:
        self.total = 0
        self.error: Outcome | None = None
        """The one to tell the client, if nothing better comes."""
        self.counts = False
        """The last failure was one that circuit breakers count."""
        self._of: dict[str, int] = {}
        self._asked: dict[str, float | None] = {}

    def count(self, deployment: Deployment) -> None:
        """One more try of `deployment`."""
        self.total += 1
        self._of[deployment.id] = self.of(deployment) + 1

    def of(self, deployment: Deployment) -> int:
        """Tries of `deployment` so far."""
        return self._of.get(deployment.id, 0)

    def asked(self, deployment: Deployment) -> float | None:
        """Seconds that its provider asked us to wait, when it failed last."""
        return self._asked.get(deployment.id)

    def failed(self, deployment: Deployment, error: UpstreamError, row: Remedy) -> None:
        """A try ended with an error."""
        self.error = error
        self.counts = row.cooling == "failure"
        self._asked[deployment.id] = error.retry_after

    def unsupported(self, error: Unsupported) -> None:
        """Nothing was sent: that is no try."""
        self.total -= 1
        self.error = self.error or error


class Hedge:
    """Who is asked too, when the first is slow to begin."""

    __slots__ = ("_alias", "_line", "_tries")

    def __init__(self, alias: Alias, line: deque[Deployment], tries: Tries) -> None:
        self._alias = alias
        self._line = line
        self._tries = tries

    def start(self, now: float) -> Deployment | None:
        """The next in line that is well and was not asked yet, if the budget allows;
        taken out of it."""
        for deployment in self._line:
            if not deployment.health.blocked(now) and not self._tries.of(deployment):
                break
        else:
            return None
        if not self._alias.budget.take(now):
            return None
        self._line.remove(deployment)
        self._tries.count(deployment)
        return deployment


PASSING: Final = frozenset({"cooldown", "breaker", "busy", "rate"})
"""Why a deployment is out that may be back soon."""


def _not_allowed(alias: Alias, planned: Plan, reasons: set[str]) -> Refused:
    """Nobody may serve what is asked as it is asked: waiting would not help."""
    told = ", ".join(f"{out.candidate}: {out.by}" for out in planned.removed[:8])
    status, type = 400, "invalid_request_error"
    if reasons == {"key"}:
        status, type = 403, "permission_error"
    return Refused(
        status,
        type,
        f"no deployment of {alias.name!r} may serve this request ({told})",
        code="no_deployment_allowed",
        param="model",
        limits=frozenset(reasons),
    )


def none_left(alias: Alias, planned: Plan, now: float) -> Exception:
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
    if reasons == {"pinned"}:
        return Refused(
            400,
            "invalid_request_error",
            f"what the request refers to is held by a provider that {alias.name!r} "
            "does not lead to: ask the model that made it",
            code="wrong_model",
            param="model",
        )
    if reasons == {"context_window"}:
        return ContextWindow(
            f"the prompt is too long for every model of {alias.name!r}"
        )
    if reasons and not reasons & PASSING:
        return _not_allowed(alias, planned, reasons)
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
