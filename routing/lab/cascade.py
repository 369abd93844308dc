"""Cascades in a table: two cheap models at once, and a dearer one where they differ.

An arm `a+b>c` is one more column: what the cascade would have answered, and what all
its calls would have cost. Where the table holds `answers`, agreement is what it was.
Where it only says right or wrong, agreement is simulated: two that are right said the
same, one right and one wrong did not, and two that are wrong agreed by chance, with the
likelihood that `wrong_agreement` says. That likelihood is an assumption. An answer that
is half right agrees with none.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.frontier import best_single
from routing.lab.table import Table, TableError
from routing.learned.artifact import Members

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ARMS: Final = 6
SHARP: Final = 0.9
"""Share of scores that must be 0 or 1, where agreement is guessed from them."""
STRONGEST: Final = 3
"""Best models that a cascade may end at."""


class Arms(NamedTuple):
    """Which cascades there are."""

    wrong_agreement: float = 0.5
    seed: int = 0
    most: int = ARMS

    def told(self, *, answers: bool) -> str:
        """How it is known who said the same."""
        if answers:
            return "by answers"
        return f"by simulated agreement ({self.wrong_agreement:g} of two wrong)"

    def widened(self, table: Table, rows: Ints) -> Table:
        """The table with its best cascades, chosen on `rows` alone.

        Raises:
            TableError: it has no answers, and scores between right and wrong.
        """
        agreed = agreement(table, self.wrong_agreement, self.seed)
        names = table.models
        arms = {
            f"{names[a]}+{names[b]}>{names[c]}": (names[a], names[b], names[c])
            for a, b, c in self._best(table, agreed, rows)
        }
        return _joined(table, arms, agreed)

    def joined(self, table: Table, arms: Mapping[str, Members]) -> Table:
        """The table with these cascades, whose members it knows.

        Raises:
            TableError: as `widened`.
        """
        if not arms:
            return table
        return _joined(table, arms, agreement(table, self.wrong_agreement, self.seed))

    def _best(
        self, table: Table, agreed: "Agreement", rows: Ints
    ) -> list[tuple[int, int, int]]:
        """Places of their members: the best that end at each strong model come before
        the second best of any, so that some end at the very best one."""
        quality, cost = table.quality, table.cost
        best = best_single(quality[rows], cost[rows])
        means, prices = quality[rows].mean(0), cost[rows].mean(0)
        last = np.argsort(-means)[:STRONGEST].tolist()
        found = []
        for strong in last:
            scored = []
            cheap = [j for j in range(len(means)) if prices[j] < prices[strong] / 2]
            for pair in combinations(cheap, 2):
                first, second = sorted(pair, key=lambda j: -means[j])
                q, c = outcome(table, agreed, first, second, strong)
                gain = q[rows].mean() / means[best] - c[rows].mean() / prices[best]
                scored.append((-float(gain), first, second, strong))
            found += [(rank, *arm) for rank, arm in enumerate(sorted(scored))]
        return [arm[2:] for arm in sorted(found)[: self.most]]


def _joined(table: Table, arms: Mapping[str, Members], agreed: "Agreement") -> Table:
    place = {name: i for i, name in enumerate(table.models)}
    columns = [
        outcome(table, agreed, *(place[name] for name in members))
        for members in arms.values()
    ]
    return Table(
        name=table.name,
        models=(*table.models, *arms),
        sketches=table.sketches,
        domains=table.domains,
        quality=np.column_stack([table.quality, *(q for q, _ in columns)]),
        cost=np.column_stack([table.cost, *(c for _, c in columns)]),
        parts=table.parts,
        duplicates=table.duplicates,
        digest=table.digest,
        arms=arms,
        prices=table.prices,
        reading_s=table.reading_s,
    )


class Agreement(NamedTuple):
    """Who said the same as whom."""

    answers: Ints
    """(rows, models), or none, and then:"""
    right: Flags
    wrong: Flags
    lot: Doubles
    """(rows,), from 0 to 1: two wrong ones agree where it is under `chance`."""
    chance: float

    def of(self, one: int, other: int) -> Flags:
        """(rows,)."""
        if self.answers.size:
            said: Flags = self.answers[:, one] == self.answers[:, other]
            return said & (self.answers[:, one] >= 0)
        right = self.right[:, one] & self.right[:, other]
        wrong = self.wrong[:, one] & self.wrong[:, other]
        both: Flags = right | (wrong & (self.lot < self.chance))
        return both


def agreement(table: Table, chance: float, seed: int) -> Agreement:
    """Of a table's rows.

    Raises:
        TableError: it cannot be told.
    """
    if table.answers is not None:
        none = np.empty((0, 0), bool)
        return Agreement(table.answers, none, none, np.empty(0), chance)
    right, wrong = table.quality == 1.0, table.quality == 0.0
    if (right | wrong).mean() < SHARP:
        raise TableError(
            f"{table.name}: a cascade needs `answers`, or scores of 0 and 1"
        )
    lot = np.random.default_rng(seed).random(len(table))
    return Agreement(np.empty((0, 0), np.int64), right, wrong, lot, chance)


def outcome(
    table: Table, agreed: Agreement, first: int, second: int, strong: int
) -> tuple[Doubles, Doubles]:
    """Quality and cost of a cascade, (rows,) each; the first one's word is given."""
    same = agreed.of(first, second)
    quality = np.where(same, table.quality[:, first], table.quality[:, strong])
    spent = table.cost[:, first] + table.cost[:, second]
    return quality, spent + np.where(same, 0.0, table.cost[:, strong])
