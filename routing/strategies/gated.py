"""Cascades that were learned of: which ones can be asked, and who is asked in them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from routing.filters import expected
from routing.health import Health
from routing.learned.model import Model
from routing.types import Candidate, Query, Score

_PICO: Final = 1e12


class Open(NamedTuple):
    """A cascade whose members are all among the candidates."""

    name: str
    place: int
    """In the artifact."""
    members: tuple[int, ...]
    """Positions of candidates, in the order in which they are asked."""
    learned: tuple[int, int, int]
    """Their places in the artifact."""


def placed(model: Model, candidate: Candidate) -> int | None:
    """Where the artifact has the candidate's model, by its full name, its own name or
    the candidate's id; `None`: nowhere."""
    found = model.place.get(candidate.model)
    if found is None:
        found = model.place.get(candidate.model.rpartition("/")[2])
    if found is None:
        found = model.place.get(candidate.id)
    return found


def opened(
    model: Model,
    query: Query,
    candidates: Sequence[Candidate],
    health: Sequence[Health],
    costs: Sequence[float],
) -> list[Open]:
    """The cascades that may be asked: the query is open to any, every member is there,
    and all of them together cost no more than the client allows."""
    if not model.arms or not query.cascades:
        return []
    # Of several deployments of a model the cheapest, of these who has least to do.
    order = sorted(
        range(len(candidates)),
        key=lambda i: (costs[i], health[i].in_flight, candidates[i].id),
    )
    there: dict[int, int] = {}
    for i in order:
        known = placed(model, candidates[i])
        if known is not None:
            there.setdefault(known, i)
    found = []
    for arm in model.arms:
        members = [there[m] for m in arm.members if m in there]
        if len(members) == len(arm.members) and not _too_dear(
            query, [candidates[i] for i in members]
        ):
            found.append(Open(arm.name, arm.place, tuple(members), arm.members))
    return found


def _too_dear(query: Query, members: Sequence[Candidate]) -> bool:
    cap = query.wishes.max_cost
    if cap is None:
        return False
    costs = [expected(query, member) for member in members]
    known = [cost for cost in costs if cost is not None]
    return len(known) < len(costs) or sum(known) > cap * _PICO


def conducted(scores: Sequence[Score], chosen: Open, why: str) -> list[Score]:
    """The same scores, with the members of a cascade first, as its rungs."""
    top = max(score.value for score in scores) + 1.0
    found = [replace(score, propensity=0.0) for score in scores]
    for rung, i in enumerate(chosen.members, 1):
        found[i] = replace(
            scores[i],
            value=top + len(chosen.members) - rung,
            reason=f"rung {rung} of {chosen.name}: {why}; alone: {scores[i].reason}",
            propensity=1.0 if rung == 1 else 0.0,
            rung=rung,
        )
    return found
