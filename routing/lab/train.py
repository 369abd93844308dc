"""From an outcome table to an artifact."""

import datetime as dt
from pathlib import Path
from typing import Any, Final, NamedTuple

import lightgbm
import numpy as np
import numpy.typing as npt

from routing.lab import blend, features, heads, kinds, trees
from routing.lab.domains import names, one_hot
from routing.lab.frontier import Frontier, best_single
from routing.lab.guard import Given, Guard, guard, sobered
from routing.lab.kinds import Data
from routing.lab.measures import auc, ece
from routing.lab.table import Table, TableError
from routing.learned import artifact, layout
from routing.learned.artifact import Artifact, Manifest, Terms
from routing.learned.model import DOMAINS, EMBEDDING, GBDT, HEADS, NAMES
from routing.learned.signature import Signer
from routing.sketch import MARKS
from routing.sketch import VERSION as TEXT_VERSION

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

LEAST_ROWS: Final = 30
PROTOTYPES: Final = 2048
"""Rows kept to look for neighbours among."""
SHARES: Final = (0.9, 0.95, 0.97, 0.98, 0.99, 1.0)
"""Of the best single model's quality, that rates are chosen for."""
SCALES: Final = tuple(
    (embedding, 1.0, domains)
    for embedding in (0.25, 0.5, 1.0, 2.0)
    for domains in (1.0, 4.0)
)
"""Of the ridge's embedding, marks and domains, times those of `learned.model`: what
each is worth differs from table to table. Kinds that were found, not named, are never
worth more: they tell what the embedding tells."""
INNER: Final = 3
"""Folds of the trees' own left-out predictions."""


class Left(NamedTuple):
    """Predictions of the training rows that did not see their own outcomes."""

    quality: dict[str, Doubles]
    """By each of `NAMES`."""
    cost: Doubles
    similarity: Floats


class Said(NamedTuple):
    """Predictions, (rows, models) each."""

    quality: Doubles
    cost: Doubles


class Trained(NamedTuple):
    """An artifact before it is written, and how its training rows were predicted."""

    artifact: Artifact
    left_out: Left
    columns: Floats
    """(rows, models, width): what the trees saw."""
    quality: Doubles

    def write(self, folder: Path, signer: Signer | None = None) -> str:
        """The digest of the folder written."""
        made = self.artifact
        return artifact.write(folder, made.manifest, made.arrays, made.trees, signer)


def train(table: Table, seed: int = 0, learner: trees.Learner = trees.grow) -> Trained:
    """Learn from every row; of the table's cascades as if they were models.

    Raises:
        TableError: too few rows, or fewer than two models.
    """
    if len(table) < LEAST_ROWS or len(table.models) < 2:
        raise TableError(
            f"{table.name}: {len(table)} rows of {len(table.models)} models; learning"
            f" needs {LEAST_ROWS} different prompts and 2 models"
        )
    learned = features.learn(table.sketches)
    given = features.inputs(learned, table.sketches)
    fitted = _fit(table, given, seed)
    said = dict(fitted.left_out)
    rows = _columns(table, given, fitted)
    fold = np.random.default_rng(seed).permutation(len(table)) % INNER
    said["trees"] = trees.left_out(rows, table.quality, fold, learner, seed)
    booster = learner(rows.reshape(-1, rows.shape[-1]), table.quality.reshape(-1), seed)
    share = blend.shares(said, table.quality)
    more, others = kinds.train(Data(fitted.x, fitted.probable, table.quality), seed)
    said |= others | {GBDT: blend.mixed(said, share)}
    curves = {name: blend.calibration(said[name], table.quality) for name in NAMES}
    smear = np.exp(np.log(table.cost) - fitted.log_cost).mean(0)
    left = Left(
        {name: blend.calibrated(said[name], curves[name]) for name in NAMES},
        np.exp(fitted.log_cost) * smear,
        fitted.similarity,
    )
    sober, strange = _sobered(table, fitted, share, left)
    arrays = _arrays(table, learned, given, fitted, seed) | {
        **more,
        "sober": sober.astype(np.float32),
        "smear": smear.astype(np.float32),
        "calibration": np.stack([curves[n] for n in NAMES]).astype(np.float32),
    }
    manifest = _manifest(table, share, left, fitted.guard.threshold, strange)
    made = Artifact(manifest, arrays, booster.model_to_string(), "")
    return Trained(made, left, rows, table.quality)


class _Fitted(NamedTuple):
    x: Floats
    """Inputs of the linear heads, domains left out."""
    words: heads.Sparse
    line: heads.Ridge
    domain_quality: Doubles
    probable: Floats
    """(rows, domains), left out as all below."""
    similarity: Floats
    guard: Guard
    log_cost: Doubles
    left_out: dict[str, Doubles]


def _fit(table: Table, given: features.Inputs, seed: int) -> _Fitted:
    """Every head but the trees."""
    named = one_hot(table.domains, given.embedded, seed)
    form = heads.formed(given.embedded, given.marks)
    words = heads.sparse_logistic(given.words, form, named, table.quality)
    probable, good = heads.left_out_logistic(
        given.words, form, named, table.quality, seed
    )
    of_domain = heads.domain_means(named, table.quality)
    parts = [EMBEDDING * given.embedded, given.marks, DOMAINS * probable]
    x = np.hstack(parts)
    named_ones = bool(names(table.domains))
    scales = [scale for scale in SCALES if named_ones or scale[-1] == 1.0]
    line = heads.together(
        heads.blocks(parts, scales, table.quality), heads.ridge(x, np.log(table.cost))
    )
    near, similarity = heads.neighbours(given.embedded, table.quality)
    count = len(table.models)
    return _Fitted(
        x=x,
        words=words,
        line=line,
        domain_quality=of_domain,
        probable=probable,
        similarity=similarity,
        guard=guard(
            Given(
                given.words,
                given.embedded,
                given.marks,
                named,
                probable,
                table.quality,
                table.cost,
            ),
            seed,
        ),
        log_cost=line.left_out[:, count:],
        left_out={
            "ridge": line.left_out[:, :count],
            "knn": near.astype(np.float64),
            "domain": heads.left_out_means(named, probable, table.quality, seed),
            "logistic": good.astype(np.float64),
        },
    )


def _columns(table: Table, given: features.Inputs, fitted: _Fitted) -> Floats:
    return trees.columns(
        prior=table.quality.mean(0).astype(np.float32),
        log_price=np.log(table.cost.mean(0)).astype(np.float32),
        heads=[fitted.left_out[name].astype(np.float32) for name in HEADS],
        log_cost=fitted.log_cost.astype(np.float32),
        shared=[
            fitted.similarity[:, None],
            given.marks,
            given.embedded[:, : layout.EMBEDDED],
            fitted.probable,
        ],
    )


def _arrays(
    table: Table,
    learned: features.Features,
    given: features.Inputs,
    fitted: _Fitted,
    seed: int,
) -> dict[str, npt.NDArray[Any]]:
    scale, packed = _packed(np.hstack([learned.directions, fitted.words.weights]))
    drawn = np.random.default_rng(seed).permutation(len(table))[:PROTOTYPES]
    kept = np.sort(drawn)
    return {
        "vocabulary": learned.vocabulary.astype(np.uint32),
        "idf": learned.idf,
        "guard": fitted.guard.weights,
        "table": packed,
        "table_scale": scale,
        "table_bias": fitted.words.bias,
        "domain_form": fitted.words.form,
        "marks_mean": learned.marks_mean,
        "marks_spread": learned.marks_spread,
        "linear": fitted.line.weights.astype(np.float32),
        "linear_bias": fitted.line.bias.astype(np.float32),
        "domain_quality": fitted.domain_quality.astype(np.float32),
        "keys": given.embedded[kept].astype(np.float16),
        "values": table.quality[kept].astype(np.float16),
        "prior": table.quality.mean(0).astype(np.float32),
        "prior_cost": table.cost.mean(0).astype(np.float32),
    }


def _manifest(
    table: Table,
    share: dict[str, float],
    left: Left,
    threshold: float,
    strange: Said,
) -> Manifest:
    said = {name: Said(left.quality[name], left.cost) for name in NAMES}
    arm_terms = {}
    if table.arms:
        whole = len(table.models)
        arm_terms = {n: _terms(table, s, whole) for n, s in said.items()}
        arm_terms[artifact.STRANGE] = _terms(table, strange, whole)
    return Manifest(
        schema=artifact.SCHEMA,
        text=TEXT_VERSION,
        marks=MARKS,
        models=table.models,
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        data={
            "name": table.name,
            "sha256": table.digest,
            "rows": len(table),
            "duplicates": table.duplicates,
        },
        versions={"numpy": np.__version__, "lightgbm": lightgbm.__version__},
        heads=share,
        terms={name: _terms(table, s, table.alone) for name, s in said.items()},
        strange_terms=_terms(table, strange, table.alone),
        arms=table.arms,
        arm_terms=arm_terms,
        settings={"guard_threshold": threshold},
        metrics={
            "auc": auc(left.quality[GBDT], table.quality),
            "ece": ece(left.quality[GBDT], table.quality),
        },
        files={},
        prices={n: r for n, r in table.prices.items() if n in table.models},
    )


def _packed(table: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Columns as bytes, each with its scale."""
    scale = np.maximum(np.abs(table).max(0) / 127.0, 1e-12).astype(np.float32)
    return scale, np.rint(table / scale).astype(np.int8)


def _terms(table: Table, said: Said, count: int) -> dict[str, Terms]:
    """Share of the best single model's quality -> the cheapest terms that reach it
    among the first `count` columns; the single model itself where nothing does."""
    line = Frontier(
        said.quality[:, :count],
        said.cost[:, :count],
        table.quality[:, :count],
        table.cost[:, :count],
        _base(table),
    )
    found = {share: line.step(share) for share in SHARES}
    return {
        str(share): Terms(*line.terms[-1 if step is None else step].tolist())
        for share, step in found.items()
    }


def _base(table: Table) -> npt.NDArray[np.int64]:
    """(rows,): the best single model."""
    alone = table.alone
    best = best_single(table.quality[:, :alone], table.cost[:, :alone])
    return np.full(len(table), best)


def _sobered(
    table: Table, fitted: _Fitted, share: dict[str, float], left: Left
) -> tuple[Doubles, Said]:
    """What is said of unknown kinds; where none could be left out: single models."""
    strange = fitted.guard.strange
    if strange is not None:
        truth = table.quality, table.cost
        curve, alone = sobered(strange, share, *truth, _base(table))
        return curve, Said(alone, strange.cost)
    said = np.full(table.quality.shape, 0.5)
    curve = blend.sober_curve(said, table.quality, 0.0)
    return curve, Said(blend.sober(said, curve), left.cost)
