"""What a row of the table of claims is."""

from typing import NamedTuple


class Row(NamedTuple):
    part: str
    claim: str
    proofs: tuple[str, ...]
    words: tuple[str, ...] = ()
