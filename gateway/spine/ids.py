"""Ids of exchanges: sortable by time, and telling whose they are.

48 bits of milliseconds (as UUIDv7 orders), 40 random ones, 24 of a mark of the key. Who
changes the mark has the id of no answer: it needs no secret, and nobody has to remember
which key was given which answer.
"""

import re
from typing import Final
from zlib import crc32

MARK: Final = 6
"""Hexadecimal digits of the mark."""
_ID: Final = re.compile(r"req_[0-9a-f]{28}").fullmatch


def made(unix_ns: int, random: int) -> str:
    """An id of nobody's; `random` has 64 bits."""
    return f"req_{unix_ns // 1_000_000:012x}{random:016x}"


def owned(id: str, key: str) -> str:
    """The same id, as one of that key's (its public id)."""
    head = id[:-MARK]
    return f"{head}{crc32(f'{head}/{key}'.encode()) >> 8:06x}"


def made_at(id: str) -> float | None:
    """Unix seconds; `None`: it is no id of ours."""
    return int(id[4:16], 16) / 1000.0 if _ID(id) else None
