"""What names and notes may hold (B40–B45): twins are kept apart, every language has its place."""

import sys
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bad
import cross_market as cm
from bad import refused
from cross_market import _core
from cross_market import events as ev
from cross_market._values import note, shown
from samples import NOW, engine, samples, trading
from test_any_event import GOLD
from test_engine import START


@pytest.fixture(scope="module")
def value() -> cm.Engine:
    return engine()[0]


def is_taken(value: cm.Engine, actor: str) -> bool:
    """Return whether the door takes a text as the name of who speaks."""
    try:
        value.handle(NOW, ev.Control(actor=actor, verb=ev.Resume()))
    except cm.ConfigError:
        return False
    return True


def is_note(text: str) -> bool:
    try:
        note(text, "actor")
    except cm.ConfigError:
        return False
    return True


def test_both_readers_of_notes_take_the_same_characters(value: cm.Engine) -> None:
    odd = [
        chr(at)
        for at in range(sys.maxunicode + 1)
        if unicodedata.category(chr(at)) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
    ]
    seen = {is_note(f"a{each}b") for each in odd}
    assert seen == {True, False}
    for each in odd:
        assert is_note(f"a{each}b") == is_taken(value, f"a{each}b"), ascii(each)
        assert is_note(each) == is_taken(value, each), ascii(each)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters(), max_size=130))
def test_both_readers_of_notes_take_the_same_texts(text: str) -> None:
    assert is_note(text) == is_taken(FUZZED, text)


FUZZED = engine()[0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters(), max_size=60) | st.binary(max_size=60), st.sampled_from([0, 1, 2]))
def test_no_text_breaks_a_door(text: Any, door: int) -> None:  # noqa: ANN401
    if door == 0 and type(text) is str and text in ("gold", "sh", "ny"):
        return
    before = FUZZED.digest()
    doors = (
        lambda: FUZZED.handle(NOW, ev.Estimate(hedge=text, value="1", expires=NOW)),
        lambda: FUZZED.id(text),
        lambda: cm.Instrument(text, venue="not a venue \n"),  # type: ignore[call-arg]
    )
    refused(doors[door])
    assert FUZZED.digest() == before


WORDS = [
    "值班交易员 李雷",
    "電話確認\uff1a客戶取消",
    "مناوب",
    "Ωμέγα é e\u0301",
    "'; drop table orders; --",
    "%s {0} ${HOME} ../..",
]


def test_a_note_comes_back_from_the_journal_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "留痕"
    with cm.Session(GOLD, journal=folder, now=START - 10**9, actor="值班 desk") as session:
        order = trading(session)[0]
        session.stop(now=NOW)
        for word in WORDS:
            session.handle(NOW, ev.Control(actor=word, verb=ev.Resume()))
        session.override(order, status="cancelled", cum=0, reason="电话确认\uff1a未成交", now=NOW)
        digest, path = session.digest(), Path(session.path)
    data = path.read_bytes()
    # The canonical bytes are the text's own, neither escaped nor put into another normal form.
    for word in (*WORDS, "值班 desk", "电话确认\uff1a未成交"):
        assert word.encode() in data, word
    assert _core.verify(str(path))["verdict"] == "clean"
    assert _core.replay(str(path))["digest"] == digest
    with cm.Session(GOLD, journal=folder, now=NOW + 10**9, actor="夜班") as session:
        session.resume(now=NOW + 10**9)


def test_a_folder_in_chinese_is_named_in_errors(tmp_path: Path) -> None:
    folder = tmp_path / "留痕"
    folder.mkdir()
    (folder / "journal-0001.cmj").write_bytes(b"no journal")
    with pytest.raises(cm.JournalError) as caught:
        cm.Session(GOLD, journal=folder, now=START)
    assert "留痕" in str(caught.value.path)


TWINS = [("gold", "Gold"), ("gold", "GOLD"), ("a.b", "a_b"), ("0", "O"), ("l", "1")]


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_names_that_differ_in_a_byte_are_two(one: str, other: str) -> None:
    accounts = [
        cm.Account(name.replace("_", "-"), venue="v", currency="CNY", island="i", flag="hedge")
        for name in (one, other)
    ]
    assert accounts[0] != accounts[1]
    assert {accounts[0]: 1, accounts[1]: 2}[accounts[0]] == 1


def test_trades_whose_ids_are_twins_are_two() -> None:
    found, orders = engine()
    fill: Any = samples(orders[0])["Fill"]
    digests = {found.digest()}
    for name in ("T1", "t1", "T1 ".strip() + ".", "\u04221"):
        news = ev.Fill(trade_id=name, side="sell", price=30884, qty=1)
        report = ev.Report(**{**{k: getattr(fill, k) for k in ABOUT}, "news": news})
        if not name.isascii():
            refused(lambda report=report: found.handle(NOW, report))  # type: ignore[misc]
            continue
        found.handle(NOW, report)
        digests.add(found.digest())
    assert len(digests) == 4


ABOUT = ("account", "instrument", "exchange", "receive", "order")


@pytest.mark.parametrize("given", [*bad.THINGS, bad.deep(), [10**5000]], ids=bad.identity)
def test_what_is_shown_is_one_short_line(given: object) -> None:
    text = shown(given)
    assert len(text) <= 121
    assert bad.is_seen(text)


ROW = {
    "ts_exchange_ns": START,
    "ts_receive_ns": START,
    "venue": "SHFE",
    "instrument": "au2602",
    "kind": "snapshot",
    "side": "bid",
    "price": 617.7,
    "size": 1.0,
    "msg": 1,
}
BAD_CELLS: list[tuple[str, object]] = [
    *(("price", x) for x in (float("nan"), float("inf"), 5e-324, 1e308, 0.1 + 0.2, None)),
    *(("size", x) for x in (float("nan"), float("inf"), -1.0, 0.5, 1e300, None)),
    *(("ts_receive_ns", x) for x in (-1, 1_770_000_000, 1_770_000_000_000, 2**63 - 1, 1.77e18)),
    *(("ts_exchange_ns", x) for x in (-1, 1_770_000_000_000_000, 2**63 - 1, 1.77e18)),
    *(("msg", x) for x in (-1, 0.5, float("nan"), None)),
    *(("side", x) for x in ("buy", "BID", "", "b\u0456d", "\x1b[31m\n" * 10_000, None, 1)),
    *(("price", x) for x in ("617.70", True, b"1")),
    ("seq", -1),
    ("step", 2**40),
]


@pytest.mark.parametrize(("name", "cell"), BAD_CELLS, ids=bad.identity)
def test_a_bad_cell_of_a_recording_is_named(name: str, cell: object, tmp_path: Path) -> None:
    rows = [ROW, ROW | {"side": "ask", "price": 617.72}, ROW | {name: cell}]
    types = {name: [row.get(name) for row in rows] for name in (*ROW, name)}
    is_whole_column = type(cell) in (str, bytes, bool) and name == "price"
    if is_whole_column or (type(cell) is float and name.startswith("ts_")):
        types[name] = [cell] * 3
    elif name in ("seq", "step") or (type(cell) is int and name == "side"):
        types[name] = [1, 1, cell]
    latency = cm.Latency("1 ms")
    venues = cm.SimVenues(
        venues=[
            cm.SimVenue(each.name, order=latency, report=latency, feed=latency)
            for each in GOLD.venues
        ],
        balances=[cm.Balance("sh", amount="1 CNY"), cm.Balance("ny", amount="1 USD")],
    )
    folder = tmp_path / "run"
    error = refused(lambda: cm.simulate(GOLD, pa.table(types), venues=venues, journal=folder))
    assert name in str(error)
    assert not folder.exists()


BAD_VERBS: list[Any] = [
    *(each for each in bad.THINGS if type(each) not in (list, dict)),
    [1],
    [(START,)],
    [(START, None)],
    [(START, "stop")],
    [(START, ev.Tick())],
    [(START, ev.Stop)],
    [(START, ev.Stop(scope=ev.Scope(hedge="silver")))],
    [(START, ev.Enter(hedge="gold", sets=1.5))],  # type: ignore[arg-type]
    *([(stamp, ev.Stop())] for stamp in (*bad.WHOLES, None, -1, 2**63)),
]


@pytest.mark.parametrize("verbs", BAD_VERBS, ids=bad.identity)
def test_a_bad_verb_is_refused_before_anything_runs(verbs: Any, tmp_path: Path) -> None:  # noqa: ANN401
    latency = cm.Latency("1 ms")
    venues = cm.SimVenues(
        venues=[
            cm.SimVenue(each.name, order=latency, report=latency, feed=latency)
            for each in GOLD.venues
        ],
        balances=[cm.Balance("sh", amount="1 CNY"), cm.Balance("ny", amount="1 USD")],
    )
    table = pa.table({name: [cell] for name, cell in ROW.items()})
    folder = tmp_path / "run"
    refused(lambda: cm.simulate(GOLD, table, venues=venues, verbs=verbs, journal=folder))
    assert not folder.exists()
