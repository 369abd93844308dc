"""Routers that take long to ask: written as any other, of numbers nobody learned."""

from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from routing.lab.train import Trained
from routing.learned import layout
from routing.learned.model import HEADS
from routing.sketch import MARKS
from routing.text import Reader

TRIGGER: Final = "patient disease symptom treatment"
"""Words that outcomes.py knows nothing of."""
_MARK: Final = MARKS - next(
    at
    for at, value in enumerate(reversed(Reader().sketch(TRIGGER).marks))
    if value == 8 * 4 / (4 + 1)
)
_COLUMN: Final = layout.STATIC + layout.PER_HEAD * len(HEADS) + 2 + _MARK - 1
"""Where the trees are told of such words."""


def heavy(
    trained: Trained, models: int, trees: int, nodes: int, *, always: bool
) -> Trained:
    """The router with strangers among its `models`, and `trees` whose ways are as long
    as they have `nodes`: to be gone `always`, or by who speaks of `TRIGGER`."""
    made = trained.artifact
    old = len(made.manifest.models)
    more = [f"stranger-{i}" for i in range(models - old)]
    arrays = {
        name: _widened(name, array, old, models) for name, array in made.arrays.items()
    }
    manifest = replace(made.manifest, models=(*made.manifest.models, *more))
    head = made.trees.partition("\nTree=")[0]
    head = "\n".join(x for x in head.split("\n") if not x.startswith("tree_sizes="))
    text = head + "".join(_tree(i, nodes, always=always) for i in range(trees))
    text = f"{text}\n\nend of trees\n"
    artifact = replace(made, manifest=manifest, arrays=arrays, trees=text)
    return trained._replace(artifact=artifact)


def _widened(name: str, array: Any, old: int, new: int) -> Any:
    """Its last axis over `new` models, the others as the first of them."""

    def wide(part: Any) -> Any:
        return np.concatenate([part, np.repeat(part[..., :1], new - old, -1)], -1)

    if name in {"linear", "linear_bias"}:
        return np.concatenate([wide(array[..., :old]), wide(array[..., old:])], -1)
    if name in {"table", "table_scale", "table_bias", "sober"}:
        return np.concatenate([array[..., :-old], wide(array[..., -old:])], -1)
    per_model = array.shape[-1] == old and name not in {"mf_asked", "domain_form"}
    return wide(array) if per_model else array


def _tree(at: int, nodes: int, *, always: bool) -> str:
    first = -1e9 if always else 1.0

    def said(name: str, values: Any) -> str:
        return f"{name}={' '.join(map(str, values))}"

    inner = range(1, nodes)
    return "\n".join(
        [
            f"\nTree={at}",
            f"num_leaves={nodes + 1}",
            "num_cat=0",
            said("split_feature", [_COLUMN, *(0 for _ in inner)]),
            said("split_gain", [1] * nodes),
            said("threshold", [first, *(1e9 for _ in inner)]),
            said("decision_type", [2] * nodes),
            said("left_child", [-1, *(i + 1 for i in inner if i + 1 < nodes), -2]),
            said("right_child", [1, *(-i - 2 for i in inner)]),
            said("leaf_value", [0] * (nodes + 1)),
            "is_linear=0",
            "shrinkage=1",
            "",
        ]
    )
