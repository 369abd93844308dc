"""The features of one prompt, and how a record keeps them."""

import base64
import binascii
import math
import zlib
from array import array
from typing import Final

import msgspec

from routing import sums
from routing.words import BUCKETS, GROUPS

VERSION: Final = 3
"""What was learned from one version knows nothing of another."""
FORM: Final = 18
"""Marks of how a text is laid out; the first of all."""
MARKS: Final = FORM + 2 * GROUPS + sums.FACTS + 2 * sums.KINDS
"""Numbers of form in a sketch."""
_MOST_BYTES: Final = 1 << 18
"""Of a sketch, unpacked."""


class Sketch(msgspec.Struct, frozen=True):
    """Hashed features of one prompt. No word can be read from it, only guessed."""

    ids: bytes
    """Buckets, four bytes each, in the machine's order; one may come again."""
    counts: bytes
    """How often, one byte each, in the order of `ids`."""
    marks: tuple[float, ...]
    """`MARKS` numbers: sizes, shares, groups of words."""


def closed(sketch: Sketch) -> str:
    """The sketch as text, for a record."""
    marks = array("f", sketch.marks)
    head = bytes([VERSION]) + len(sketch.counts).to_bytes(3, "little")
    whole = head + sketch.ids + sketch.counts + marks.tobytes()
    return base64.b64encode(zlib.compress(whole)).decode()


def opened(text: str) -> Sketch:
    """The sketch of `closed`.

    Raises:
        ValueError: it is damaged, or of another version.
    """
    try:
        packed = base64.b64decode(text, validate=True)
        whole = zlib.decompressobj().decompress(packed, _MOST_BYTES)
    except (binascii.Error, zlib.error):
        raise ValueError("is damaged") from None
    if not whole or whole[0] != VERSION:
        raise ValueError(f"is not of version {VERSION}")
    count = int.from_bytes(whole[1:4], "little")
    ids, counts = whole[4 : 4 + 4 * count], whole[4 + 4 * count : 4 + 5 * count]
    marks = array("f")
    if len(whole) != 4 + 5 * count + 4 * MARKS:
        raise ValueError("is damaged")
    marks.frombytes(whole[4 + 5 * count :])
    largest = max(array("I", ids), default=0)
    if largest >= BUCKETS or 0 in counts or not all(map(math.isfinite, marks)):
        raise ValueError("is damaged")
    return Sketch(ids, counts, tuple(marks))
