"""What training leaves behind: a folder of plain files, checked before it is believed.

`manifest.json` names every other file with its SHA-256, and `manifest.sig` signs the
manifest, so one signature covers all. Arrays are `.npy` without pickles, trees are
LightGBM's text: nothing in the folder can run.
"""

import hashlib
import hmac
import io
import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from routing.learned.prices import Rates
from routing.learned.signature import Signer, Verifier
from routing.sketch import MARKS
from routing.sketch import VERSION as TEXT_VERSION

SCHEMA: Final = 1
MANIFEST: Final = "manifest.json"
STRANGE: Final = "strange"
SIGNATURE: Final = "manifest.sig"
MOST_BYTES: Final = 256 * 1024 * 1024
"""Of one file."""

Array = npt.NDArray[Any]
Members = tuple[str, str, str]
"""Of a cascade: two models that are asked at once, the first one's word being given
where they say the same, and the one that is asked where they differ."""


class ArtifactError(Exception):
    """An artifact that must not serve."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        """`missing`, `damaged`, `hash`, `schema`, `signature`, `not_finite`,
        `slow`."""


class Terms(msgspec.Struct, frozen=True):
    """What quality is weighed against."""

    rate: float
    """Quality points that a dollar is worth."""
    loyalty: float
    """Quality points by which others must be better than the best single model."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the artifact is, of what it was made, how good it was."""

    schema: int
    text: int
    """Version of the sketches it was learned from."""
    marks: int
    """Numbers of form in such a sketch."""
    models: tuple[str, ...]
    created: str
    """ISO time, UTC."""
    data: dict[str, str | int]
    """Name, SHA-256, rows, duplicates left out."""
    versions: dict[str, str]
    """Of what trained it."""
    heads: dict[str, float]
    """Head -> its share in the blend."""
    terms: dict[str, dict[str, Terms]]
    """Who is asked -> share of the best single model's quality -> what reaches it."""
    strange_terms: dict[str, Terms]
    """The same for prompts of a kind that was not learned from."""
    arms: dict[str, Members] = {}
    """Cascades: the last of `models`, in their order."""
    arm_terms: dict[str, dict[str, Terms]] = {}
    """As `terms`, and `strange_terms` under `STRANGE`, where cascades may be chosen
    too."""
    settings: dict[str, float]
    metrics: dict[str, float]
    """As measured on rows left out of training."""
    files: dict[str, str]
    """Name -> SHA-256."""
    prices: dict[str, Rates] = {}
    """Model -> what it cost when dollars were learned; absent: nobody said."""


class Artifact(msgspec.Struct, frozen=True):
    """A checked folder, in memory."""

    manifest: Manifest
    arrays: dict[str, Array]
    trees: str
    """LightGBM's text; empty: it has none."""
    digest: str
    """SHA-256 of the manifest: which artifact this is."""

    @property
    def made_s(self) -> float:
        """Unix seconds at which it was trained; not a number where it does not tell."""
        try:
            return datetime.fromisoformat(self.manifest.created).timestamp()
        except ValueError:
            return math.nan


def write(
    folder: Path,
    manifest: Manifest,
    arrays: Mapping[str, Array],
    trees: str,
    signer: Signer | None = None,
) -> str:
    """Write the artifact and give its digest; `manifest.files` is filled in, measures
    that are no number (all answers were good: nobody can rank them) are left out.

    `folder` appears whole or not at all, and is replaced where it is an artifact.

    Raises:
        FileExistsError: it is there and is something else.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not an artifact; it is left alone")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        files: dict[str, str] = {}
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
            files[f"{name}.npy"] = _put(made, f"{name}.npy", buffer.getvalue())
        if trees:
            files["trees.txt"] = _put(made, "trees.txt", trees.encode())
        told = {n: m for n, m in manifest.metrics.items() if math.isfinite(m)}
        whole = msgspec.structs.replace(manifest, files=files, metrics=told)
        data = msgspec.json.format(msgspec.json.encode(whole), indent=2)
        digest = _put(made, MANIFEST, data)
        if signer is not None:
            _put(made, SIGNATURE, signer.sign(data).encode())
        made.chmod(0o755)
        old = made.with_name(made.name + ".old")
        if folder.exists():
            folder.rename(old)
        made.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return digest


def load(folder: Path, verifier: Verifier | None = None) -> Artifact:
    """The artifact of a folder.

    With a `verifier` nothing but the manifest is read before its signature holds.

    Raises:
        ArtifactError: it is not there, not signed, not whole, not of this version, or
            holds a number that is none.
    """
    data = _get(folder / MANIFEST)
    if verifier is not None:
        try:
            signature = _get(folder / SIGNATURE).decode()
        except (ArtifactError, UnicodeDecodeError):
            raise ArtifactError("signature", f"{folder} is not signed") from None
        if not verifier.verify(data, signature):
            raise ArtifactError("signature", f"{folder}: the signature is another's")
    manifest = _manifest(folder, data)
    arrays: dict[str, Array] = {}
    trees = ""
    for name, digest in manifest.files.items():
        if Path(name).name != name:
            raise ArtifactError("damaged", f"{folder}: {name!r} is not a file name")
        content = _get(folder / name)
        if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), digest):
            raise ArtifactError("hash", f"{folder / name} is not what was trained")
        if name.endswith(".npy"):
            arrays[name[:-4]] = _array(folder / name, content)
        else:
            trees = content.decode("utf-8", "replace")
    return Artifact(manifest, arrays, trees, hashlib.sha256(data).hexdigest())


def _manifest(folder: Path, data: bytes) -> Manifest:
    try:
        said = msgspec.json.decode(data, type=dict[str, Any])
        if said.get("schema") != SCHEMA:
            raise ArtifactError(
                "schema",
                f"{folder} has schema {said.get('schema')!r}, this release reads"
                f" {SCHEMA}; train it again",
            )
        manifest = msgspec.convert(said, Manifest)
    except msgspec.MsgspecError as error:
        raise ArtifactError("damaged", f"{folder / MANIFEST}: {error}") from None
    if (manifest.text, manifest.marks) != (TEXT_VERSION, MARKS):
        raise ArtifactError(
            "schema", f"{folder} was learned from other features; train it again"
        )
    return manifest


def _array(path: Path, content: bytes) -> Array:
    try:
        array: Array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArtifactError("damaged", f"{path}: {error}") from None
    if array.dtype.kind not in "fiu":
        raise ArtifactError("damaged", f"{path} holds {array.dtype}, not numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ArtifactError("not_finite", f"{path} holds a number that is none")
    return array


def _get(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ArtifactError("damaged", f"{path} is too big")
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            "missing", f"{path} cannot be read: {error.strerror or error}"
        ) from None


def _put(folder: Path, name: str, data: bytes) -> str:
    with (folder / name).open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()
