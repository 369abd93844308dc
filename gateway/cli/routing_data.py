"""`routeiq routing dataset`: what there is to learn from, as outcome tables."""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from gateway.cli.commands import CANNOT_START, OK, PROBLEM
from gateway.cli.opening import opened
from gateway.cli.routing_prices import Prices
from gateway.cli.show import err, out, table
from gateway.config.schema import Config
from gateway.store.contract import Entry, Store, StoreError
from gateway.store.open import open_store
from gateway.telemetry.row import (
    FEEDBACK_LOG,
    LOG,
    Row,
    Try,
    decode_feedback,
    decode_row,
)
from routing.lab.lines import Line, Lines, read_lines, split, write_lines
from routing.lab.logged import Answer, gathered
from routing.lab.votes import Given, Labels, Vote, labels

PAGE: Final = 200


class _Found(msgspec.Struct):
    """What the store holds."""

    prices: Prices
    answers: list[Answer] = []
    given: dict[str, Given] = {}
    votes: list[Vote] = []
    unread: int = 0
    """Exchanges of which no prompt was kept."""


def dataset(arguments: argparse.Namespace) -> int:
    """Write what is to be learned from, and what is held back."""
    refused: dict[str, int] = {}
    if arguments.data:
        lines = read_lines(Path(arguments.data))
    else:
        loaded = opened(arguments.config or "routeiq.yaml", demand=False)
        if loaded is None:
            return PROBLEM
        try:
            found = asyncio.run(_found(loaded.config))
        except StoreError as error:
            err(f"routeiq: the store {loaded.config.store.url}: {error}")
            return CANNOT_START
        made = labels(found.votes, found.given, time.time_ns(), arguments.key_share)
        lines, refused = gathered(found.answers, made.scores), made.refused
        lines.prices = found.prices.rates(lines.models)
        if not lines.lines:
            err(_nothing(found, made))
            return PROBLEM
    _write(arguments, lines, refused)
    return OK


def _write(
    arguments: argparse.Namespace, lines: Lines, refused: dict[str, int]
) -> None:
    kept = lines.lines
    held: list[Line] = []
    if arguments.held:
        kept, held = split(lines, arguments.split, arguments.held_share)
        write_lines(Path(arguments.held), lines.name, lines.models, held, lines.prices)
    write_lines(Path(arguments.output), lines.name, lines.models, kept, lines.prices)
    said = {
        "rows": len(kept),
        "held": len(held),
        "duplicates": lines.duplicates,
        "models": lines.models,
        "refused": refused,
    }
    if arguments.json:
        out(msgspec.json.encode(said).decode())
        return
    rows = [
        ("prompts to learn from", str(len(kept))),
        ("prompts held back", str(len(held))),
        ("repeated prompts, merged", str(lines.duplicates)),
        ("models", ", ".join(lines.models)),
        *((f"votes refused: {why}", str(n)) for why, n in sorted(refused.items())),
    ]
    out(table(("what", "value"), rows))


def _nothing(found: _Found, made: Labels) -> str:
    """Why there is nothing to learn from, and what to do."""
    if found.unread and not found.answers:
        return (
            f"routeiq: {found.unread} exchanges, but no prompt was kept: set"
            " `routing.collect: sketch` (or `text`) and let some traffic pass"
        )
    if not found.votes:
        return (
            f"routeiq: {len(found.answers)} answers, but nobody said how good they"
            " were: POST /v1/feedback, or `routeiq routing judge`"
        )
    return f"routeiq: no vote counts: {made.refused or 'none is of a kept answer'}"


async def _found(config: Config) -> _Found:
    store = await open_store(config.store)
    found = _Found(Prices(config))
    bases = _bases(config)
    names: dict[str, str] = {}
    try:
        async for entry in entries(store, LOG):
            row = decode_row(entry.data)
            for tried in row.attempts:
                own = bases.get(tried.deployment) or f"{tried.provider}/{tried.model}"
                names[tried.deployment] = own
            if not row.deployment or row.plan is None or row.error:
                continue
            if not row.plan.is_of_one:
                continue
            found.given[row.id] = Given(key=row.key, at_ns=row.at_ns)
            if row.sketch or row.prompt:
                found.answers.append(_answer(row, names, found.prices))
            else:
                found.unread += 1
        async for entry in entries(store, FEEDBACK_LOG):
            said = decode_feedback(entry.data)
            found.votes.append(
                Vote(
                    id=said.id,
                    at_ns=said.at_ns,
                    score=said.score,
                    key=said.key,
                    name=said.name,
                    source=said.source,
                )
            )
    finally:
        await store.close()
    # Only now is every deployment known by its model.
    found.answers = [_named(answer, names) for answer in found.answers]
    return found


async def entries(store: Store, log: str) -> AsyncIterator[Entry]:
    """A whole log, oldest first."""
    after = 0
    while page := await store.read(log, after, PAGE):
        for entry in page:
            yield entry
        after = page[-1].id


def _bases(config: Config) -> dict[str, str]:
    """Deployments that say what model they are -> that model."""
    return {
        entry.id: entry.base_model
        for model in config.models.values()
        for entry in model.deployments
        if entry.id and entry.base_model
    }


def _answer(row: Row, names: dict[str, str], prices: Prices) -> Answer:
    """Odds are by deployment here."""
    order, cost = row.plan.order if row.plan is not None else (), row.cost_nano
    own = _own(row)
    if row.plan is not None and row.plan.steps:
        # Who was believed was not drawn, and what the others cost is not its price.
        order, cost = (), None
    if own is not None:
        cost = prices.cost(names[row.deployment], own)
    first = bool(order) and order[0].candidate == row.deployment
    return Answer(
        id=row.id,
        model=names[row.deployment],
        alias=row.alias,
        group=row.user or row.key,
        cost=None if cost is None else cost / 1e9,
        # Who stepped in for another was not drawn.
        odds={s.candidate: s.propensity for s in order} if first else {},
        prompt=row.prompt,
        sketch=row.sketch,
    )


def _own(row: Row) -> Try | None:
    """The attempt whose answer was given."""
    for tried in reversed(row.attempts):
        if tried.deployment == row.deployment and not tried.error:
            return tried
    return None


def _named(answer: Answer, names: dict[str, str]) -> Answer:
    odds: dict[str, float] = {}
    for deployment, chance in answer.odds.items():
        # One that was never asked has no answers to learn from either.
        model = names.get(deployment)
        if model is not None:
            odds[model] = odds.get(model, 0.0) + chance
    return msgspec.structs.replace(answer, odds=odds)
