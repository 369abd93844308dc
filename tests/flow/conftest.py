"""What many of these tests stand on."""

from collections.abc import Iterator

import pytest

from tests.flow.provider import whole
from tests.harness.upstream import Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """A provider that says `fine` to everything."""
    with Upstream() as up:
        up.on(None, whole())
        yield up
