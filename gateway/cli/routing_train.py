"""`routeiq routing train|centroids`: from outcome tables to what serves."""

import argparse
from pathlib import Path

import msgspec

from gateway.cli.commands import OK, USAGE
from gateway.cli.show import err, out, table
from routing.lab.centroids import EACH
from routing.lab.centroids import learn as learn_centroids
from routing.lab.cluster import train_on
from routing.lab.completion import read_table
from routing.lab.table import read
from routing.lab.train import train
from routing.learned.artifact import Manifest
from routing.learned.centroids import Source
from routing.learned.centroids import write as write_centroids
from routing.learned.signature import Signer, signer


def learn(arguments: argparse.Namespace) -> int:
    """Write an artifact."""
    key = _signer(arguments.sign)
    if arguments.engine == "dask":
        if not arguments.scheduler or arguments.limit:
            err(
                "routeiq: --engine dask wants --scheduler ADDRESS, and takes no --limit"
            )
            return USAGE
        trained = train_on(
            Path(arguments.data),
            arguments.scheduler,
            seed=arguments.seed,
            sample=arguments.sample,
        )
    else:
        data = read_table(Path(arguments.data), arguments.limit, arguments.seed)
        trained = train(data, arguments.seed)
    digest = trained.write(Path(arguments.out), key)
    manifest = trained.artifact.manifest
    if arguments.json:
        said = {"artifact": arguments.out, "digest": digest}
        out(msgspec.json.encode(said | msgspec.to_builtins(manifest)).decode())
    else:
        out(_summary(manifest))
        out(f"\n{arguments.out} is written ({digest[:12]})")
    return OK


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
        ("models", ", ".join(manifest.models)),
        *((f"share of {n}", f"{v:.2f}") for n, v in manifest.heads.items()),
        *((f"left out: {n}", f"{v:.4f}") for n, v in manifest.metrics.items()),
    ]
    return table(("what", "value"), rows)
