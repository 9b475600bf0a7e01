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
    for word in ("config", "demo", "doctor", "simulate", "replay", "verify", "exit codes"):
        assert word in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["demo", "--days", "0"],
        ["demo", "--days", "x"],
        ["verify"],
        ["verify", "a", "b"],
        ["config"],
        ["config", "check"],
        ["doctor", "x"],
    ],
)
def test_wrong_arguments_exit_with_3(arguments: list[str]) -> None:
    assert run(*arguments, code=3).stderr.startswith("usage")


def test_the_demo_ends_with_an_equal_replay(tmp_path: Path) -> None:
    done = run("demo", "--days", 40, "--out", tmp_path / "out")
    assert "Replayed to the same state: yes" in done.stdout
    assert "nobody can trade at them" in done.stdout
    assert (tmp_path / "out" / "tables" / "attempts.parquet").exists()
    assert done.stderr == ""  # no progress where nobody looks


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


def at_a_terminal(*arguments: object, code: int = 0) -> str:
    """Run the command line at a terminal and return everything that it shows there."""
    import os
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cross_market", *map(str, arguments)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as started:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody writes any more
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert started.returncode == code, shown
    return shown.decode()


def test_progress_tells_speed_and_time_left_at_a_terminal(tmp_path: Path) -> None:
    shown = at_a_terminal("demo", "--days", 400, "--out", tmp_path / "out")
    assert "rows/s" in shown
    assert "100%" in shown
    assert "Attempts by kind and end" in shown


def test_progress_without_rich_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cross_market._cli import terminal

    monkeypatch.setattr(terminal, "has_rich", lambda stream: False)
    with terminal.progress("simulate", is_shown=True) as told:
        told(500, 1000)
        told(1000, 1000)
    shown = capsys.readouterr().err
    assert "simulate: 50 %" in shown
    assert "rows/s" in shown
    assert "\n" not in shown


def test_no_progress_beside_json(tmp_path: Path) -> None:
    shown = at_a_terminal("demo", "--days", 30, "--out", tmp_path / "out", "--json")
    assert "rows/s" not in shown
    assert json.loads(shown)["verify"]["verdict"] == "clean"


def test_doctor_looks_at_everything(files: Path, tmp_path: Path) -> None:
    done = run("doctor", "--config", files / "euro.toml", "--journal", tmp_path)
    for word in ("compiled core", "pyarrow", "clock monotonic", "SHA-256", "journal's sync"):
        assert word in done.stdout
    assert "FIGURE doctor.sync syncs=" in done.stdout
    assert list(tmp_path.iterdir()) == []
    found = json.loads(run("doctor", "--json").stdout)
    assert {each["state"] for each in found["findings"]} <= {"good", "warn"}
    assert found["sync"] is None


def test_doctor_refuses_a_file_that_anybody_may_write(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "open.toml"
    path.write_bytes((files / "euro.toml").read_bytes())
    path.chmod(0o666)
    assert "anybody may write it" in run("doctor", "--config", path, code=1).stdout
    run("doctor", "--config", tmp_path / "missing.toml", code=1)
    assert "no folder" in run("doctor", "--journal", path, code=1).stdout


def test_doctor_warns_of_secrets(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "secret.toml"
    text = (files / "euro.toml").read_text(encoding="utf-8")
    path.write_text(f"# postgres://desk:hunter2@db/x\n{text}", encoding="utf-8")
    done = run("doctor", "--config", path)
    assert "address with a password" in done.stdout
    assert "hunter2" not in done.stdout


def test_config_check_accepts_what_runs(files: Path) -> None:
    done = run("config", "check", files / "euro.toml", "--venues", files / "venues.toml")
    assert done.stdout.endswith("1 hedge, with simulated venues\n")
    assert "no simulated venues" in run("config", "check", files / "euro.toml").stdout
    found = json.loads(run("config", "check", files / "euro.toml", "--json").stdout)
    assert found == {"path": str(files / "euro.toml"), "right": True, "problems": []}


def test_config_check_tells_every_problem_with_its_line(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    text = (files / "euro.toml").read_text(encoding="utf-8")
    changes = {
        'netting = "net"': 'netting = "nett"',
        "clip = 20": "clp = 20",
        'tick = "0.0001"': "tick = 0.0001",
        'side = "sell"': 'side = "sel"',
        'finish_within = "30 s"': 'finish_within = "30 sec"',
        'account = "frankfurt"': 'account = "frankfort"',
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    lines = text.splitlines()
    done = run("config", "check", path, "--json", code=1)
    problems = json.loads(done.stdout)["problems"]
    for new in changes.values():
        at = next(number for number, line in enumerate(lines, 1) if line.startswith(new))
        [found] = [each for each in problems if each["line"] == at]
        assert (found["file"], found["column"], found["level"]) == (str(path), 1, "error")
    assert len(problems) == len(changes)
    said = run("config", "check", path, code=1).stdout
    for word in ("'net'", "'clip'", "'sell'", "'s'", "'frankfurt'", "write it as text"):
        assert word in said
    assert said.splitlines()[-1] == f"{path}: 6 problems"


def test_config_check_of_what_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("engine = 1\nrun = = 2\n")
    assert f"{path}:2:7: this is not TOML" in run("config", "check", path, code=1).stdout
    path.write_bytes(b"engine = 1\n# \xff\n")
    assert f"{path}:2:" in run("config", "check", path, code=1).stdout
    run("config", "check", tmp_path / "missing.toml", code=2)
    path.chmod(0o666)
    run("config", "check", path, code=2)


def test_config_check_of_venues_that_do_not_fit(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "venues.toml"
    text = (files / "venues.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('account = "warsaw"', 'account = "warsow"'), encoding="utf-8")
    done = run("config", "check", files / "euro.toml", "--venues", path, code=1)
    line = 1 + text.splitlines().index('account = "warsaw"')
    assert f"{path}:{line}:1: balances[0].account: found 'warsow'" in done.stdout
    assert "Did you mean 'warsaw'" in done.stdout


@pytest.mark.parametrize(
    "given", [["verify", "\x1b[31mred\u202e"], ["\x1b[2Jx"], ["simulate", "\x1b]0;t\x07", "b"]]
)
def test_what_is_not_seen_is_escaped(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from cross_market.__main__ import main

    assert main(given) != 0
    told = capsys.readouterr()
    for each in told.out + told.err:
        assert each.isprintable() or each == "\n"
    assert r"\x1b" in told.out + told.err
