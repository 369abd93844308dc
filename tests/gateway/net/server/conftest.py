from typing import Any

import pytest

UVLOOP = ("asyncio", {"use_uvloop": True})
ASYNCIO = ("asyncio", {"use_uvloop": False})


@pytest.fixture
def anyio_backend() -> Any:
    """The loop of production; what both must show is run on both."""
    pytest.importorskip("uvloop")
    return UVLOOP


@pytest.fixture(params=["fast", "hypercorn"])
def http(request: pytest.FixtureRequest) -> str:
    """Both servers pass the same tests."""
    return str(request.param)
