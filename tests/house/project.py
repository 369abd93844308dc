"""What pyproject.toml says."""

import tomllib
from functools import cache
from typing import Any

from tests.shared import ROOT


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def project() -> dict[str, Any]:
    """Its section `project`."""
    found: dict[str, Any] = pyproject()["project"]
    return found
