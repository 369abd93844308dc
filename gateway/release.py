"""Which release this is."""

import tomllib
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).resolve().parents[1] / "pyproject.toml"


def release() -> str:
    """The installed version, or that of the sources."""
    try:
        return installed("routeiq")
    except PackageNotFoundError:
        pass
    try:
        return str(tomllib.loads(_PROJECT.read_text())["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"
