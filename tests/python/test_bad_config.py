"""Bad configurations as one table (B53–B64): each is refused by field, file, line and hint.

The same file goes through both doors: `Config.load` raises the first problem, `config check` tells
it too. Nothing that is refused shows a secret.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

import cross_market as cm
from cross_market._cli.check import examine
from parts import gold_config

HERE = "@"  # the changed line


@dataclass(frozen=True)
class Case:
    """One change of the gold file, where it is refused, and what is said."""

    name: str
    old: str
    new: str
    field: str
    said: str
    line: str = HERE  # how the line begins that is named, where it is not the changed one


CASES = [
    # B53 unknown key, table, word, unit, name.
    Case("B53 key", "clip = 1", "clp = 1", "hedges[0].size.clp", "Did you mean 'clip'?"),
    Case("B53 table", "[[hedges]]", "[[hedge]]", "hedge", "Did you mean 'hedges'?"),
    Case(
        "B53 nested table",
        "[hedges.execution]",
        "[hedges.exection]",
        "hedges[0].exection",
        "Did you mean 'execution'?",
    ),
    Case(
        "B53 enum word",
        'netting = "net"',
        'netting = "Net"',
        "venues[1].netting",
        "Did you mean 'net'?",
    ),
    Case("B53 enum", 'side = "buy"', 'side = "bid"', "hedges[0].legs[1].side", "buy, sell"),
    Case(
        "B53 class",
        'type = "CheaperOf"',
        'type = "Cheaper"',
        "hedges[0].execution.repair.type",
        "Did you mean 'CheaperOf'?",
    ),
    Case(
        "B53 mode",
        'type = "Simultaneous"',
        'type = "Simultanous"',
        "hedges[0].execution.type",
        "Did you mean 'Simultaneous'?",
    ),
    Case(
        "B53 mode not said",
        'type = "Simultaneous"\n',
        "",
        "hedges[0].execution",
        'a table with type = one of "Simultaneous", "Sequential", "Quoting"',
        "[hedges.execution]",
    ),
    Case(
        "B53 leg of a mode",
        'max_loss = "20000 CNY"\n',
        'max_loss = "20000 CNY"\nlegs."SHFE.au2620".after = "1 ms"\n',
        "hedges[0].execution.legs.SHFE.au2620",
        "Did you mean 'SHFE.au2602'?",
        'legs."SHFE',
    ),
    Case("B53 unit", 'unit = "g"', 'unit = "gram"', "hedges[0].unit", "Did you mean 'g'?"),
    Case(
        "B53 unit in capitals",
        'max_residual = "500 g"',
        'max_residual = "500 KG"',
        "hedges[0].execution.max_residual",
        "Did you mean 'kg'?",
    ),
    Case(
        "B53 unit of time",
        'finish_within = "2 s"',
        'finish_within = "2 seconds"',
        "hedges[0].execution.finish_within",
        "Did you mean 's'?",
    ),
    Case(
        "B53 currency",
        'max_loss = "20000 CNY"',
        'max_loss = "20000 cny"',
        "hedges[0].execution.max_loss",
        "Did you mean 'CNY'?",
    ),
    Case(
        "B53 instrument",
        'instrument = "SHFE.au2602"',
        'instrument = "SHFE.au2620"',
        "hedges[0].legs[0].instrument",
        "Did you mean 'SHFE.au2602'?",
    ),
    Case(
        "B53 account",
        'account = "ny"',
        'account = "nyc"',
        "hedges[0].legs[1].account",
        "Did you mean 'ny'?",
    ),
    Case(
        "B53 venue",
        'name = "FX"',
        'name = "FXX"',
        "instruments.FX.USDCNY.venue",
        "Did you mean 'FXX'?",
        'venue = "FX"',
    ),
    Case(
        "B53 limited name",
        "[limits.each_instrument]",
        '[limits.instruments.SHFE_au]\nage = "1 s"\n[limits.each_instrument]',
        "limits.instruments.SHFE_au",
        "one of the instruments",
    ),
    # B54 missing limits.
    Case(
        "B54 all limits",
        "[limits]",
        "[limit]",
        "limit",
        "Did you mean 'limits'?",
    ),
    Case(
        "B54 one limit",
        "tries = 20\n",
        "",
        "limits.each_hedge.tries",
        "missing, expected a whole number from 1",
        "[limits.each_hedge]",
    ),
    Case(
        "B54 limits for each",
        "[limits.each_account]",
        "[limits.accounts.sh]",
        "limits.accounts.ny",
        "there is no unlimited default",
    ),
    Case(
        "B54 a currency",
        'order_value = ["5000000 CNY", ',
        "order_value = [",
        "limits.instruments.SHFE.au2602.order_value",
        "an amount in CNY",
    ),
    Case(
        "B54 sum of residuals",
        "each_sum_residual = 3\n",
        "",
        "limits.sum_residual.gold.CNY",
        "each_sum_residual",
        "[limits]",
    ),
    # B55 order of levels inverted: what we have of it are bands, sizes and budgets.
    Case(
        "B55 bands",
        'enter = "1.004"',
        'enter = "1.0001"',
        "hedges[0].signal.exit",
        "less than enter",
        "exit = ",
    ),
    Case("B55 sizes", "clip = 1", "clip = 28", "hedges[0].size.clip", "at most max, 27"),
    Case(
        "B55 time of a leg",
        'max_loss = "20000 CNY"\n',
        'max_loss = "20000 CNY"\nlegs."SHFE.au2602".after = "3 s"\n',
        "hedges[0].execution.legs.SHFE.au2602.after",
        "at most finish_within",
        'legs."SHFE',
    ),
    Case(
        "B55 reserve",
        "cancel_reserve = 5",
        "cancel_reserve = 20",
        "limits.each_instrument.cancel_reserve",
        "less than message_rate",
    ),
    Case(
        "B55 reserve of a venue",
        "cancel_reserve = 10",
        "cancel_reserve = 40",
        "limits.each_venue.cancel_reserve",
        "less than message_rate",
    ),
    # B56 negative, zero, percent for fraction.
    Case(
        "B56 percent",
        'usage_cap = "0.8"',
        'usage_cap = "80"',
        "limits.each_account.usage_cap",
        "'0.90' means 90 %",
    ),
    Case(
        "B56 zero",
        'collar = "40 ticks"',
        'collar = "0 ticks"',
        "limits.each_instrument.collar",
        "at least 1",
    ),
    Case(
        "B56 negative",
        "trims_per_day = 10",
        "trims_per_day = -1",
        "limits.each_hedge.trims_per_day",
        "from 0",
    ),
    Case("B56 float", 'tick = "0.02"', "tick = 0.02", "instruments[0].tick", "write it as text"),
    # B57 the same name twice.
    Case("B57 venue", 'name = "COMEX"', 'name = "SHFE"', "venues[1].name", "no other"),
    Case("B57 account", 'name = "ny"', 'name = "sh"', "accounts[1].name", "no other"),
    Case(
        "B57 instrument",
        'name = "COMEX.GCG6"',
        'name = "SHFE.au2602"',
        "instruments[1].name",
        "no other",
    ),
    # B58 legs.
    Case(
        "B58 ratio",
        'weight = "1"',
        'weight = "0"',
        "hedges[0].legs[0].weight",
        "above 0",
    ),
    Case(
        "B58 nothing sold",
        'side = "sell"',
        'side = "buy"',
        "hedges[0].legs",
        "at least one bought and one sold leg",
        "[[hedges.legs]]",
    ),
    # B59 what no lots can meet.
    Case(
        "B59 at rest",
        'max_residual = "500 g"',
        'max_residual = "499 g"',
        "limits.hedges.gold.max_residual",
        "half a lot of the finest leg",
    ),
    Case(
        "B59 alive",
        'live_residual = "3.2 kg"',
        'live_residual = "3100 g"',
        "limits.hedges.gold.live_residual",
        "one lot of the coarsest leg",
    ),
    # B60 a question that comes too late to count: the longest waits are bounded.
    Case(
        "B60 delay",
        'max_delay = "10 s"',
        'max_delay = "41 d"',
        "venues[0].max_delay",
        "from 0 ns to 40 d",
    ),
    Case(
        "B60 nothing waited for",
        'max_delay = "10 s"',
        'max_delay = "0 s"',
        "venues[0].max_delay",
        "above zero",
    ),
    # B62 other languages in it; B63 variables; B64 secrets.
    Case("B62 yaml tag", "engine = 1", "engine = !!python/object:os.system", "path", "not TOML"),
    Case("B62 yaml anchor", "engine = 1", "engine: &a 1", "path", "not TOML"),
    Case("B62 json", "engine = 1", '{"engine": 1}', "path", "not TOML"),
    Case(
        "B63 variable",
        'name = "sh"',
        'name = "${ACCOUNT}"',
        "accounts[0].name",
        "nothing is filled in",
    ),
    Case(
        "B63 variable of a number",
        'max_loss = "20000 CNY"',
        'max_loss = "$LOSS CNY"',
        "hedges[0].execution.max_loss",
        "nothing is filled in",
    ),
    Case("B64 password", "engine = 1", 'password = "hunter2"', "password", "no secrets"),
    Case(
        "B64 nested",
        'currency = "CNY"',
        'api_key = "hunter2"\ncurrency = "CNY"',
        "accounts[0].api_key",
        "no secrets",
    ),
]


@pytest.fixture(scope="module")
def gold_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The gold configuration as a file."""
    path = tmp_path_factory.mktemp("gold") / "gold.toml"
    gold_config().dump(path)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_files_are_refused_by_name_and_line(case: Case, gold_text: str, tmp_path: Path) -> None:
    assert case.old in gold_text
    path = tmp_path / "gold.toml"
    text = gold_text.replace(case.old, case.new, 1)
    path.write_text(text, encoding="utf-8")
    at = gold_text.index(case.old)
    if case.line != HERE:
        at = text.index(case.line, at - 400 if case.line.startswith("[[") else 0)
    line = text.count("\n", 0, at) + 1

    with pytest.raises((cm.ConfigError, cm.InputTypeError)) as caught:
        cm.Config.load(path)
    error = caught.value
    assert isinstance(error, cm.ConfigError | cm.InputTypeError)
    assert case.said in str(error)
    assert (error.field, error.file, error.line) == (case.field, str(path), line)
    assert str(error).startswith(f"{path}:{line}: ")
    assert "hunter2" not in str(error) + repr(error.value)

    _, _, problems = examine(path)
    found = [each for each in problems if each.line == line and case.said in each.message]
    assert found, problems
    assert "hunter2" not in str(problems)


def test_the_table_covers_the_catalogue() -> None:
    numbers = {case.name.partition(" ")[0] for case in CASES}
    apart = {"B61"}  # permissions, below
    assert numbers | apart == {f"B{number}" for number in range(53, 65)}


# B61: files that are none, and files that anybody may change.


def test_b61_unreadable_and_world_writable_files(gold_text: str, tmp_path: Path) -> None:
    path = tmp_path / "gold.toml"
    path.write_text(gold_text, encoding="utf-8")
    for mode, is_right in ((0o600, True), (0o644, True), (0o646, False), (0o666, False)):
        path.chmod(mode)
        if is_right:
            assert cm.Config.load(path).hedges
            continue
        with pytest.raises(cm.ConfigError, match="chmod o-w") as caught:
            cm.Config.load(path)
        assert caught.value.field == "path"
        with pytest.raises(cm.ConfigError, match="chmod o-w"):
            examine(path)
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path, tmp_path / "missing.toml", tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(cm.ConfigError):
            cm.Config.load(other)


def test_b62_a_bomb_of_tables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.toml"
    for text in ("a = " + "[" * 100_000, "[" + ".".join("a" * 5000) + "]", "a." * 5000 + "a = 1"):
        path.write_text(text)
        with pytest.raises(cm.ConfigError):
            cm.Config.load(path)
    with path.open("wb") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(cm.ConfigError, match="at most"):
        cm.Config.load(path)


def test_every_problem_of_one_file_is_told_once(gold_text: str, tmp_path: Path) -> None:
    path = tmp_path / "gold.toml"
    # Changes that do not hide each other; a wrong value hides what depends on it.
    names = (
        "B53 key",
        "B53 unit of time",
        "B53 account",
        "B56 percent",
        "B58 ratio",
        "B63 variable",
    )
    text = gold_text
    for case in CASES:
        if case.name in names:
            text = text.replace(case.old, case.new, 1)
    path.write_text(text, encoding="utf-8")
    _, _, problems = examine(path)
    fields = [each.field for each in problems]
    assert len(fields) == len(set(fields))
    assert set(fields) >= {case.field for case in CASES if case.name in names}


def test_worlds_in_files_name_their_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "venues.toml"
    path.write_text(
        '[[venues]]\nname = "A"\norder = { base = "4 ms" }\nreport = { base = "4 ms" }\n'
        'feed = { base = "4 parsecs" }\n',
        encoding="utf-8",
    )
    with pytest.raises(cm.ConfigError, match="length of time") as caught:
        cm.SimVenues.load(path)
    assert (caught.value.field, caught.value.line) == ("venues[0].feed.base", 5)
    path.write_text(path.read_text(encoding="utf-8").replace("parsecs", "ms"), encoding="utf-8")
    with pytest.raises(cm.ConfigError, match="balances: missing") as caught:
        cm.SimVenues.load(path)
    assert (caught.value.field, caught.value.line) == ("balances", 1)
