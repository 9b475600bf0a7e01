"""Fixtures."""

import pytest

import cross_market as cm
from parts import gold_config


@pytest.fixture(scope="session")
def gold() -> cm.Config:
    """The gold configuration."""
    return gold_config()
