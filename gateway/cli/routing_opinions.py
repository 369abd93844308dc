"""`routeiq routing judge`: a model's opinion of recorded answers, as feedback."""

import argparse
import asyncio
from collections import Counter
from typing import Final

import httpx
import msgspec

from gateway.cli.commands import CANNOT_START, OK, PROBLEM
from gateway.cli.opening import opened
from gateway.cli.routing_answers import ASKED, answer, question, words
from gateway.cli.routing_data import entries
from gateway.cli.show import err, out, table
from gateway.config.check_models import answers
from gateway.config.load import Loaded
from gateway.config.routed import Judge
from gateway.config.secrets import SecretError
from gateway.store.contract import Store, StoreError
from gateway.store.open import open_store
from gateway.telemetry.row import (
    FEEDBACK_LOG,
    LOG,
    Row,
    decode_feedback,
    decode_row,
)
from routing.lab.judging import asked, drawn, read_score
from routing.lab.votes import JUDGE

TIMEOUT_S: Final = 120.0


class _Stopped(Exception):
    """The judge cannot go on; says why."""


def judge(arguments: argparse.Namespace) -> int:
    """Ask until all of the sample is judged, or the money is spent."""
    loaded = opened(arguments.config or "routeiq.yaml")
    if loaded is None:
        return PROBLEM
    settings = loaded.config.routing.judge
    if not settings.model or not answers(loaded.config, settings.model):
        err("routeiq: set `routing.judge.model` to an alias of the configuration")
        return PROBLEM
    try:
        counted, spent = asyncio.run(_run(arguments, loaded, settings))
    except StoreError as error:
        err(f"routeiq: the store {loaded.config.store.url}: {error}")
        return CANNOT_START
    except (_Stopped, SecretError, httpx.HTTPError) as error:
        err(f"routeiq: {error}")
        return PROBLEM
    if arguments.json:
        out(msgspec.json.encode({"spent_usd": spent, **counted}).decode())
    else:
        rows = [(what, str(count)) for what, count in counted.items()]
        out(table(("what", "value"), [*rows, ("spent", f"${spent:.6f}")]))
    return OK


async def _run(
    arguments: argparse.Namespace, loaded: Loaded, settings: Judge
) -> tuple[dict[str, int], float]:
    master = loaded.config.keys.master
    key = loaded.secrets.resolve(master) if master else "none"
    store = await open_store(loaded.config.store)
    try:
        async with httpx.AsyncClient(
            base_url=arguments.url,
            headers={"authorization": f"Bearer {key}"},
            timeout=TIMEOUT_S,
        ) as client:
            bench = _Bench(store, client, settings)
            await bench.sit()
    finally:
        await store.close()
    return bench.counted(), bench.spent


class _Bench:
    """One run: who is judged, what it costs."""

    def __init__(
        self,
        store: Store,
        client: httpx.AsyncClient,
        settings: Judge,
    ) -> None:
        self._store = store
        self._client = client
        self._settings = settings
        self._count: Counter[str] = Counter()
        self.spent = 0.0
        """US dollars."""

    def counted(self) -> dict[str, int]:
        """What became of the sample."""
        names = ("judged", "judged before", "no text kept", "no score in the reply")
        return {
            name: self._count[name] for name in (*names, "not afforded", "taught from")
        }

    async def sit(self) -> None:
        """Judge the sample, oldest first."""
        before = set()
        async for entry in entries(self._store, FEEDBACK_LOG):
            said = decode_feedback(entry.data)
            if said.source == JUDGE:
                before.add(said.id)
        async for entry in entries(self._store, LOG):
            row = decode_row(entry.data)
            if not self._is_judged(row):
                continue
            if row.id in before:
                self._count["judged before"] += 1
            else:
                await self._judge(row)

    def _is_judged(self, row: Row) -> bool:
        settings = self._settings
        return (
            bool(row.deployment)
            and row.operation in ASKED
            and not row.error
            and row.plan is not None
            and row.alias != settings.model
            and drawn(row.id, settings.share)
        )

    async def _judge(self, row: Row) -> None:
        wanted, said = question(row), answer(row)
        if not wanted or not said:
            self._count["no text kept"] += 1
            return
        # What one opinion costs, the next one will.
        likely = self.spent / max(self._count["asked"], 1)
        if self.spent + likely > self._settings.budget_usd:
            self._count["not afforded"] += 1
            return
        score = await self._opinion(wanted, said)
        if score is None:
            self._count["no score in the reply"] += 1
            return
        await self._tell(row.id, score)

    async def _tell(self, id: str, score: float) -> None:
        """The gateway keeps it, and teaches whoever learns while serving."""
        said = {
            "id": id,
            "score": score,
            "comment": f"by {self._settings.model}",
            "source": JUDGE,
        }
        reply = await self._client.post("/v1/feedback", json=said)
        if reply.status_code not in (200, 201):
            raise _Stopped(f"the score was answered {reply.status_code}: {_why(reply)}")
        told = reply.json()
        self._count["judged" if told["accepted"] else "judged before"] += 1
        self._count["taught from"] += told["weight"] > 0.0

    async def _opinion(self, question: str, answer: str) -> float | None:
        settings = self._settings
        body = asked(settings.model, settings.rubric, question, answer)
        reply = await self._client.post("/v1/chat/completions", json=body)
        if reply.status_code != 200:
            raise _Stopped(
                f"{settings.model} answered {reply.status_code}: {_why(reply)}"
            )
        cost = reply.headers.get("x-routeiq-cost-usd")
        if cost is None and settings.budget_usd > 0.0:
            raise _Stopped(
                f"the price of {settings.model} is not known, so no budget can be"
                " held: set `price` on its deployments, or `budget_usd: 0` where it"
                " costs nothing"
            )
        self._count["asked"] += 1
        self.spent += float(cost or 0.0)
        return read_score(words(reply.content))


def _why(reply: httpx.Response) -> str:
    try:
        return str(reply.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return reply.text[:200]
