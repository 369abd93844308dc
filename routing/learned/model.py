"""What an artifact predicts for a prompt: each model's quality and cost."""

from array import array
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.learned import layout
from routing.learned.artifact import STRANGE, Array, Artifact, ArtifactError
from routing.learned.booster import Booster, BoosterError, TooLate
from routing.learned.kinds import KINDS, sigmoid
from routing.sketch import MARKS, Sketch
from routing.words import BUCKETS

Floats = npt.NDArray[np.float32]
Late = Callable[[], bool]
"""Whether an answer would come too late."""

HEADS: Final = ("ridge", "knn", "domain", "logistic")
"""What the trees are told, in this order; the trees are a head themselves."""
GBDT: Final = "gbdt"
"""All of these in shares, with the trees."""
NAMES: Final = (GBDT, *HEADS, *KINDS)
"""Who can be asked."""
NEIGHBOURS: Final = 32
FEW: Final = 8
SIGNS: Final = 5
SOFT: Final = 1.0
"""Half the width, in logits, of the guard's middle ground."""
SHARPNESS: Final = 20.0
"""Of a neighbour's weight in the cosine of its angle."""
EMBEDDING: Final = 16.0
DOMAINS: Final = 4.0
"""Scales of the ridge's inputs."""
CLIP: Final = 3.0
TERM: Final = np.concatenate([[0.0], 1.0 + np.log(np.arange(1, 256))]).astype(
    np.float32
)
"""Weight of a count."""


class Prediction(NamedTuple):
    """Of one prompt; arrays are (models,) in the order of the artifact."""

    quality: Floats
    cost: Floats
    """Dollars."""
    trust: float
    """0: nothing of its kind was learned from, and only as much is said as held of
    kinds that had been left out; 1: the head speaks."""


class Arm(NamedTuple):
    """A cascade."""

    name: str
    place: int
    """Among the models."""
    members: tuple[int, int, int]
    """Places of those that it asks, as `routing.learned.artifact.Members`."""


class Seen(NamedTuple):
    """A prompt as numbers."""

    inputs: Floats
    """The embedding, the marks and the domains, scaled; a buffer of the model."""
    embedded: Floats
    marks: Floats
    """A part of `inputs`."""
    domain: Floats
    logits: Floats
    """Of the models, by its words."""
    linear: Floats
    """What the ridge says: the models' qualities, then the logarithms of costs."""
    similar: Floats
    """Cosines of the prompts that were learned from."""


class Model:
    """Predicts. Not thread-safe: it writes into buffers of its own."""

    def __init__(self, artifact: Artifact) -> None:
        manifest = artifact.manifest
        self.artifact = artifact
        self.models = manifest.models
        self.alone = len(manifest.models) - len(manifest.arms)
        """So many of `models` are asked alone; the others are cascades."""
        self.place = {name: i for i, name in enumerate(self.models[: self.alone])}
        """Of those that are asked alone."""
        self.arms = _arms(artifact, self.place, self.models[self.alone :])
        self.prices = [manifest.prices.get(name) for name in manifest.models]
        """What each cost when it was learned from; `None`: nobody said."""
        shares = [manifest.heads.get(name, 0.0) for name in HEADS]
        self._shares = np.array(shares, np.float32)
        self._tree_share = manifest.heads.get("trees", 0.0)
        a = _Arrays(artifact)
        count = len(manifest.models)
        words, columns = a.get("table").shape
        self._domains = a.get("domain_quality").shape[0]
        self._dim = columns - self._domains - count
        inputs = self._dim + MARKS + self._domains
        self._row = np.zeros(BUCKETS, np.int32)
        self._row[a.get("vocabulary", words)] = np.arange(1, words + 1)
        self._table = np.zeros((words + 1, columns), np.int8)
        self._table[1:] = a.get("table")
        self._scale = a.floats("table_scale", columns)
        self._bias = a.floats("table_bias", self._domains + count)
        self._domain_form = a.floats("domain_form", self._dim + MARKS, self._domains)
        self._idf = np.concatenate([[0.0], a.get("idf", words)]).astype(np.float32)
        self._middle = a.floats("marks_mean", MARKS)
        self._spread = a.floats("marks_spread", MARKS)
        self._linear = a.floats("linear", inputs, 2 * count)
        self._offset = a.floats("linear_bias", 2 * count)
        self._domain_quality = a.floats("domain_quality", self._domains, count)
        self._keys = a.floats("keys", -1, self._dim)
        self._values = a.floats("values", len(self._keys), count)
        self.prior = a.floats("prior", count)
        self.priors: list[float] = self.prior.tolist()
        self.prior_cost = a.floats("prior_cost", count)
        self.by_cost = np.argsort(self.prior_cost[: self.alone])
        """Places of the models, the cheapest first; of no cascade."""
        self._smear = a.floats("smear", count)
        calibration = a.floats("calibration", len(NAMES), 2, count)
        self._calibration = dict(zip(NAMES, calibration, strict=True))
        self._sober = a.floats("sober", count + 2)
        self._guard = a.floats("guard", SIGNS)
        self._threshold = manifest.settings["guard_threshold"]
        self._input = np.zeros(inputs, np.float32)
        self._near_count = min(NEIGHBOURS, len(self._keys))
        self._trees = self._booster(artifact, count)
        self._kinds = {
            name: make(a.floats, inputs, self._domains, count)
            for name, make in KINDS.items()
        }

    def _booster(self, artifact: Artifact, count: int) -> Booster:
        columns = layout.width(len(HEADS), MARKS, self._domains)
        try:
            booster = Booster(artifact.trees, columns, count)
            layout.start(booster.rows, self.prior, np.log(self.prior_cost))
            first = booster.predict(min(count, booster.at_once))
        except BoosterError as error:
            raise ArtifactError("damaged", f"trees.txt: {error}") from None
        except TooLate as error:
            raise ArtifactError("slow", f"trees.txt: {error}") from None
        if not np.isfinite(first).all():
            raise ArtifactError("not_finite", "trees.txt gives a number that is none")
        return booster

    def predict(
        self, sketch: Sketch, name: str = GBDT, late: Late | None = None
    ) -> Prediction:
        """Of one prompt, by one of `NAMES`.

        Raises:
            TooLate: `late` said so, before all was done.
        """
        seen = self._seen(sketch)
        similar = top_similar(seen.similar)
        log_cost = seen.linear[len(self.models) :]
        if name == GBDT:
            raw = self._blended(seen, log_cost, float(similar[0]), late)
        elif name in HEADS:
            raw = self._head(name, seen)
        else:
            raw = self._kinds[name](seen.inputs, seen.domain)
        slope, shift = self._calibration[name]
        quality = sigmoid(slope * _logit(raw) + shift)
        cost = np.exp(log_cost)
        cost *= self._smear
        strange = float(self._guard @ signs(similar, seen.domain)) - self._threshold
        trust = min(max(0.5 - strange / (2.0 * SOFT), 0.0), 1.0)
        if trust < 1.0:
            quality = trust * quality + (1.0 - trust) * self._sobered(seen)
        return Prediction(quality, cost, trust)

    def _head(self, name: str, seen: Seen) -> Floats:
        """(models,): the quality that one of `HEADS` expects."""
        if name == "ridge":
            return seen.linear[: len(self.models)]
        if name == "knn":
            return self._near(seen.similar)
        if name == "domain":
            told: Floats = seen.domain @ self._domain_quality
            return told
        return sigmoid(seen.logits)

    def _sobered(self, seen: Seen) -> Floats:
        """What is left of the heads' word for a prompt of an unknown kind."""
        total = self._shares @ np.array([self._head(name, seen) for name in HEADS])
        odds = _logit(total / max(float(self._shares.sum()), 1e-6))
        common = odds.mean()
        level, slope = self._sober[:2]
        return sigmoid(level * common + slope * (odds - common) + self._sober[2:])

    def columns(self, sketch: Sketch) -> Floats:
        """(models, width): what the trees are told of a prompt."""
        self.predict(sketch)
        return self._trees.rows.copy()

    def _seen(self, sketch: Sketch) -> Seen:
        domains, dim = self._domains, self._dim
        words = self._words(sketch)
        embedded = words[:dim]
        embedded /= np.sqrt(embedded @ embedded) + 1e-9
        x = self._input
        np.multiply(embedded, EMBEDDING, out=x[:dim])
        marks = x[dim : dim + MARKS]
        told = np.frombuffer(array("f", sketch.marks), np.float32)
        np.subtract(told, self._middle, out=marks)
        marks /= self._spread
        np.maximum(marks, -CLIP, out=marks)
        np.minimum(marks, CLIP, out=marks)
        logits = words[dim:] + self._bias
        kinds = logits[:domains]
        kinds += x[: dim + MARKS] @ self._domain_form
        domain = np.exp(kinds - np.maximum.reduce(kinds))
        domain /= np.add.reduce(domain)
        np.multiply(domain, DOMAINS, out=x[dim + MARKS :])
        linear = x @ self._linear
        linear += self._offset
        similar = self._keys @ embedded
        return Seen(x, embedded, marks, domain, logits[domains:], linear, similar)

    def _blended(
        self, seen: Seen, log_cost: Floats, similarity: float, late: Late | None
    ) -> Floats:
        count = len(self.models)
        said = np.array([self._head(name, seen) for name in HEADS])
        near = np.array([similarity], np.float32)
        shared = [near, seen.marks, seen.embedded[: layout.EMBEDDED], seen.domain]
        layout.fill(self._trees.rows, said, log_cost, shared)
        total: Floats = self._trees.predict(count, late).astype(np.float32)
        total *= self._tree_share
        total += self._shares @ said
        return total

    def _words(self, sketch: Sketch) -> Floats:
        """The weighted sum of what the table says of each feature."""
        rows = self._row[np.frombuffer(sketch.ids, np.uint32)]
        weights = TERM[np.frombuffer(sketch.counts, np.uint8)] * self._idf[rows]
        total: Floats = weights @ self._table.take(rows, 0).astype(np.float32)
        total *= self._scale / (np.sqrt(weights @ weights) + 1e-9)
        return total

    def _near(self, similar: Floats) -> Floats:
        """What the nearest prompts say."""
        k, n = self._near_count, len(similar)
        nearest = np.argpartition(similar, n - k)[n - k :]
        close = similar[nearest]
        weights = np.exp(SHARPNESS * (close - np.maximum.reduce(close)))
        near: Floats = weights @ self._values[nearest]
        near += self.prior
        near /= np.add.reduce(weights) + 1.0
        return near


def _arms(
    artifact: Artifact, place: dict[str, int], names: tuple[str, ...]
) -> tuple[Arm, ...]:
    manifest = artifact.manifest
    if tuple(manifest.arms) != names:
        raise ArtifactError("damaged", "its cascades are not the last of its models")
    if names and not {*NAMES, STRANGE} <= manifest.arm_terms.keys():
        raise ArtifactError("damaged", "it has no terms for its cascades")
    found = []
    for i, (name, members) in enumerate(manifest.arms.items(), len(place)):
        if len(set(members)) < len(members) or not place.keys() >= set(members):
            raise ArtifactError("damaged", f"{name!r} is a cascade of strangers")
        first, second, last = (place[member] for member in members)
        found.append(Arm(name, i, (first, second, last)))
    return tuple(found)


class _Arrays:
    """Arrays of an artifact, of the shapes that they must have."""

    def __init__(self, artifact: Artifact) -> None:
        self._arrays = artifact.arrays

    def get(self, name: str, *shape: int) -> Array:
        array = self._arrays.get(name)
        if array is None:
            raise ArtifactError("damaged", f"{name}.npy is missing")
        if shape and (
            len(shape) != array.ndim
            or any(
                want not in {-1, has}
                for want, has in zip(shape, array.shape, strict=False)
            )
        ):
            raise ArtifactError("damaged", f"{name}.npy is {array.shape}, not {shape}")
        return array

    def floats(self, name: str, *shape: int) -> Floats:
        return np.ascontiguousarray(self.get(name, *shape), np.float32)


def top_similar(similar: Floats) -> Floats:
    """Of cosines (..., n): the highest, and the mean of the `FEW` highest."""
    few = min(FEW, similar.shape[-1])
    highest = np.partition(similar, -few, axis=-1)[..., -few:]
    told = np.empty((*highest.shape[:-1], 2), np.float32)
    np.maximum.reduce(highest, -1, out=told[..., 0])
    np.add.reduce(highest, -1, out=told[..., 1])
    told[..., 1] /= few
    return told


def signs(similar: Floats, domain: Floats) -> Floats:
    """(..., SIGNS): what tells a prompt of an unknown kind. `similar` as
    `top_similar`, `domain` probabilities; the last is 1, for a bias."""
    told = np.ones((*domain.shape[:-1], SIGNS), np.float32)
    told[..., :2] = similar
    told[..., 2] = np.maximum.reduce(domain, -1)
    told[..., 3] = -np.add.reduce(domain * np.log(domain + 1e-9), -1)
    return told


def _logit(p: Floats) -> Floats:
    inside = np.minimum(np.maximum(p, 1e-3), 1.0 - 1e-3)
    odds: Floats = np.log(inside / (1.0 - inside))
    return odds
