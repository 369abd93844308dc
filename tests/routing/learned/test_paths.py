"""Laws of the walks through trees, told by their text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.lab.train import Trained
from routing.learned.artifact import ArtifactError
from routing.learned.booster import Booster, BoosterError, TooLate
from routing.learned.model import Model
from routing.learned.paths import longest
from tests.routing.heavy import heavy

SPLIT = tuple[int, int]


@st.composite
def trees(draw: st.DrawFn) -> tuple[str, int]:
    """A tree grown leaf by leaf, as LightGBM grows it, and its depth."""
    left, right, depth = [-1], [-2], [1, 1]
    """Of the leaves."""
    for _ in range(draw(st.integers(0, 12))):
        leaf = draw(st.integers(0, len(depth) - 1))
        node, new = len(left), len(depth)
        for side in (left, right):
            side[:] = [node if child == ~leaf else child for child in side]
        left.append(~leaf)
        right.append(~new)
        depth[leaf] += 1
        depth.append(depth[leaf])
    return _text(left, right), max(depth)


def _text(left: list[int], right: list[int], feature: int = 0) -> str:
    return (
        f"tree\n\nTree=0\nnum_leaves={len(left) + 1}\n"
        f"split_feature={' '.join([str(feature)] * len(left))}\n"
        f"left_child={' '.join(map(str, left))}\n"
        f"right_child={' '.join(map(str, right))}\n\nend of trees\n"
    )


@given(trees())
def test_the_longest_way_is_the_depth(made: tuple[str, int]) -> None:
    text, depth = made
    assert longest(text, 1) == depth


def test_a_stump_asks_nothing() -> None:
    assert longest("tree\n\nTree=0\nnum_leaves=1\nleaf_value=0.5\n\n", 1) == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_text([0], [-1]), "leads nowhere, or back"),
        (_text([1, 0], [-1, -2]), "leads nowhere, or back"),
        (_text([-1], [-9]), "leads nowhere, or back"),
        (_text([7], [-1]), "leads nowhere, or back"),
        (_text([-1], [-2], feature=5), "not told"),
        (_text([-1], [-2], feature=-1), "not told"),
        (_text([-1], [-2]).replace("num_leaves=2", "num_leaves=3"), "cut short"),
        (_text([-1], [-2]).replace("num_leaves=2", "num_leaves=0"), "has 0 leaves"),
        (_text([-1], [-2]).replace("num_leaves=2", "num_leaves=9999999"), "9999999"),
        (_text([-1], [-2]).replace("left_child=-1", "left_child=x"), "invalid"),
    ],
)
def test_a_tree_that_has_no_end_is_none(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        longest(text, 2)


def test_who_is_asked_in_parts_says_the_same(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = trained.artifact.trees
    width = trained.columns.shape[-1]
    rows = np.random.default_rng(1).normal(size=(7, width))
    whole = Booster(text, width, 7)
    whole.rows[:] = rows
    asked = []
    monkeypatch.setattr("routing.learned.booster.MOST_STEPS", longest(text, width) * 2)
    parted = Booster(text, width, 7)
    parted.rows[:] = rows

    def late() -> bool:
        asked.append(1)
        return len(asked) > 6

    assert (parted.predict(7, late) == whole.predict(7)).all()
    assert len(asked) == 4
    with pytest.raises(TooLate, match="stopped after 4 of 7"):
        parted.predict(7, late)
    assert (parted.predict(7) == whole.predict(7)).all()


def test_what_could_never_be_in_time_is_not_asked(trained: Trained) -> None:
    made = heavy(trained, 3, 6, 190_000, always=False)
    with pytest.raises(ArtifactError, match="1140000 steps") as caught:
        Model(made.artifact)
    assert caught.value.kind == "slow"


def test_trees_that_go_round_are_damaged(trained: Trained) -> None:
    with pytest.raises(BoosterError, match="back"):
        Booster(_text([0], [-1]), 1, 1)
