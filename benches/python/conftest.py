"""What the Python benches share: the size of the work, and the figures at the end of a run."""

from collections.abc import Iterator
from typing import Any

import pytest

from figures import Figures
from workload import ROWS, Workload, workload

FIGURES = pytest.StashKey[Figures]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("benches of cross_market")
    group.addoption("--rows", type=int, default=ROWS, help="rows of the workload")
    group.addoption("--rounds", type=int, default=11, help="rounds, after one that warms up")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = Figures()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Iterator[Figures]:
    """The figures of this run."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def rounds(pytestconfig: pytest.Config) -> int:
    """How often each way is taken."""
    return int(pytestconfig.getoption("--rounds"))


@pytest.fixture(scope="session")
def work(pytestconfig: pytest.Config) -> Workload:
    """The rows that all take."""
    return workload(int(pytestconfig.getoption("--rows")))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ANN401
    figures = config.stash[FIGURES]
    if figures.lines:
        terminalreporter.write_line("")
        terminalreporter.write_line(figures.told("limit"))
