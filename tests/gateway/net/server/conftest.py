import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["fast", "hypercorn"])
def http(request: pytest.FixtureRequest) -> str:
    """Both servers pass the same tests."""
    return str(request.param)
