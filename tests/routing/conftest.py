from pathlib import Path

import pytest

from routing.lab.table import Table
from routing.lab.train import Trained, train
from tests.routing import outcomes


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return outcomes.table(tmp_path_factory.mktemp("outcomes"), 400)


@pytest.fixture(scope="session")
def trained(table: Table) -> Trained:
    return train(table)


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """An artifact that a test may spoil."""
    trained.write(tmp_path / "router")
    return tmp_path / "router"
