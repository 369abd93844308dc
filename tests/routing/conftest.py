from pathlib import Path

import numpy as np
import pytest

from routing.lab.cascade import Arms
from routing.lab.table import Table
from routing.lab.train import Trained, train
from tests.routing import outcomes


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return outcomes.table(tmp_path_factory.mktemp("outcomes"), 400)


@pytest.fixture(scope="session")
def trained(table: Table) -> Trained:
    return train(table)


@pytest.fixture(scope="session")
def wide(table: Table) -> Table:
    """With a cascade."""
    return Arms(wrong_agreement=0.0).widened(table, np.arange(len(table)))


@pytest.fixture(scope="session")
def learned(wide: Table) -> Trained:
    return train(wide)


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """An artifact that a test may spoil."""
    trained.write(tmp_path / "router")
    return tmp_path / "router"
