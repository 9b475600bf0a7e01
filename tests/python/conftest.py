"""Fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

import cross_market as cm
from ledger_parts import emptied, make
from parts import gold_config
from pool.server import Server, binaries

WITHOUT = "PostgreSQL is not on this machine: its half of the ledger is not tested here"

# For the tests that can look further than they do every time.
settings.register_profile(
    "long",
    max_examples=3000,
    stateful_step_count=80,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session")
def gold() -> cm.Config:
    """The gold configuration."""
    return gold_config()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if binaries() is None:
        pytest.skip(WITHOUT)
    made = Server()
    yield made
    made.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        tmp_path.chmod(0o700)
        found = f"sqlite:{tmp_path / 'pool.db'}"
    else:
        found = emptied(request.getfixturevalue("server"))
    make(found)
    return found
