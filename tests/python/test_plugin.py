"""The pytest plug-in, as the tests of somebody else's strategy use it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cross_market import testing

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]


def run(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    """Run a file of tests in a process of its own, with the plug-in."""
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess("-p", "cross_market.testing", "-q")


def test_a_strategy_is_tested_with_made_quotes(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import dataclasses
        import cross_market as cm
        from cross_market import testing

        def test_it_enters_and_leaves(cm_world):
            result = cm_world(testing.SAMPLE)
            assert result.attempts["kind"].to_pylist() == ["enter", "exit"]
            assert result.attempts["end"].to_pylist() == ["completed", "completed"]

        def test_a_difference_that_is_too_small_trades_nothing(cm_world):
            quotes = [
                (0, "NORTH.GOLD", "100.40", "100.42", 5), (1, "SOUTH.GOLD", "100.00", "100.02", 5)
            ]
            assert cm_world(quotes).attempts.num_rows == 0

        def test_faults_are_mine_to_choose(cm_world, cm_config):
            venues = testing.venues(cm_config, seed=7)
            venues = dataclasses.replace(venues, faults=[cm.Fault("leg_rejected", chance="1")])
            ends = cm_world(testing.SAMPLE, venues=venues).attempts["end"].to_pylist()
            assert "completed" not in ends

        def test_a_session_of_my_own(cm_session):
            cm_session.stop("gold", now=testing.START + 1)
            assert cm_session.seq() == 1
        """,
    )
    done.assert_outcomes(passed=4)


def test_the_sample_journal_is_real_and_made_once(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest
        from cross_market import _core

        PATHS = []

        @pytest.mark.parametrize("time", [1, 2])
        def test_it_replays(cm_sample_journal, time):
            PATHS.append(cm_sample_journal)
            assert _core.verify(str(cm_sample_journal))["verdict"] == "clean"
            assert _core.replay(str(cm_sample_journal))["commands"] > 0
            assert len(set(PATHS)) == 1
        """,
    )
    done.assert_outcomes(passed=2)


def test_a_failing_strategy_fails(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        def test_it_never_trades(cm_world):
            from cross_market.testing import SAMPLE
            assert cm_world(SAMPLE).attempts.num_rows == 0
        """,
    )
    done.assert_outcomes(failed=1)


def test_fixtures_are_listed_with_what_they_are(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_subprocess("-p", "cross_market.testing", "--fixtures")
    shown = done.stdout.str()
    for name in ("cm_config", "cm_world", "cm_session", "cm_sample_journal"):
        assert name in shown


def test_loading_the_plug_in_is_light() -> None:
    code = "import sys, cross_market.testing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    heavy = {"numpy", "pyarrow", "pandas", "rich", "plotly", "asyncio"}
    assert heavy.isdisjoint(done.stdout.split())


def test_the_plug_in_is_an_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # Its name is the module's, so that `-p cross_market.testing` does not load it twice.
    assert project["entry-points"]["pytest11"] == {testing.__name__: testing.__name__}


def test_an_installed_plug_in_loads_itself_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an installer leaves it: pytest finds the entry point, beside `-p` too."""
    folder = pytester.path / "site"
    info = folder / "strategy_kit-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strategy-kit\nVersion: 1.0\n")
    entry = f"[pytest11]\n{testing.__name__} = {testing.__name__}\n"
    (info / "entry_points.txt").write_text(entry)
    pytester.makepyfile("def test_it(cm_config):\n    assert cm_config.hedges[0].name == 'gold'\n")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    for arguments in ((), ("-p", testing.__name__)):
        done = pytester.runpytest_subprocess("-q", *arguments)
        done.assert_outcomes(passed=1)
