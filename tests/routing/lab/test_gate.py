"""The gate: what passes, what does not, and that it says why."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from routing.lab.completion import Partial
from routing.lab.gate import Terms, effective, judge
from routing.text import Reader

COSTS = np.array([0.01, 0.001])
TERMS = Terms(floor=0.9)


def _rows(
    count: int, seed: int, *, odds: tuple[float, float] | None = None
) -> tuple[Partial, np.ndarray]:
    """The dear model is right nine times in ten; the cheap one as often, where a
    prompt is easy. With `odds` only the model that was asked is known."""
    rng = np.random.default_rng(seed)
    easy = rng.random(count) < 0.5
    chance = np.stack([np.full(count, 0.9), np.where(easy, 0.9, 0.1)], axis=1)
    quality = (rng.random((count, 2)) < chance).astype(float)
    cost = np.tile(COSTS, (count, 1))
    words = ["name the river" if e else "prove the lemma" for e in easy]
    reader = Reader()
    sketches = [reader.sketch(f"{w} number {i}") for i, w in enumerate(words)]
    likely, share = np.ones((count, 2)), np.ones((count, 2))
    if odds is not None:
        asked = (rng.random(count) < odds[1]).astype(int)
        likely = np.tile(odds, (count, 1))
        share = np.eye(2)[asked]
        quality = np.where(share == 1, quality, np.nan)
        cost = np.where(share == 1, cost, np.nan)
    return Partial(sketches, quality, cost, likely, share), easy.astype(int)


@given(
    hnp.arrays(float, st.integers(1, 50), elements=st.floats(0.01, 1.0)),
)
def test_effective_rows_are_at_most_all(odds: np.ndarray) -> None:
    share = np.ones(len(odds))
    found = effective(odds, share)
    assert 0.0 < found <= len(odds) * (1 + 1e-9)
    assert effective(np.full(len(odds), 0.25), share) == pytest.approx(len(odds))
    assert effective(np.zeros(len(odds)), share) == 0.0


@pytest.mark.parametrize("odds", [None, (0.5, 0.5)])
def test_who_knows_the_easy_ones_passes(odds: tuple[float, float] | None) -> None:
    rows, clever = _rows(1500, 1, odds=odds)
    found = judge(rows, clever, TERMS)
    assert not found.reasons
    assert found.gap.low > 0.05
    assert found.saved.mean == pytest.approx(0.45, abs=0.06)
    assert found.best == 0


@pytest.mark.parametrize("odds", [None, (0.5, 0.5)])
def test_always_the_best_passes_and_saves_nothing(
    odds: tuple[float, float] | None,
) -> None:
    rows, clever = _rows(800, 2, odds=odds)
    found = judge(rows, np.zeros_like(clever), TERMS)
    assert not found.reasons
    assert found.saved == pytest.approx((0.0, 0.0, 0.0))
    assert found.gap.mean == pytest.approx(0.0)


@pytest.mark.parametrize("odds", [None, (0.5, 0.5)])
@pytest.mark.parametrize("policy", ["cheap", "wrong", "random"])
def test_who_is_not_better_than_a_mixture_does_not(
    odds: tuple[float, float] | None, policy: str
) -> None:
    rows, clever = _rows(800, 3, odds=odds)
    rng = np.random.default_rng(5)
    chosen = {
        "cheap": np.ones_like(clever),
        "wrong": 1 - clever,
        "random": rng.integers(0, 2, len(clever)),
    }[policy]
    found = judge(rows, chosen, TERMS)
    assert any("quality floor" in why for why in found.reasons)
    if policy == "wrong":
        assert any("hull" in why for why in found.reasons)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(max_examples=10)
def test_what_a_cascade_would_do_is_no_single_model(seed: int, arms: int) -> None:
    """Columns of cascades are there to be chosen, not to be measured by."""
    rows, clever = _rows(60, 7)
    rng = np.random.default_rng(seed)
    shape = len(clever), arms
    ones = np.ones((len(clever), 2 + arms))
    wide = Partial(
        rows.sketches,
        np.hstack([rows.quality, rng.integers(0, 2, shape).astype(float)]),
        np.hstack([rows.cost, np.full(shape, 1e-6)]),
        ones,
        ones,
    )
    alone = judge(rows, clever, TERMS)
    beside = judge(wide, clever, TERMS, alone=2)
    for name, value in alone.figures().items():
        assert beside.figures()[name] == pytest.approx(value, abs=1e-9)
    chosen = judge(wide, np.full(len(clever), 2), TERMS, alone=2)
    assert chosen.best == alone.best
    assert chosen.cost.mean == pytest.approx(1e-6)


def test_little_evidence_concludes_nothing() -> None:
    rows, clever = _rows(60, 4, odds=(0.9, 0.1))
    found = judge(rows, clever, Terms(floor=0.1, margin=1.0, least=50))
    assert len(found.reasons) == 1
    assert "effective rows of 60" in found.reasons[0]


def test_what_was_never_asked_is_not_believed() -> None:
    rows, clever = _rows(600, 5, odds=(1.0, 0.0))
    rows.quality[0, 1], rows.cost[0, 1] = 1.0, 0.001
    found = judge(rows, clever, TERMS)
    assert any("explore" in why for why in found.reasons)


def test_who_is_worse_and_dearer_than_who_serves_does_not() -> None:
    rows, clever = _rows(1000, 6)
    worse = np.where(np.arange(1000) % 3 == 0, 1 - clever, clever)
    terms = Terms(floor=0.1, margin=1.0)
    assert not judge(rows, worse, terms).reasons
    dear = np.zeros_like(clever)
    rows.quality[:, 0] -= 0.2 * (np.arange(1000) % 2)
    found = judge(rows, dear, terms, champion=clever)
    assert "cheaper" in found.reasons[0]
