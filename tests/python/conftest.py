"""Fixtures."""

import pytest
from hypothesis import HealthCheck, Phase, settings

import cross_market as cm
from parts import gold_config

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
