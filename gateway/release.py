"""Which release this is."""

import tomllib
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from importlib.util import find_spec
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


def compiled() -> bool:
    """Whether this is the compiled build: told by one of its modules."""
    spec = find_spec("gateway.spine.way")
    origin = None if spec is None else spec.origin
    return origin is not None and origin.endswith(tuple(EXTENSION_SUFFIXES))
