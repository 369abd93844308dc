"""The composition root: the configuration -> every part, once.

The only file that calls the constructors of parts. A reload builds anew.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from gateway import gauges
from gateway.accounts import Accounts
from gateway.batch.caller import Caller
from gateway.batch.engine import Engine
from gateway.batch.ledger import Ledger
from gateway.config.load import Loaded
from gateway.config.models_file import catalogue
from gateway.config.schema import Config
from gateway.credentials.wallet import Wallet
from gateway.deployer import Deployer, origins, proxies
from gateway.deployments import Directory
from gateway.endpoints.native.named import Named
from gateway.endpoints.native.owned import Objects
from gateway.endpoints.responses.conversations import Conversations
from gateway.endpoints.responses.doors import Memory
from gateway.endpoints.responses.jobs import Jobs
from gateway.endpoints.responses.kept import Keeper
from gateway.govern.keys import Keyring
from gateway.learning.decisions import Decisions
from gateway.learning.lessons import Lessons
from gateway.learning.scores import Scores
from gateway.net.client import Client
from gateway.net.loopback import Loopback
from gateway.spine.attempt import Means
from gateway.spine.collect import Collector
from gateway.spine.conduct.conductor import Conductor
from gateway.spine.dispatch import Dispatch
from gateway.spine.fetch import Fetcher
from gateway.spine.realtime import Sessions
from gateway.spine.record import Recorder, Sink
from gateway.spine.remotes import Remotes
from gateway.spine.way import Way
from gateway.store.contract import Store
from gateway.store.files import Files
from gateway.store.open import files_folder, open_store
from gateway.sweep import DAY_S, Sweep
from gateway.telemetry import process
from gateway.telemetry.context import Propagation
from gateway.telemetry.logs import Logs, set_up
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.prometheus import (
    OPENMETRICS,
    TEXT,
    Prometheus,
    wants_openmetrics,
)
from gateway.telemetry.redact import Redactor
from gateway.telemetry.setup import Telemetry
from gateway.telemetry.workers import Workers
from routing.book import seeded


class Parts:
    """Everything that runs in one process, until `close`."""

    def __init__(
        self,
        *,
        dispatch: Dispatch,
        propagation: Propagation,
        store: Store,
        redactor: Redactor,
        metrics: Metrics,
        metrics_key: str,
        metrics_page: bool,
        prometheus: Prometheus,
        recorder: Recorder,
        telemetry: Telemetry,
        logs: Logs,
        client: Client,
        fetcher: Fetcher,
        sweep: Sweep,
        memory: Memory,
        wallet: Wallet,
        accounts: Accounts,
        sessions: Sessions,
        engine: Engine,
        decisions: Decisions,
        lessons: Lessons,
        scores: Scores,
        scratch: ExitStack,
    ) -> None:
        self.dispatch = dispatch
        self.propagation = propagation
        self.store = store
        self.accounts = accounts
        self.sessions = sessions
        self.engine = engine
        self.lessons = lessons
        self.scores = scores
        self._decisions = decisions
        self._scratch = scratch
        self.redactor = redactor
        self.memory = memory
        self.metrics_key = metrics_key
        self.metrics_page = metrics_page
        """Whether `/metrics` is served."""
        self._metrics = metrics
        self._prometheus = prometheus
        self._recorder = recorder
        self._telemetry = telemetry
        self._logs = logs
        self._client = client
        self._fetcher = fetcher
        self._sweep = sweep
        self._wallet = wallet

    async def render_metrics(self, accept: str) -> tuple[str, bytes]:
        """Content type and body of the metrics page; made in a thread, it may be
        large."""
        openmetrics = wants_openmetrics(accept)
        render = partial(self._prometheus.render, openmetrics=openmetrics)
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(None, render)
        return OPENMETRICS if openmetrics else TEXT, body

    async def close(self) -> None:
        """Write what waits, let go of everything; in the order in which it is used."""
        loop = asyncio.get_running_loop()
        await self.memory.jobs.close()
        await self._sweep.close()
        await self.engine.close()
        await self._decisions.close()
        await self.lessons.close()
        await loop.run_in_executor(None, self._recorder.close)
        await loop.run_in_executor(None, self._telemetry.close)
        await self._wallet.aclose()
        await self._client.aclose()
        await self._fetcher.client.aclose()
        await self.store.close()
        self._scratch.close()
        self._logs.close()


async def build(
    loaded: Loaded, version: str, state: Mapping[str, Any], share: Path | None = None
) -> Parts:
    """Every part, started.

    `state` is the server's: `state["server"]` counts its connections. `share` is the
    directory in which several workers add up their metrics.

    Raises:
        StoreError: the store cannot be opened.
        SecretError: a reference does not resolve.
    """
    config, secrets = loaded.config, loaded.secrets
    master = secrets.resolve(config.keys.master) if config.keys.master else ""
    metrics_key = config.telemetry.metrics_key
    if metrics_key:
        metrics_key = secrets.resolve(metrics_key)
    otlp = {n: secrets.text(v) for n, v in config.telemetry.otlp_headers.items()}
    store = await open_store(config.store)
    client = Client(
        config.egress,
        allow_hosts=origins(config, secrets),
        proxies=proxies(config, secrets),
    )
    redactor = Redactor([master, metrics_key, *otlp.values()])
    logs = set_up(config.logs, redactor)
    logs.start()
    wallet = Wallet(config.egress, secrets, redactor)
    deployer = Deployer(
        config, secrets, catalogue(config), client, Loopback(), wallet, redactor
    )
    directory = deployer.directory()
    deployer.book.ready()
    accounts = deployer.accounts()
    metrics = Metrics(started_unix_ns=time.time_ns())
    telemetry = Telemetry(
        msgspec.structs.replace(config.telemetry, otlp_headers=otlp),
        metrics,
        version=version,
    )
    workers = Workers(share, metrics) if share is not None else None
    sinks = [metrics, logs.lines, telemetry.spans, workers]
    gather = metrics.snapshot if workers is None else workers.gather
    recorder = _recorder(config, store, redactor, [s for s in sinks if s is not None])
    fetcher = Fetcher(config.fetch, config.egress)
    learning = config.routing.learning
    keep_s = learning.feedback_days * DAY_S
    decisions = Decisions(store, keep_s)
    lessons = Lessons(store, deployer.book, learning.sync_s)
    scores = Scores(
        store,
        directory,
        decisions,
        learning.full_scores,
        keep_s,
        config.routing.judge.full_scores,
    )
    means = Means(telemetry.propagation, fetcher)
    remotes = Remotes(client)
    way = Way(directory, config.cooldown, means, remotes, seeded())
    dispatch = Dispatch(
        keyring=Keyring(store, master, config.keys.cache_s),
        directory=directory,
        way=way,
        remotes=remotes,
        conductor=Conductor(way, remotes, directory),
        recorder=recorder,
        decisions=decisions,
        total_s=config.timeouts.total_s,
        keep_content=config.records.content or telemetry.wants_content,
        collects=config.records.enabled and config.routing.collect != "off",
        owns=Named(Objects(store)).check,
    )
    scratch = ExitStack()
    engine = Engine(
        Ledger(store, config.batches.keep_days * DAY_S),
        _files(config, store, scratch),
        Caller(dispatch, telemetry.propagation),
        dispatch.keyring,
        config.batches,
    )
    sweep = Sweep(store, config.records.keep_days * DAY_S)
    parts = Parts(
        dispatch=dispatch,
        propagation=telemetry.propagation,
        store=store,
        redactor=redactor,
        metrics=metrics,
        metrics_key=metrics_key,
        metrics_page=config.telemetry.metrics,
        prometheus=Prometheus(gather, telemetry.semconv),
        recorder=recorder,
        telemetry=telemetry,
        logs=logs,
        client=client,
        fetcher=fetcher,
        sweep=sweep,
        memory=_memory(store, config.responses.keep_days * DAY_S, accounts, directory),
        wallet=wallet,
        accounts=accounts,
        sessions=Sessions(client, way, telemetry.propagation, config.realtime),
        engine=engine,
        decisions=decisions,
        lessons=lessons,
        scores=scores,
        scratch=scratch,
    )
    process.register(metrics, version)
    server = state.get("server")
    gauges.register(metrics, dispatch, recorder, client, deployer.book, scores, server)
    recorder.start()
    telemetry.start()
    engine.start()
    decisions.start()
    await lessons.start()
    if config.records.keep_days:
        sweep.start()
    return parts


def _recorder(
    config: Config, store: Store, redactor: Redactor, sinks: list[Sink]
) -> Recorder:
    return Recorder(
        store=store if config.records.enabled else None,
        sinks=sinks,
        redactor=redactor,
        buffer=config.records.buffer,
        content=config.records.content,
        collector=Collector(redactor, text=config.routing.collect == "text"),
    )


def _memory(
    store: Store, keep_s: float, accounts: Accounts, directory: Directory
) -> Memory:
    keeper = Keeper(store, keep_s, accounts)
    return Memory(keeper, Conversations(store, keep_s), Jobs(keeper), directory)


def _files(config: Config, store: Store, scratch: ExitStack) -> Files:
    folder = files_folder(config)
    if folder is None:
        made = TemporaryDirectory(prefix="routeiq-files-")
        folder = Path(scratch.enter_context(made))
    return Files(store, folder, config.files.total_bytes)
