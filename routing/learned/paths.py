"""How far a row may have to walk in LightGBM's trees, told by their text alone.

The library believes what a text says of children: one that leads back to itself would
never end. Nothing is asked of the trees before this has looked at them.
"""

from collections.abc import Iterator
from typing import Final

MOST_NODES: Final = 200_000
"""Of one tree; LightGBM's own `num_leaves` ends at 131,072."""
_WANTED: Final = ("num_leaves", "split_feature", "left_child", "right_child")


def longest(text: str, columns: int) -> int:
    """Steps of the longest ways through all trees together: no row walks more.

    Raises:
        ValueError: a tree is none, or looks at what is not among `columns`.
    """
    return sum(_longest(tree, columns) for tree in _trees(text))


def _trees(text: str) -> Iterator[dict[str, str]]:
    """What is said of each tree's form."""
    for block in text.split("\nTree=")[1:]:
        lines = block.partition("\n\n")[0].split("\n")
        pairs = [line.partition("=") for line in lines]
        yield {name: said for name, _, said in pairs if name in _WANTED}


def _longest(tree: dict[str, str], columns: int) -> int:
    leaves = int(tree.get("num_leaves", "0"))
    if not 1 <= leaves <= MOST_NODES:
        raise ValueError(f"a tree has {leaves} leaves")
    nodes = leaves - 1
    features, left, right = [
        [int(n) for n in tree.get(name, "").split()] if nodes else []
        for name in _WANTED[1:]
    ]
    if not len(features) == len(left) == len(right) == nodes:
        raise ValueError("a tree is cut short")
    if nodes and not 0 <= min(features) <= max(features) < columns:
        raise ValueError("a tree looks at what it is not told")
    steps = [0] * (nodes + 1)
    for node in reversed(range(nodes)):
        for child in (left[node], right[node]):
            # A leaf is the complement of its place.
            if not (node < child < nodes or 0 <= ~child < leaves):
                raise ValueError("a tree's branch leads nowhere, or back")
            steps[node] = max(steps[node], 1 + (steps[child] if child >= 0 else 0))
    return steps[0]
