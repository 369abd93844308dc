"""From sketches to matrices: vocabulary, weights, embedding, marks of form."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from routing.learned.model import CLIP, TERM
from routing.sketch import Sketch
from routing.words import BUCKETS

Floats = npt.NDArray[np.float32]
Matrix = Any
"""A scipy.sparse.csr_matrix: it has no types."""

DIM: Final = 96
"""Of the embedding; what a small table cannot fill is zero."""
MOST_WORDS: Final = 60_000
_SEED: Final = 20
_SPARE: Final = 10
"""Directions that the randomised decomposition looks at beyond those it keeps."""


class Features(NamedTuple):
    """How prompts become numbers; learned from prompts alone, never from outcomes."""

    vocabulary: npt.NDArray[np.int64]
    """Buckets that count, sorted."""
    idf: Floats
    directions: Floats
    """(words, dim): singular vectors."""
    marks_mean: Floats
    marks_spread: Floats


class Inputs(NamedTuple):
    """Prompts as numbers, by `Features`."""

    words: Matrix
    """(rows, words), rows of length 1."""
    embedded: Floats
    """(rows, dim), rows of length 1."""
    marks: Floats


def counted(sketches: Sequence[Sketch]) -> Matrix:
    """(rows, BUCKETS), of weighted counts."""
    ids = [np.frombuffer(s.ids, np.uint32) for s in sketches]
    weights = [TERM[np.frombuffer(s.counts, np.uint8)] for s in sketches]
    ends = np.cumsum([0, *map(len, ids)])
    matrix = sparse.csr_matrix(
        (np.concatenate(weights), np.concatenate(ids).astype(np.int32), ends),
        shape=(len(sketches), BUCKETS),
    )
    matrix.sum_duplicates()
    return matrix


def learn(sketches: Sequence[Sketch]) -> Features:
    """The features of a set of prompts."""
    words = counted(sketches)
    count = words.shape[0]
    often = np.bincount(words.indices, minlength=BUCKETS)
    least = 2 if count < 3000 else 5
    vocabulary = np.flatnonzero(often >= least)
    if len(vocabulary) > MOST_WORDS:
        ranked = np.argsort(-often[vocabulary], kind="stable")[:MOST_WORDS]
        vocabulary = np.sort(vocabulary[ranked])
    if not len(vocabulary):
        vocabulary = np.flatnonzero(often)
    idf = np.log((1 + count) / (1 + often[vocabulary])) + 1.0
    marks = np.array([s.marks for s in sketches], np.float32)
    partial = Features(
        vocabulary=vocabulary.astype(np.int64),
        idf=idf.astype(np.float32),
        directions=np.zeros((0, 0), np.float32),
        marks_mean=marks.mean(0),
        marks_spread=marks.std(0) + 1e-3,
    )
    return partial._replace(directions=_directions(weighted(partial, words)))


def weighted(features: Features, words: Matrix) -> Matrix:
    """Rows of length 1, of the vocabulary alone."""
    kept = words[:, features.vocabulary] @ sparse.diags(features.idf)
    length = np.sqrt(np.asarray(kept.multiply(kept).sum(1)).ravel()) + 1e-9
    return (sparse.diags((1.0 / length).astype(np.float32)) @ kept).tocsr()


def inputs(features: Features, sketches: Sequence[Sketch]) -> Inputs:
    """The prompts as numbers."""
    words = weighted(features, counted(sketches))
    embedded = np.asarray(words @ features.directions, np.float32)
    embedded /= np.sqrt((embedded**2).sum(1, keepdims=True)) + 1e-9
    marks = np.array([s.marks for s in sketches], np.float32)
    marks = (marks - features.marks_mean) / features.marks_spread
    return Inputs(words, embedded, np.clip(marks, -CLIP, CLIP))


def _directions(words: Matrix) -> Floats:
    """The leading right singular vectors, by a randomised range finder.

    Source: Halko, Martinsson and Tropp, Finding structure with randomness (2011).
    """
    rng = np.random.default_rng(_SEED)
    size = min(DIM, *words.shape)
    back = words.T.tocsr()
    start = rng.standard_normal((words.shape[1], size + _SPARE)).astype(np.float32)
    basis = np.linalg.qr(words @ start)[0]
    for _ in range(2):
        other = np.linalg.qr(back @ basis)[0]
        basis = np.linalg.qr(words @ other)[0]
    small = (back @ basis).T
    _, _, right = np.linalg.svd(small, full_matrices=False)
    out = np.zeros((words.shape[1], DIM), np.float32)
    out[:, :size] = right[:size].T
    return out
