"""The command line, run as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cross_market as cm
from cross_market import __version__, demo


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command line; check its exit code and that it shows no traceback."""
    command = [sys.executable, "-m", "cross_market", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, its data, and the journal of a run."""
    folder = tmp_path_factory.mktemp("files")
    days = demo.fixings()[:30]
    demo.config().dump(folder / "euro.toml")
    demo.venues(1).dump(folder / "venues.toml")
    pq.write_table(demo.quotes(days), folder / "quotes.parquet")
    cm.simulate(demo.config(), demo.quotes(days), venues=demo.venues(1), journal=folder / "journal")
    return folder


def test_version_is_that_of_the_compiled_core() -> None:
    assert run("--version").stdout == f"cross-market {__version__}\n"


def test_help_names_the_verbs_and_exit_codes() -> None:
    text = run().stdout
    for word in ("demo", "simulate", "replay", "verify", "exit codes"):
        assert word in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["demo", "--days", "0"],
        ["demo", "--days", "x"],
        ["verify"],
        ["verify", "a", "b"],
    ],
)
def test_wrong_arguments_exit_with_3(arguments: list[str]) -> None:
    assert run(*arguments, code=3).stderr.startswith("usage")


def test_the_demo_ends_with_an_equal_replay(tmp_path: Path) -> None:
    done = run("demo", "--days", 40, "--out", tmp_path / "out")
    assert "Replayed to the same state: yes" in done.stdout
    assert "nobody can trade at them" in done.stdout
    assert (tmp_path / "out" / "tables" / "attempts.parquet").exists()
    assert "100 %" in done.stderr


def test_the_demo_states_itself_as_json(tmp_path: Path) -> None:
    found = json.loads(run("demo", "--days", 40, "--out", tmp_path / "out", "--json").stdout)
    assert found["verify"]["verdict"] == "clean"
    assert found["replay"]["digest"] == found["digest"]


def test_simulate_runs_files(files: Path, tmp_path: Path) -> None:
    done = run(
        *("simulate", files / "euro.toml", files / "quotes.parquet", "--json"),
        *("--venues", files / "venues.toml"),
        *("--journal", tmp_path / "journal", "--out", tmp_path / "tables"),
    )
    found = json.loads(done.stdout)
    assert found["replay"]["digest"] == found["digest"]
    assert len(found["tables"]) == len(list((tmp_path / "tables").iterdir()))


def test_verify_and_replay_read_files_and_folders(files: Path) -> None:
    for where in (files / "journal", files / "journal" / "journal-0001.cmj"):
        assert "clean" in run("verify", where).stdout
        assert "are equal" in run("replay", where).stdout
        assert (
            json.loads(run("verify", where, "--json").stdout)["journals"][0]["verdict"] == "clean"
        )


def test_a_changed_journal_exits_with_1(files: Path, tmp_path: Path) -> None:
    content = bytearray((files / "journal" / "journal-0001.cmj").read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "journal-0001.cmj"
    path.write_bytes(content)
    path.chmod(0o600)
    assert "damaged" in run("verify", path, code=1).stdout
    assert "damaged" in run("replay", path, code=1).stdout
    path.write_bytes(content[: len(content) // 4])
    assert "torn" in run("verify", path, code=1).stdout


def test_what_cannot_be_read_exits_with_2(files: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.cmj").write_bytes(b"no journal")
    run("verify", tmp_path / "missing.cmj", code=2)
    run("verify", tmp_path / "no.cmj", code=2)
    run("replay", tmp_path / "no.cmj", code=2)
    run("verify", tmp_path / "empty", code=2)
    quotes, venues = files / "quotes.parquet", files / "venues.toml"
    run("simulate", tmp_path / "missing.toml", quotes, "--venues", venues, code=2)
    run("simulate", files / "euro.toml", tmp_path / "no.cmj", "--venues", venues, code=2)
    run("simulate", files / "euro.toml", tmp_path / "empty", "--venues", venues, code=2)


def test_errors_are_stated_as_json_too(files: Path) -> None:
    done = run("simulate", files / "euro.toml", files / "quotes.parquet", "--json", code=2)
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "ConfigError"
    assert error["field"]
    assert done.stderr.startswith("cross-market: ConfigError")


@pytest.mark.parametrize("arguments", [["--json"], ["no", "--json"], ["verify", "--json"]])
def test_wrong_arguments_are_stated_as_json_too(arguments: list[str]) -> None:
    done = run(*arguments, code=3)
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "UsageError"
    assert error["expected"].startswith("usage: cross-market")
    assert done.stderr.startswith("usage")


def test_an_output_that_nobody_reads_is_no_verdict(files: Path) -> None:
    program = [sys.executable, "-m", "cross_market"]
    for arguments in (["verify", files / "journal", "--json"], ["verify", "--json"], ["--help"]):
        command = [*program, *map(str, arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
            assert started.stdout is not None
            assert started.stderr is not None
            started.stdout.close()
            said = started.stderr.read().decode()
        assert "Traceback" not in said
        assert "Exception" not in said
        assert started.returncode == (0 if arguments == ["--help"] else 141)


def test_an_output_that_cannot_be_written_exits_with_2(files: Path) -> None:
    command = [sys.executable, "-m", "cross_market", "verify", str(files / "journal")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_data_of_a_wrong_type_exits_with_2(files: Path, tmp_path: Path) -> None:
    quotes = pq.read_table(files / "quotes.parquet")
    at = quotes.column_names.index("msg")
    wrong = quotes.set_column(at, "msg", pa.array(["x"] * quotes.num_rows))
    pq.write_table(wrong, tmp_path / "wrong.parquet")
    venues = ("--venues", files / "venues.toml")
    done = run("simulate", files / "euro.toml", tmp_path / "wrong.parquet", *venues, code=2)
    assert "wrong.parquet, msg" in done.stderr


def test_a_journal_that_cannot_be_made_is_stated_with_its_path(files: Path, tmp_path: Path) -> None:
    journal = tmp_path / "missing" / "run"
    done = run(
        *("simulate", files / "euro.toml", files / "quotes.parquet", "--json"),
        *("--venues", files / "venues.toml", "--journal", journal),
        code=2,
    )
    error = json.loads(done.stdout)["error"]
    assert (error["kind"], error["path"], error["commands"]) == ("JournalError", str(journal), [])


def test_a_bug_says_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cross_market import __main__ as program

    def broken(options: object) -> tuple[int, dict[str, object]]:
        message = "an invariant"
        raise cm.InternalError(message, invariant="an invariant")

    monkeypatch.setitem(program.VERBS, "verify", broken)
    assert program.main(["verify", "x"]) == 4
    assert "report" in capsys.readouterr().err
