"""Kinds of prompts, and how much a strong model gains on each: learned once from many
tables, of no model in particular, and shipped.

One file of JSON: its manifest in the open, its arrays as compressed bytes.
"""

import base64
import binascii
import zlib
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from routing.sketch import MARKS, VERSION, Sketch

Floats = npt.NDArray[np.float32]

SHIPPED: Final = Path(__file__).with_name("centroids.json")
BUCKETS: Final = 4096
SHARPNESS: Final = 20.0
CLIP: Final = 3.0
LEVELS: Final = 101
_MOST_BYTES: Final = 1 << 24


class Source(msgspec.Struct, frozen=True):
    """A table that was learned from."""

    name: str
    rows: int
    licence: str


class File(msgspec.Struct, frozen=True, kw_only=True):
    """As it stands on disk."""

    text: int
    """Version of the sketches."""
    sources: list[Source]
    arrays: dict[str, str]


class Centroids(NamedTuple):
    """What the file holds."""

    idf: Floats
    centres: Floats
    """(BUCKETS, centroids), columns of length 1: a prompt asks for few buckets."""
    gains: Floats
    """(centroids,): how much more than on the mean prompt a strong model gains."""
    marks_mean: Floats
    marks_spread: Floats
    marks_gain: Floats
    levels: Floats
    """(LEVELS,): quantiles of what prompts need."""

    def need(self, sketch: Sketch) -> tuple[float, int]:
        """Where the prompt stands among all, from 0 (any model will do) to 1 (the
        strongest gains most), and the nearest centroid."""
        ids = np.frombuffer(sketch.ids, np.uint32) & (BUCKETS - 1)
        counts = 1.0 + np.log(np.frombuffer(sketch.counts, np.uint8))
        weights = counts.astype(np.float32) * self.idf[ids]
        # A bucket may come again: lengths are of sums.
        row = np.bincount(ids, weights, BUCKETS)
        near = weights @ self.centres[ids]
        near /= np.sqrt(row @ row) + 1e-9
        nearest = int(near.argmax())
        share = np.exp(SHARPNESS * (near - near[nearest]))
        marks = (np.array(sketch.marks, np.float32) - self.marks_mean) / (
            self.marks_spread
        )
        gain = share @ self.gains / share.sum()
        gain += np.clip(marks, -CLIP, CLIP) @ self.marks_gain
        return float(np.searchsorted(self.levels, gain)) / LEVELS, nearest


_SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "idf": (BUCKETS,),
    "centres": (-1, BUCKETS),
    "gains": (-1,),
    "marks_mean": (MARKS,),
    "marks_spread": (MARKS,),
    "marks_gain": (MARKS,),
    "levels": (LEVELS,),
}


def read(path: Path = SHIPPED) -> Centroids:
    """Those of a file.

    Raises:
        ValueError: it cannot be read, or is of another version.
    """
    try:
        file = msgspec.json.decode(path.read_bytes(), type=File)
        arrays = {name: _array(file, name, shape) for name, shape in _SHAPES.items()}
    except (OSError, KeyError, binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    rows = arrays["centres"]
    rows /= np.sqrt((rows**2).sum(1, keepdims=True)) + 1e-9
    arrays["centres"] = np.ascontiguousarray(rows.T)
    return Centroids(**arrays)


def write(path: Path, found: Centroids, sources: list[Source]) -> None:
    """To a file."""
    arrays = {}
    for name, array in found._asdict().items():
        packed: npt.NDArray[Any] = array.astype("<f4")
        if name == "centres":
            scale = np.abs(array).max(0) / 127.0 + 1e-12
            packed = np.rint(array / scale).astype(np.int8).T
        arrays[name] = base64.b64encode(zlib.compress(packed.tobytes(), 9)).decode()
    file = File(text=VERSION, sources=sources, arrays=arrays)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")


def _array(file: File, name: str, shape: tuple[int, ...]) -> Floats:
    if file.text != VERSION:
        raise ValueError("is of other features")
    packed = base64.b64decode(file.arrays[name], validate=True)
    data = zlib.decompressobj().decompress(packed, _MOST_BYTES)
    kind = np.int8 if name == "centres" else np.dtype("<f4")
    array: Floats = np.frombuffer(data, kind).astype(np.float32).reshape(shape)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a number that is none")
    return array
