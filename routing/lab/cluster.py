"""Training on a Dask cluster, from a table that need not fit in memory.

Everything but the trees learns from a sample that does fit; the trees, which are most
of the work, learn from every row, with LightGBM's own distributed learner: each worker
keeps its part of the rows, and they agree on every split over sockets of their own.
Workers read the table themselves, so it must be at the same path everywhere.
"""

import hashlib
import socket
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import lightgbm
import msgspec
import numpy as np
import numpy.typing as npt

from routing.lab import pieces, trees
from routing.lab.pieces import Piece
from routing.lab.table import TableError, parsed
from routing.lab.train import Trained, train
from routing.learned.artifact import Artifact
from routing.learned.model import Model

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Names = npt.NDArray[np.uint64]

SAMPLE: Final = 50_000
"""Rows that everything but the trees learns from."""
EACH: Final = 4
"""Pieces for each worker, so that all end at about the same time."""
LEAST_STRETCH: Final = 16 * 1024
PATIENCE_S: Final = 30
"""To reach the scheduler."""
NETWORK_MINUTES: Final = 5
"""That LightGBM's workers wait for each other."""


class Part(NamedTuple):
    """Rows for the trees, and their outcomes."""

    rows: Floats
    quality: Doubles


class Plan(NamedTuple):
    """Which rows are whose."""

    kept: list[list[int]]
    """Of each piece: the places of rows whose prompt has not come before."""
    least: int
    """Names up to this are of the sample."""
    rows: int
    duplicates: int


def train_on(
    path: Path,
    scheduler: str,
    *,
    seed: int = 0,
    sample: int = SAMPLE,
) -> Trained:
    """Learn from every row, on the workers of `scheduler`.

    Raises:
        TableError: the table cannot be learned from.
        ClusterError: the cluster cannot be had, or fails.
    """
    with _client(scheduler) as client:
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            raise ClusterError(f"{scheduler} has no workers")
        path = path.absolute()
        places = pieces.pieces(path, _stretch(path, len(workers)))
        head = pieces.head(path)
        named = client.gather(client.map(_names, places, pure=False))
        plan = planned(named, sample)
        found = client.gather(
            client.map(_sample, places, plan.kept, least=plan.least, pure=False)
        )
        drawn = [line for lines in found for line in lines]
        table = parsed(path, [head, *drawn], digest(path))
        table.duplicates = plan.duplicates
        trained = train(table, seed)
        booster = _grown(client, workers, places, plan, trained, seed)
    manifest = msgspec.structs.replace(
        trained.artifact.manifest,
        data=trained.artifact.manifest.data
        | {"rows": plan.rows, "sample": len(table), "workers": len(workers)},
    )
    made = msgspec.structs.replace(trained.artifact, manifest=manifest, trees=booster)
    return trained._replace(artifact=made)


class ClusterError(Exception):
    """The cluster cannot be had, or fails."""


def planned(named: Sequence[Names], sample: int) -> Plan:
    """What to read of each piece, of the names of all its rows: each prompt once, where
    it comes first, and of those the sample that the least names are."""
    everyone = np.concatenate([np.asarray(n, np.uint64) for n in named])
    unique, first = np.unique(everyone, return_index=True)
    if not len(unique):
        raise TableError("the table has no rows")
    mask = np.zeros(len(everyone), bool)
    mask[first] = True
    ends = np.cumsum([len(n) for n in named])[:-1]
    kept = [np.flatnonzero(part).tolist() for part in np.split(mask, ends)]
    least = int(unique[min(sample, len(unique)) - 1])
    return Plan(kept, least, len(unique), len(everyone) - len(unique))


def digest(path: Path) -> str:
    """SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stretch(path: Path, workers: int) -> int:
    """Bytes of a piece: several for each worker, none too large."""
    size = path.stat().st_size if path.is_file() else 0
    return max(LEAST_STRETCH, min(pieces.STRETCH, size // (EACH * workers) + 1))


# on the workers


def _names(piece: Piece) -> Names:
    return np.array([pieces.name(line) for line in pieces.lines(piece)], np.uint64)


def _sample(piece: Piece, kept: list[int], *, least: int) -> list[bytes]:
    return [line for line in _kept(piece, kept) if pieces.name(line) <= least]


def _kept(piece: Piece, kept: list[int]) -> list[bytes]:
    wanted = set(kept)
    return [line for i, line in enumerate(pieces.lines(piece)) if i in wanted]


def _part(
    piece: Piece, kept: list[int], artifact: Artifact, head: bytes, least: int
) -> Part | None:
    """Rows that the heads have not learned from: what they say of them is honest."""
    lines = [line for line in _kept(piece, kept) if pieces.name(line) > least]
    if not lines:
        return None
    model = Model(artifact)
    table = parsed(Path(piece.path), [head, *lines], "")
    rows = [model.columns(sketch) for sketch in table.sketches]
    return Part(np.concatenate(rows), table.quality.reshape(-1))


def _port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        port: int = free.getsockname()[1]
        return port


def _grow(
    parts: list[Part], machines: list[str], own: str, total: int, seed: int
) -> str:
    """This worker's share of the trees' growing; all workers end with the same."""
    there = [part for part in parts if part is not None]
    rows = np.concatenate([part.rows for part in there])
    quality = np.concatenate([part.quality for part in there])
    settings = trees.settings(total, seed) | {
        "tree_learner": "data",
        "pre_partition": True,
        "num_machines": len(machines),
        "machines": ",".join(machines),
        "local_listen_port": int(own.rpartition(":")[2]),
        "time_out": NETWORK_MINUTES,
    }
    data = lightgbm.Dataset(rows, quality, categorical_feature=[0])
    text: str = lightgbm.train(settings, data, trees.ROUNDS).model_to_string()
    return text


# on this side


def _grown(
    client: Any,
    workers: list[str],
    places: list[Piece],
    plan: Plan,
    trained: Trained,
    seed: int,
) -> str:
    head = msgspec.json.encode({"models": trained.artifact.manifest.models})
    own: list[list[Any]] = [[] for _ in workers]
    artifact = client.scatter(trained.artifact, broadcast=True)
    for i, (piece, kept) in enumerate(zip(places, plan.kept, strict=True)):
        at = i % len(workers)
        own[at].append(
            client.submit(
                *(_part, piece, kept, artifact, head, plan.least),
                workers=[workers[at]],
                pure=False,
            )
        )
    # What the heads have seen is told with what they said when left out.
    width = trained.columns.shape[-1]
    split = np.array_split(np.arange(len(trained.columns)), len(workers))
    for i, (worker, rows) in enumerate(zip(workers, split, strict=True)):
        told = Part(
            trained.columns[rows].reshape(-1, width), trained.quality[rows].reshape(-1)
        )
        own[i].append(client.scatter(told, workers=[worker]))
    ports = client.run(_port, workers=workers)
    machines = [f"{_host(w)}:{ports[w]}" for w in workers]
    total = plan.rows * trained.quality.shape[1]
    grown = [
        client.submit(
            *(_grow, parts, machines, machine, total, seed),
            workers=[worker],
            pure=False,
        )
        for worker, machine, parts in zip(workers, machines, own, strict=True)
    ]
    first, *others = client.gather(grown)
    if any(_trees(other) != _trees(first) for other in others):
        raise ClusterError("the workers ended with different trees")
    return str(first)


def _trees(text: str) -> str:
    """A model without its settings, in which each worker names its own port."""
    return text.partition("\nparameters:")[0]


def _host(worker: str) -> str:
    return worker.partition("://")[2].rpartition(":")[0]


def _client(scheduler: str) -> Any:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        message = "a cluster needs the extra `cluster`: pip install 'routeiq[cluster]'"
        raise ClusterError(message) from None
    try:
        return distributed.Client(scheduler, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        raise ClusterError(f"{scheduler} cannot be reached: {error}") from None
