"""Clients' scores, told to whoever decided."""

import logging
from collections import Counter
from typing import Final

from gateway.deployments import Directory
from gateway.govern.principal import Principal
from gateway.learning.believed import Believed
from gateway.learning.decisions import Decision, Decisions
from gateway.learning.votes import weight
from gateway.store.contract import Store, StoreError
from routing.book import BadStrategy
from routing.contract import Keeping, Outcome

log = logging.getLogger(__name__)

DAY_S: Final = 86_400.0
WHOLE: Final = 1000
"""What a whole score adds to the counters."""
JUDGE: Final = Principal("judge")
"""A model that is asked how good answers were."""
TAUGHT: Final = "routing.taught"
"""Space of the exchanges that have taught what they can."""


class Scores:
    """One exchange teaches once, whoever scores it, by whatever names."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        decisions: Decisions,
        full: int,
        keep_s: float,
        judged: int | None = None,
    ) -> None:
        """`full`: a key's scores of a day that count whole; `judged`: the judge's,
        where it has others than a key."""
        self._store = store
        self._directory = directory
        self._decisions = decisions
        self._full = full
        self._keep_s = keep_s
        self._judged = full if judged is None else judged
        self.believed = Believed()
        self.results = Counter[tuple[str, str]]()
        """Of whom (`client`, `judge`), what became of it (`taken`, `duplicate`,
        `capped`, `refused`, `failed`) -> how many scores."""

    async def decision(self, id: str) -> Decision | None:
        """Raises `StoreError`."""
        return await self._decisions.find(id)

    async def teach(
        self, id: str, decision: Decision, who: Principal, score: float
    ) -> float:
        """How much the score counted, 0 to 1: 0 also where it cannot be told now. The
        judge is one who gives scores like any key."""
        learners = self._learners(decision)
        if not learners:
            return 0.0  # another configuration
        try:
            if not await self._store.add_new(TAUGHT, id, b"", ttl_s=self._keep_s):
                return 0.0
            counts = await self._weight(who)
        except StoreError as error:
            log.warning("a score teaches nothing", extra={"error": str(error)})
            return 0.0
        said = Outcome(
            query=decision.query,
            candidate=decision.candidate,
            model=decision.model,
            ok=True,
            latency_s=0.0,
            cost=None,
            quality=score,
            weight=counts,
        )
        for learner in learners:
            learner.learn(said)
        if decision.expected is not None:
            self.believed.add(decision.strategy, decision.expected, score, counts)
        return counts

    def _learners(self, decision: Decision) -> list[Keeping]:
        alias = self._directory.find(decision.alias)
        if alias is None:
            return []
        try:
            learners = alias.learners(decision.query)
        except (LookupError, BadStrategy):  # the client had named it
            return []
        return [one for one in learners if isinstance(one, Keeping)]

    async def _weight(self, who: Principal) -> float:
        """Of this score of theirs. Who runs the gateway is believed."""
        if who.sees_all:
            return 1.0
        full = self._judged if who == JUDGE else self._full
        n = await self._store.add(f"routing.scores/{who.id}", 1, DAY_S)
        own = f"routing.weight/{who.id}"
        everyone = await self._store.add("routing.weight", 0, DAY_S)
        others = everyone - await self._store.add(own, 0, DAY_S)
        counts = weight(n, max(0, others) / WHOLE, full)
        grown = int(counts * WHOLE)
        await self._store.add(own, grown, DAY_S)
        await self._store.add("routing.weight", grown, DAY_S)
        return counts
