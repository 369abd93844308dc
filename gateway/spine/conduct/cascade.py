"""Cheap ones first, a dearer one where there is doubt."""

from collections.abc import Sequence

from adapters.errors import UpstreamError
from gateway.spine.attempt import Answered
from gateway.spine.conduct.agreement import Meaning, meaning
from gateway.spine.conduct.calls import Calls, Said, is_final, together
from gateway.spine.conduct.flaws import flaw
from gateway.spine.conduct.verifier import verify
from routing.strategies.conducted import CascadeOptions
from routing.types import Plan


async def cascade(
    calls: Calls, planned: Plan, options: CascadeOptions
) -> Answered | None:
    """The first answer that is believed; `None`: nobody gave any.

    Raises:
        UpstreamError: a provider says that the call itself is at fault.
    """
    rungs = planned.rungs or [s.candidate for s in planned.order[: options.rungs]]
    climb = _Climb(calls, options)
    at, why = 0, ""
    while at < len(rungs) and not climb.why:
        group = rungs[at : at + (2 if not at and options.doubt == "agree" else 1)]
        if len(group) > 1 and calls.over(*group):
            group = group[:1]
        if why := calls.over(*group):
            break
        at += len(group)
        await climb.ask(group, is_last=at == len(rungs))
    calls.note = f"cascade: {at} of {len(rungs)} asked, {climb.why or why}"
    return None if climb.best is None else calls.give(climb.best)


class _Climb:
    """What the rungs so far have said."""

    def __init__(self, calls: Calls, options: CascadeOptions) -> None:
        self._calls = calls
        self._options = options
        self._meanings: dict[Meaning, Said] = {}
        self.best: Said | None = None
        """The one to give: the believed one, else the last that is not flawed."""
        self._flawed = True
        """Whether `best` is."""
        self.why = ""
        """Why `best` is believed; empty: it is not."""

    async def ask(self, group: Sequence[str], *, is_last: bool) -> None:
        """Ask these at once, and look at what they say."""
        got = await together([self._calls.candidate(id) for id in group])
        fault: UpstreamError | None = None
        for id, said in zip(group, got, strict=True):
            if isinstance(said, Said):
                await self._look(said, is_last=is_last and id == group[-1])
                continue
            self._calls.failed("rung", id, said)
            if isinstance(said, UpstreamError) and is_final(said):
                fault = said
        if self.best is None and fault is not None:
            raise fault
        if is_last and not self.why:
            self.why = "the last was believed"

    async def _look(self, said: Said, *, is_last: bool) -> None:
        wrong = flaw(said.result, self._calls.asked)
        if self.best is None or not wrong or self._flawed:
            self.best, self._flawed = said, bool(wrong)
        verdict = wrong or await self._judge(said, is_last=is_last)
        self._calls.step("rung", said.by, verdict)

    async def _judge(self, said: Said, *, is_last: bool) -> str:
        """What is to be said of an answer without a flaw; sets `why` where it is
        believed."""
        if self._options.doubt == "agree":
            return self._compare(said)
        if is_last:
            return "the last"
        if not self._options.verifier:
            self.why = "no flaw seen"
            return self.why
        share = await verify(self._calls, self._options, said)
        if share is None:
            return "not judged"
        if share < self._options.threshold:
            return f"{share:.2f}, under {self._options.threshold:g}"
        self.why = "verified"
        return f"{share:.2f}"

    def _compare(self, said: Said) -> str:
        meant = meaning(said.text)
        if meant is None:
            return "cannot be compared"
        if (other := self._meanings.get(meant)) is None:
            self._meanings[meant] = said
            return f"alone with its {meant.kind}"
        # The cheaper of the two, which is the same.
        self.best, self.why = other, "they agree"
        return f"the {meant.kind} of {other.by}"
