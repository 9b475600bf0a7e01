"""The command line, run as a user runs it."""

import subprocess
import sys

from cross_market import __version__


def test_version_is_that_of_the_compiled_core() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "cross_market", "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout == f"cross-market {__version__}\n"
