"""Nothing is claimed without a test that proves it: the table of claims holds."""

import re
import subprocess
import sys
from collections import Counter
from typing import Final

import pytest

from tests.house.readme import README, spans
from tests.house.test_routes import INVENTORY
from tests.matrix import ROWS, way
from tests.matrix.row import Row
from tests.shared import ROOT

OUTSIDE: Final = (
    "flow/",
    "faults/",
    "house/",
    "replay/",
    "gateway/cli/test_started.py",
    "gateway/net/",
    "routing/lab/test_cluster.py",
    "routing/lab/test_compare.py",
    "routing/lab/test_untrained.py",
    # Contracts of parts that a gateway has several of, one at a time.
    "gateway/store/",
)
"""Tests that drive something from outside: a process, a socket, the repository."""

SAID: Final = re.compile(
    r"/|x-|anthropic-|(GET|POST) |:|make |routeiq \w|\w+\.\w+$|\$\{|[A-Z_]{8,}$|kill "
)
"""Inline code of the README that names a path, a header, a setting, a command."""

NO_CLAIMS: Final = {
    ".venv/bin",  # where the command is
    "config.yaml",  # LiteLLM's
    "provider/model",  # a form of names
}


Tails = dict[str, list[str]]
"""By test, the parameters of each of its cases."""
FILES: Final = {f"tests/{p.partition('::')[0]}" for row in ROWS for p in row.proofs}


@pytest.fixture(scope="module")
def collected(request: pytest.FixtureRequest) -> Tails:
    """Every test that pytest finds in the files that are named."""
    found = {item.nodeid for item in request.session.items}
    # In a run of everything they are all at hand; the rest is collected apart.
    whole = {node.partition("::")[0] for node in found} if _runs_all(request) else set()
    rest = sorted(name for name in FILES - whole if (ROOT / name).exists())
    if rest:
        options = ["--collect-only", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *rest],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        found.update(line for line in done.stdout.splitlines() if "::" in line)
    tails: Tails = {}
    for node in found:
        name, _, tail = node.removeprefix("tests/").partition("[")
        tails.setdefault(name, []).append(tail)
    return tails


def _runs_all(request: pytest.FixtureRequest) -> bool:
    """Whether files are collected whole: no test is picked by name or keyword."""
    options = request.config.option
    picked = options.keyword or options.markexpr or getattr(options, "lf", False)
    return not picked and not any("::" in arg for arg in request.config.args)


def _is_there(proof: str, collected: Tails) -> bool:
    name, _, parameter = proof.partition("#")
    return any(parameter in tail for tail in collected.get(name, ()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.part}: {row.claim}")
def test_a_claim_has_its_tests(row: Row, collected: Tails) -> None:
    assert row.proofs
    assert [proof for proof in row.proofs if not _is_there(proof, collected)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.part}: {row.claim}")
def test_a_claim_is_driven_from_outside(row: Row) -> None:
    if row.claim == "the JSON Schema is current, the manual complete":
        return  # files, and nothing runs
    assert any(proof.startswith(OUTSIDE) for proof in row.proofs)


def test_every_part_is_there_and_no_claim_twice() -> None:
    assert {row.part for row in way.ROWS} == set("ABCDEFGHI")
    assert Counter(row.claim for row in ROWS).most_common(1)[0][1] == 1


def test_every_route_is_claimed() -> None:
    claimed = {word for row in ROWS for word in row.words}
    assert {f"{method} {path}" for method, path in INVENTORY} <= claimed


def test_every_claim_of_the_readme_has_a_row() -> None:
    claimed = {word for row in ROWS for word in row.words}
    # A path is also claimed by its end: `:countTokens`, `/v1/completions`.
    known = claimed | {word.partition(" ")[2] for word in claimed}
    ends = {":" + word.rpartition(":")[2] for word in claimed if ":" in word}
    said = {span for span in spans(README.read_text()) if SAID.match(span)}
    assert said - NO_CLAIMS - known - ends == set()
