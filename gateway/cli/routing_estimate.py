"""`routeiq routing estimate`: what others would have been worth, from records alone."""

import argparse
import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np

from gateway.cli.commands import CANNOT_START, OK, PROBLEM
from gateway.cli.opening import opened
from gateway.cli.routing_data import entries
from gateway.cli.show import err, out, table
from gateway.config.schema import Config
from gateway.store.contract import StoreError
from gateway.store.open import open_store
from gateway.telemetry.row import FEEDBACK_LOG, LOG, Row, decode_feedback, decode_row
from routing.lab.ope import Doubles, Estimate, Log, Range, Terms, estimate
from routing.lab.votes import Given, Vote, labels

SAID: Final = {
    "enough": "holds",
    "too_few_rows": "nothing: too few rows that it would have served alike",
    "no_support": "nothing: it does what was next to never tried; let some explore",
}
"""What is concluded, for people."""


class _Served(msgspec.Struct):
    """An exchange whose first choice served."""

    id: str
    deployment: str
    odds: dict[str, float]
    shadows: dict[str, str]
    """Strategy -> whom it would have put first."""
    cost: float | None


class _Records(msgspec.Struct):
    served: dict[str, list[_Served]] = {}
    """Alias -> its exchanges."""
    given: dict[str, Given] = {}
    votes: list[Vote] = []


def estimates(arguments: argparse.Namespace) -> int:
    """Tell, for each model, what always the same deployment and what each shadow would
    have been worth."""
    loaded = opened(arguments.config or "routeiq.yaml", demand=False)
    if loaded is None:
        return PROBLEM
    try:
        records = asyncio.run(_records(loaded.config))
    except StoreError as error:
        err(f"routeiq: the store {loaded.config.store.url}: {error}")
        return CANNOT_START
    made = labels(records.votes, records.given, time.time_ns(), arguments.key_share)
    terms = Terms(least=arguments.least, confidence=arguments.confidence)
    told = [
        line
        for alias, served in sorted(records.served.items())
        if arguments.model in (None, alias)
        for line in _told(alias, served, made.scores, terms)
    ]
    if not told:
        err(
            "routeiq: no answer of a model with several deployments was scored:"
            " POST /v1/feedback, or `routeiq routing judge`"
        )
        return PROBLEM
    if arguments.json:
        found = {"estimates": told, "refused_votes": made.refused}
        out(msgspec.json.encode(found).decode())
    else:
        out(_shown(told))
    return OK


def _told(
    alias: str, served: list[_Served], scores: Mapping[str, float], terms: Terms
) -> Iterator[dict[str, Any]]:
    scored = [one for one in served if one.id in scores]
    names = sorted({name for one in scored for name in one.odds})
    if len(names) < 2:
        return
    place = {name: i for i, name in enumerate(names)}
    odds = np.array([[one.odds.get(n, 0.0) for n in names] for one in scored])
    done = np.array([place[one.deployment] for one in scored])
    quality = Log(odds, done, np.array([scores[one.id] for one in scored]))
    paid = np.array([one.cost is not None for one in scored])
    costs = np.array([one.cost or 0.0 for one in scored])
    for target, (rows, chosen) in _targets(scored, place, odds):
        found = estimate(_of(quality, rows), chosen, terms=terms)
        spent = None
        if paid[rows].any():
            both = rows & paid
            log = _of(quality._replace(reward=costs), both)
            spent = estimate(log, chosen[paid[rows]], terms=terms).robust
        yield _line(alias, target, found, spent)


def _of(log: Log, rows: Doubles) -> Log:
    return Log(log.odds[rows], log.done[rows], log.reward[rows])


def _targets(
    scored: list[_Served], place: Mapping[str, int], odds: Doubles
) -> Iterator[tuple[str, tuple[Any, Doubles]]]:
    """Name -> the rows on which it is known what it does, and that."""
    every = np.ones(len(scored), bool)
    yield "what was recorded", (every, odds)
    sure = np.eye(len(place))
    for name, at in place.items():
        yield f"always {name}", (every, np.tile(sure[at], (len(scored), 1)))
    for shadow in sorted({name for one in scored for name in one.shadows}):
        chosen = [place.get(one.shadows.get(shadow, ""), -1) for one in scored]
        known = np.array([at >= 0 for at in chosen])
        if known.any():
            yield f"strategy {shadow}", (known, sure[[a for a in chosen if a >= 0]])


def _line(
    alias: str, target: str, found: Estimate, spent: Range | None
) -> dict[str, Any]:
    return {
        "model": alias,
        "target": target,
        "verdict": found.verdict,
        "rows": found.rows,
        "effective_rows": round(found.effective, 1),
        "unseen": round(found.unseen, 4),
        "quality": {
            "ips": _range(found.ips),
            "snips": _range(found.snips),
            "doubly_robust": _range(found.robust),
            "gain": _range(found.gain),
        },
        "cost_usd": None if spent is None else _range(spent),
    }


def _range(found: Range) -> dict[str, float | None]:
    return {
        name: value if math.isfinite(value) else None
        for name, value in found._asdict().items()
    }


def _shown(told: list[dict[str, Any]]) -> str:
    rows = [
        (
            one["model"],
            one["target"],
            _figure(one["quality"]["doubly_robust"]),
            f"{one['quality']['snips']['mean']:.3f}",
            f"{one['quality']['ips']['mean']:.3f}",
            "" if one["cost_usd"] is None else f"{one['cost_usd']['mean']:.6f}",
            f"{one['effective_rows']:.0f} of {one['rows']}",
            SAID[one["verdict"]],
        )
        for one in told
    ]
    head = ("model", "what", "quality", "snips", "ips", "usd", "effective", "concluded")
    return table(head, rows)


def _figure(found: Mapping[str, float | None]) -> str:
    if found["low"] is None or found["high"] is None:
        return f"{found['mean']:.3f}"
    return f"{found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


async def _records(config: Config) -> _Records:
    store = await open_store(config.store)
    records = _Records()
    served: defaultdict[str, list[_Served]] = defaultdict(list)
    try:
        async for entry in entries(store, LOG):
            row = decode_row(entry.data)
            if one := _served(row):
                records.given[row.id] = Given(key=row.key, at_ns=row.at_ns)
                served[row.alias].append(one)
        async for entry in entries(store, FEEDBACK_LOG):
            said = decode_feedback(entry.data)
            vote = Vote(
                id=said.id,
                at_ns=said.at_ns,
                score=said.score,
                key=said.key,
                name=said.name,
                source=said.source,
            )
            records.votes.append(vote)
    finally:
        await store.close()
    records.served = dict(served)
    return records


def _served(row: Row) -> _Served | None:
    """`None`: it failed, or who served was not drawn but stepped in, or believed among
    several."""
    order = row.plan.order if row.plan is not None else ()
    if row.plan is None or row.error or not order or row.plan.steps:
        return None
    if order[0].candidate != row.deployment:
        return None
    return _Served(
        id=row.id,
        deployment=row.deployment,
        odds={step.candidate: step.propensity for step in order},
        shadows={s.strategy: s.candidate for s in row.plan.shadows},
        cost=None if row.cost_nano is None else row.cost_nano / 1e9,
    )
