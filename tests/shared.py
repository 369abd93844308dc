"""Where the recorded material stands, when it is there: beside the checkout.

Tests that read it skip cleanly on a clone that has none.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="recorded material is not beside this checkout"
)


def cassettes(family: str) -> list[Path]:
    """The development recordings of a family, in a stable order; empty without."""
    return sorted((SHARED / "cassettes" / family / "dev").glob("*.json"))
