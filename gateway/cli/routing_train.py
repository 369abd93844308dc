"""`routeiq routing train|centroids`: from outcome tables to what serves."""

import argparse
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from gateway.cli.commands import OK, USAGE
from gateway.cli.show import err, out, table
from routing.lab.cascade import Arms
from routing.lab.centroids import EACH
from routing.lab.centroids import learn as learn_centroids
from routing.lab.cluster import train_on
from routing.lab.completion import read_table
from routing.lab.evaluate import predicted, report
from routing.lab.split import held
from routing.lab.table import Table, read
from routing.lab.train import Trained, train
from routing.learned.artifact import Manifest
from routing.learned.centroids import Source
from routing.learned.centroids import write as write_centroids
from routing.learned.model import GBDT
from routing.learned.signature import Signer, signer


def learn(arguments: argparse.Namespace) -> int:
    """Write an artifact."""
    key = _signer(arguments.sign)
    if arguments.engine == "dask":
        here = arguments.limit or arguments.split or arguments.cascade
        if not arguments.scheduler or here:
            err(
                "routeiq: --engine dask wants --scheduler ADDRESS, and takes none of"
                " --limit, --split and --cascade"
            )
            return USAGE
        trained = train_on(
            Path(arguments.data),
            arguments.scheduler,
            seed=arguments.seed,
            sample=arguments.sample,
        )
    elif arguments.split:
        trained = _held_back(arguments)
    else:
        data = read_table(Path(arguments.data), arguments.limit, arguments.seed)
        wide = _widened(arguments, data, np.arange(len(data)))
        trained = train(wide, arguments.seed)
    digest = trained.write(Path(arguments.out), key)
    manifest = trained.artifact.manifest
    if arguments.json:
        said = {"artifact": arguments.out, "digest": digest}
        out(msgspec.json.encode(said | msgspec.to_builtins(manifest)).decode())
    else:
        out(_summary(manifest))
        out(f"\n{arguments.out} is written ({digest[:12]})")
    return OK


def _held_back(arguments: argparse.Namespace) -> Trained:
    """Learned from a part, with what it is worth on the other."""
    data, seed = read_table(Path(arguments.data)), arguments.seed
    fold = held(data, arguments.split, seed)
    rows = fold.train
    if arguments.limit is not None and arguments.limit < len(rows):
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[: arguments.limit])
    data = _widened(arguments, data, rows)
    trained = train(data.take(rows), seed)
    other = data.take(fold.test)
    judged = predicted(trained.artifact, other)
    found = report(other, judged, arguments.split, seed).routers[GBDT]
    level = found.levels["0.99"]
    manifest = trained.artifact.manifest
    told = {
        "held_rows": float(len(other)),
        "held_ece": found.ece,
        "held_saved_99": level.nested,
        "held_quality_99": level.quality,
    }
    manifest = replace(manifest, metrics=manifest.metrics | told)
    return trained._replace(artifact=replace(trained.artifact, manifest=manifest))


def _widened(
    arguments: argparse.Namespace, data: Table, rows: npt.NDArray[np.int64]
) -> Table:
    """With the best cascades of `rows`, where they are asked for."""
    if not arguments.cascade:
        return data
    return Arms(arguments.wrong_agreement, arguments.seed).widened(data, rows)


def centroids(arguments: argparse.Namespace) -> int:
    """Write kinds of prompts, and what they need."""
    tables = [read(Path(file)) for file in arguments.data]
    found = learn_centroids(tables, arguments.seed)
    sources = [Source(t.name, min(len(t), EACH), arguments.licence) for t in tables]
    write_centroids(Path(arguments.out), found, sources)
    out(f"{len(found.gains)} kinds of prompts are written to {arguments.out}")
    return OK


def _signer(file: str | None) -> Signer | None:
    if file is None:
        return None
    try:
        return signer(Path(file).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _summary(manifest: Manifest) -> str:
    rows = [
        ("rows", str(manifest.data["rows"])),
        ("duplicates left out", str(manifest.data["duplicates"])),
        ("models", ", ".join(n for n in manifest.models if n not in manifest.arms)),
        *(("cascade", name) for name in manifest.arms),
        *((f"share of {n}", f"{v:.2f}") for n, v in manifest.heads.items()),
        *((f"left out: {n}", f"{v:.4f}") for n, v in manifest.metrics.items()),
    ]
    return table(("what", "value"), rows)
