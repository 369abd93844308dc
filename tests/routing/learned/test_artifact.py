"""An artifact is whole, signed and of this release, or it does not serve."""

import base64
import hashlib
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from routing.lab.train import Trained
from routing.learned.artifact import MANIFEST, SIGNATURE, ArtifactError, load, write
from routing.learned.model import Model
from routing.learned.signature import signer, verifier
from routing.text import Reader

SECRET = "hmac-sha256:" + base64.b64encode(b"k" * 32).decode()


def reseal(folder: Path, name: str, content: bytes) -> None:
    """Change a file and its hash, as one who trains wrongly would."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def said(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | changes))


FAULTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "no folder": ("missing", lambda f: f.rename(f.with_name("gone"))),
    "no manifest": ("missing", lambda f: (f / MANIFEST).unlink()),
    "cut manifest": (
        "damaged",
        lambda f: (f / MANIFEST).write_bytes((f / MANIFEST).read_bytes()[:-200]),
    ),
    "no array": ("missing", lambda f: (f / "idf.npy").unlink()),
    "cut array": (
        "hash",
        lambda f: (f / "table.npy").write_bytes((f / "table.npy").read_bytes()[:-9]),
    ),
    "other trees": ("hash", lambda f: (f / "trees.txt").write_text("tree\n")),
    "sealed bad trees": ("damaged", lambda f: reseal(f, "trees.txt", b"tree\nx=1\n")),
    "older schema": ("schema", lambda f: said(f, schema=0)),
    "other features": ("schema", lambda f: said(f, text=99)),
    "a way out": ("damaged", lambda f: said(f, files={"../x.npy": "0"})),
    "NaN": ("not_finite", lambda f: reseal(f, "prior.npy", npy(np.full(3, np.nan)))),
    "other shape": ("damaged", lambda f: reseal(f, "prior.npy", npy(np.zeros(7)))),
    "pickle": (
        "damaged",
        lambda f: reseal(f, "prior.npy", pickle.dumps({"a": 1})),
    ),
    "pickled array": (
        "damaged",
        lambda f: reseal(f, "prior.npy", npy(np.array([{"a": 1}, None], object))),
    ),
    "words": ("damaged", lambda f: reseal(f, "prior.npy", npy(np.array(["a", "b"])))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_artifact_is_refused_by_name(fault: str, folder: Path) -> None:
    kind, spoil = FAULTS[fault]
    Model(load(folder))
    spoil(folder)
    with pytest.raises(ArtifactError) as caught:
        Model(load(folder))
    assert caught.value.kind == kind
    assert (
        str(folder.parent) in str(caught.value)
        or ".npy" in str(caught.value)
        or ("trees" in str(caught.value))
    )


def test_what_is_written_predicts_what_was_trained(
    trained: Trained, folder: Path
) -> None:
    sketch = Reader().sketch("the court and the statute of the plaintiff")
    one = Model(trained.artifact).predict(sketch)
    other = Model(load(folder)).predict(sketch)
    assert one.quality.tolist() == other.quality.tolist()
    assert one.cost.tolist() == other.cost.tolist()


def test_what_could_not_be_measured_is_left_out(
    trained: Trained, tmp_path: Path
) -> None:
    made = trained.artifact
    manifest = replace(made.manifest, metrics={"auc": float("nan"), "ece": 0.1})
    write(tmp_path / "router", manifest, made.arrays, made.trees)
    assert load(tmp_path / "router").manifest.metrics == {"ece": 0.1}


def test_an_artifact_is_replaced_whole(trained: Trained, folder: Path) -> None:
    (folder / "stale.npy").write_bytes(b"")
    trained.write(folder)
    assert not (folder / "stale.npy").exists()
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_another_folder_is_left_alone(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("of mine")
    with pytest.raises(FileExistsError, match="not an artifact"):
        trained.write(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "of mine"


def test_a_signature_is_asked_for_before_anything_else(
    trained: Trained, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    private = base64.b64encode(key.private_bytes_raw()).decode()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    theirs = base64.b64encode(
        Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    ).decode()
    for name, sign, checks, strangers in (
        ("secret", SECRET, SECRET, "hmac-sha256:" + "QUJD" * 12),
        ("pair", f"ed25519:{private}", f"ed25519:{public}", f"ed25519:{theirs}"),
    ):
        folder = tmp_path / name
        trained.write(folder, signer(sign))
        load(folder, verifier(checks))
        with pytest.raises(ArtifactError, match="another's"):
            load(folder, verifier(strangers))
        said(folder, created="later")
        with pytest.raises(ArtifactError) as caught:
            load(folder, verifier(checks))
        assert caught.value.kind == "signature"
        (folder / SIGNATURE).unlink()
        with pytest.raises(ArtifactError, match="not signed"):
            load(folder, verifier(checks))


@pytest.mark.parametrize(
    "text", ["", "rsa:AAAA", "hmac-sha256:?", "hmac-sha256:QUJD", "ed25519:QUJD"]
)
def test_a_bad_key_is_refused(text: str) -> None:
    for read in (signer, verifier):
        with pytest.raises(ValueError, match=r"key|secret|base64"):
            read(text)
