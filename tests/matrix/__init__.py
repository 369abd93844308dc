"""What we claim, and the test that would fail if it were not so.

A capability is here when a test drives it from outside; most proofs talk to a running
`routeiq serve` over a socket. One file a field, each with its parts.

`proofs` are `file::test` below `tests/`; `file::test#word` names a parameter of it.
`words` are what the README or the inventory of routes calls the capability by.
"""

from typing import Final

from tests.matrix import (
    bedrock,
    bugs,
    clients,
    clouds,
    families,
    hard,
    learning,
    media,
    responses,
    routing,
    state,
    table,
    takeover,
    way,
)
from tests.matrix.row import Row

_AREAS: Final = (
    way,
    media,
    responses,
    routing,
    state,
    table,
    families,
    bedrock,
    clouds,
    hard,
    learning,
    takeover,
    bugs,
    clients,
)
ROWS: Final[tuple[Row, ...]] = tuple(row for area in _AREAS for row in area.ROWS)
