"""A large outcome table in pieces: JSON Lines by stretches of bytes, Parquet by row
groups. No piece is read before somebody asks for it."""

import hashlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from routing.lab.table import TableError

STRETCH: Final = 64 * 1024 * 1024
"""Bytes of a piece of JSON Lines."""
COLUMNS: Final = ("prompt", "sketch", "domain", "scores", "cost_usd")
"""Of a Parquet file; its schema's metadata has `models`, a JSON list of names,
and may have `prices`."""


class Piece(NamedTuple):
    """Where some rows of a table stand."""

    path: str
    begin: int
    """Of JSON Lines: the byte it begins at, somewhere in a line; else a row group."""
    end: int


def pieces(path: Path, stretch: int = STRETCH) -> list[Piece]:
    """All of a file.

    Raises:
        TableError: it cannot be taken apart.
    """
    if path.suffix == ".parquet":
        groups = _parquet(path).num_row_groups
        return [Piece(str(path), i, i + 1) for i in range(groups)]
    if path.suffix == ".gz":
        raise TableError(f"{path}: cannot be read in pieces: unpack it, or use Parquet")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from None
    return [
        Piece(str(path), at, min(at + stretch, size)) for at in range(0, size, stretch)
    ]


def head(path: Path) -> bytes:
    """The first line, as JSON Lines have it."""
    if path.suffix != ".parquet":
        with path.open("rb") as file:
            return file.readline()
    said = _parquet(path).schema_arrow.metadata or {}
    models = said.get(b"models")
    if models is None:
        raise TableError(f"{path}: its schema's metadata has no `models`")
    told = {"dataset": path.stem, "models": msgspec.json.decode(models)}
    if (prices := said.get(b"prices")) is not None:
        told["prices"] = msgspec.json.decode(prices)
    return msgspec.json.encode(told)


def lines(piece: Piece) -> Iterator[bytes]:
    """The rows of a piece, as lines of JSON. A line belongs to the piece it begins in;
    the first of a file, which names the models, to none."""
    if piece.path.endswith(".parquet"):
        yield from _groups(piece)
        return
    with Path(piece.path).open("rb") as file:
        file.seek(max(piece.begin - 1, 0))
        file.readline()  # the head, or what belongs to the piece before
        while file.tell() < piece.end:
            line = file.readline().rstrip(b"\r\n")
            if line:
                yield line


def name(line: bytes) -> int:
    """A number for the prompt of a line: equal for equal prompts."""
    row = msgspec.json.decode(line, type=_Prompt)
    text = (row.prompt or row.sketch or "").strip()
    hashed = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest())


class _Prompt(msgspec.Struct):
    prompt: str | None = None
    sketch: str | None = None


def _groups(piece: Piece) -> Iterator[bytes]:
    file = _parquet(Path(piece.path))
    there = [c for c in COLUMNS if c in file.schema_arrow.names]
    for group in range(piece.begin, piece.end):
        for row in file.read_row_group(group, columns=there).to_pylist():
            yield msgspec.json.encode({k: v for k, v in row.items() if v is not None})


def _parquet(path: Path) -> Any:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        message = "Parquet needs the extra `cluster`: pip install 'routeiq[cluster]'"
        raise TableError(f"{path}: {message}") from None
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise TableError(f"{path}: is no Parquet: {error}") from None
