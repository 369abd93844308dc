"""Which of what was said about answers counts.

Nobody can be kept from voting falsely; one key can be kept from drowning the others.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

SHARE: Final = 0.5
"""Of all votes that one key's may be, where several vote."""
FREE: Final = 200
"""Votes that a key has whatever the others do."""
SLACK_NS: Final = 60 * 10**9
"""Clocks of two machines may differ by so much."""
OPERATOR: Final = frozenset({"master", "anyone"})
"""Who runs the gateway, or everyone where nobody is asked for a key."""
JUDGE: Final = "judge"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was given: to whom and when."""

    key: str
    at_ns: int


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """A score of an answer."""

    id: str
    """Of the answer."""
    at_ns: int
    score: float
    key: str
    name: str = ""
    source: str = ""
    """`judge`, or empty: a client's."""


class Labels(msgspec.Struct, frozen=True):
    """What the votes come to."""

    scores: dict[str, float]
    """Answer -> 0 to 1. Clients come before the judge."""
    refused: dict[str, int]
    """Why votes did not count -> how many."""


def labels(
    votes: Iterable[Vote], given: Mapping[str, Given], now_ns: int, share: float = SHARE
) -> Labels:
    """The scores of `given` answers."""
    refused: Counter[str] = Counter()
    kept: list[Vote] = []
    said: set[tuple[str, str, str, str]] = set()
    for vote in votes:
        mark = (vote.id, vote.key, vote.name, vote.source)
        why = _wrong(vote, given.get(vote.id), now_ns)
        if not why and mark in said:
            why = "said before"
        if why:
            refused[why] += 1
            continue
        said.add(mark)
        kept.append(vote)
    counted = _capped(kept, share)
    if len(kept) > len(counted):
        refused["more than the key's share"] = len(kept) - len(counted)
    return Labels(_scores(counted), dict(refused))


def _wrong(vote: Vote, given: Given | None, now_ns: int) -> str:
    if given is None:
        return "unknown answer"
    if not (math.isfinite(vote.score) and 0.0 <= vote.score <= 1.0):
        return "not a score from 0 to 1"
    if vote.key != given.key and vote.key not in OPERATOR and vote.source != JUDGE:
        return "another key's answer"
    if vote.at_ns < given.at_ns - SLACK_NS:
        return "before the answer"
    if vote.at_ns > now_ns + SLACK_NS:
        return "in the future"
    return ""


def _capped(votes: list[Vote], share: float) -> list[Vote]:
    """No key has more than its share of what then is left."""
    by_key: defaultdict[str, list[Vote]] = defaultdict(list)
    free: list[Vote] = []
    for vote in votes:
        is_free = vote.key in OPERATOR or vote.source == JUDGE
        (free if is_free else by_key[vote.key]).append(vote)
    if len(by_key) + bool(free) < 2:
        return votes  # there is nobody to be drowned
    counts = [len(own) for own in by_key.values()]
    most = cap(counts, share, len(free))
    for own in by_key.values():
        own.sort(key=lambda v: hashlib.sha256(f"{v.id}\0{v.name}".encode()).digest())
        free += own[:most]
    return free


def cap(counts: list[int], share: float, free: int = 0) -> int:
    """The most votes of one key: `share` of all that then count, at least `FREE`."""
    most = max(counts, default=0)
    while True:
        total = free + sum(min(count, most) for count in counts)
        lower = max(FREE, math.floor(share * total))
        if lower >= most:
            return most
        most = lower


def _scores(votes: list[Vote]) -> dict[str, float]:
    """One score an answer: the overall ones where there are any, else the mean of its
    named ones; a judge's only where no client spoke."""
    by_answer: defaultdict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_answer[vote.id].append(vote)
    scores = {}
    for id, own in by_answer.items():
        chosen = [v for v in own if v.source != JUDGE] or own
        chosen = [v for v in chosen if not v.name] or chosen
        scores[id] = sum(v.score for v in chosen) / len(chosen)
    return scores
