"""Held-out rows by which routers are judged: of models alone, and of cascades."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np

from routing.lab.cascade import Arms
from routing.lab.completion import Partial, holes, partial
from routing.lab.lines import Lines
from routing.lab.table import Table, TableError, unified
from routing.learned.artifact import Members
from routing.learned.model import Model


class Ground(NamedTuple):
    """What routers stand on."""

    lines: Lines
    rows: Partial
    """Its columns are the models of the lines, then cascades."""
    arms: Mapping[Members, int]
    """Cascade -> its column."""

    @classmethod
    def of(cls, lines: Lines) -> Self:
        """Of models alone.

        Raises:
            TableError: a line is not as the format says.
        """
        return cls(lines, partial(lines), {})

    @property
    def alone(self) -> int:
        """So many columns are of models that are asked alone."""
        return len(self.lines.models)

    @property
    def answers(self) -> bool:
        """Whether it is known who said the same."""
        return all(line.answers is not None for line in self.lines.lines)

    def widened(self, router: Model, how: Arms) -> Self:
        """With the cascades that a router may choose.

        Raises:
            TableError: what they would have answered cannot be told.
        """
        known = router.artifact.manifest.arms
        new = {name: own for name, own in known.items() if own not in self.arms}
        if not new:
            return self
        wide = how.joined(self._table(new), new)
        rows, count = self.rows, len(new)
        ones = np.ones((len(rows.sketches), count))
        first = rows.quality.shape[1]
        return self._replace(
            rows=Partial(
                rows.sketches,
                np.hstack([rows.quality, wide.quality[:, -count:]]),
                np.hstack([rows.cost, wide.cost[:, -count:]]),
                np.hstack([rows.odds, ones]),
                np.hstack([rows.share, ones]),
            ),
            arms={
                **self.arms,
                **{own: first + i for i, own in enumerate(new.values())},
            },
        )

    def _table(self, arms: Mapping[str, Members]) -> Table:
        lines, rows, alone = self.lines, self.rows, self.alone
        strangers = sorted({m for own in arms.values() for m in own} - {*lines.models})
        if strangers:
            raise TableError(f"{lines.name} knows nothing of {', '.join(strangers)}")
        weighed = any(line.propensity is not None for line in lines.lines)
        if weighed or holes(lines):
            raise TableError(
                f"{lines.name}: whether two models agree can only be told where all of"
                " them answered every prompt"
            )
        return Table(
            name=lines.name,
            models=tuple(lines.models),
            sketches=rows.sketches,
            domains=np.array([line.domain for line in lines.lines], dtype=np.str_),
            quality=rows.quality[:, :alone],
            cost=rows.cost[:, :alone],
            answers=unified([line.answers for line in lines.lines], alone),
        )
