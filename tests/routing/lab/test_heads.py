"""Estimators: what a row's prediction may know, and what their weights mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from routing.lab import heads, trees

ROWS = 60
_RNG = np.random.default_rng(7)
X = _RNG.standard_normal((ROWS, 5)).astype(np.float32)
Y = np.clip(0.5 + 0.1 * X[:, :2] + 0.1 * _RNG.standard_normal((ROWS, 2)), 0.0, 1.0)
SCALES = ((0.5, 1.0), (1.0, 1.0), (4.0, 1.0))


@given(st.integers(0, ROWS - 1))
def test_the_mean_of_a_domain_knows_nothing_of_the_row(row: int) -> None:
    domains = np.eye(4, dtype=np.float32)[np.arange(ROWS) % 4]
    other = Y.copy()
    other[row] = 1.0 - other[row]
    said, changed = (
        heads.left_out_means(domains, domains, values, 0) for values in (Y, other)
    )
    assert (said[row] == changed[row]).all()
    # Rows of a fold are told the same: nobody's value can be read off the difference.
    for kind in range(4):
        assert len(np.unique(said[kind::4, 0])) <= heads.FOLDS


@pytest.mark.parametrize("apart", [False, True])
def test_ridge_leaves_each_row_out(apart: bool) -> None:
    line = heads.ridge(X, Y, apart)
    said = X @ line.weights + line.bias
    assert ((line.left_out - Y) ** 2).mean() > ((said - Y) ** 2).mean()
    assert ((line.left_out - Y) ** 2).mean() < Y.var(0).mean()


def test_scaled_parts_come_back_to_scale() -> None:
    line = heads.blocks([X[:, :3], X[:, 3:]], SCALES, Y)
    alone = [
        heads.ridge(X * np.repeat(scale, [3, 2]).astype(np.float32), Y, apart=True)
        for scale in SCALES
    ]
    weights = [
        one.weights * np.repeat(scale, [3, 2])[:, None]
        for one, scale in zip(alone, SCALES, strict=True)
    ]
    low, high = np.min(weights, axis=0) - 1e-9, np.max(weights, axis=0) + 1e-9
    assert ((low <= line.weights) & (line.weights <= high)).all()
    said = X @ line.weights + line.bias
    assert np.abs(said - Y).mean() < np.abs(Y - Y.mean(0)).mean()


def test_outputs_stand_side_by_side() -> None:
    one, other = heads.ridge(X, Y), heads.ridge(X, Y[:, :1])
    both = heads.together(one, other)
    assert (both.weights[:, :2] == one.weights).all()
    assert (both.left_out[:, 2:] == other.left_out).all()
    assert both.bias.shape == (3,)


@given(st.integers(60, 200_000), st.integers(60, 200_000))
def test_trees_of_more_rows_are_no_smaller(one: int, other: int) -> None:
    few, many = (trees.settings(n, 0) for n in sorted((one, other)))
    for name in ("num_leaves", "learning_rate", "feature_fraction", "min_data_in_leaf"):
        assert 0 < few[name] <= many[name], name


@given(st.lists(st.integers(1, 30), min_size=2, max_size=5))
def test_every_domain_weighs_the_same(sizes: list[int]) -> None:
    domains = np.eye(len(sizes), dtype=np.float32)[np.repeat(range(len(sizes)), sizes)]
    each = (heads.evened(domains) * domains).sum(0)
    if sum(sizes) <= heads.MOST_WEIGHT * len(sizes):  # so that none is held down
        assert each == pytest.approx(np.full(len(sizes), sum(sizes) / len(sizes)))


def test_a_domain_of_few_rows_is_known_by_its_words() -> None:
    """Half of the words of the new one are those of a large old one."""
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], [400, 400, 20])
    odds = np.array([[6, 1, 1, 0.2], [1, 6, 1, 0.2], [3.5, 1, 1, 1.5]])[kind]
    counts = rng.poisson(odds.repeat(5, 1) / 5).astype(np.float32)
    counts /= np.sqrt((counts**2).sum(1, keepdims=True)) + 1e-9
    domains = np.eye(3, dtype=np.float32)[kind]
    quality = rng.random((len(kind), 2))
    words, form = sparse.csr_matrix(counts), np.zeros((len(kind), 1), np.float32)
    fitted = heads.sparse_logistic(words, form, domains, quality)
    probable, _ = fitted.predict(words, form, 3)
    own = probable[kind == 2].mean(0)
    assert own[2] > own[0]


def test_a_domain_is_known_by_the_form_of_its_prompts_too() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 300)
    words = sparse.csr_matrix(np.ones((300, 3), np.float32))
    form = (2.0 * kind[:, None] - 1.0 + rng.normal(0.0, 0.5, (300, 2))).astype("f4")
    domains, quality = np.eye(2, dtype=np.float32)[kind], rng.random((300, 2))
    fitted = heads.sparse_logistic(words, form, domains, quality)
    probable, good = fitted.predict(words, form, 2)
    assert (probable.argmax(1) == kind).mean() > 0.95
    blind = fitted.predict(words, np.zeros_like(form), 2)
    assert (blind[1] == good).all()
    left, _ = heads.left_out_logistic(words, form, domains, quality, 0)
    assert (left.argmax(1) == kind).mean() > 0.95
