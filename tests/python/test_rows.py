"""Recorded rows: on the grid or refused by row, merged by receipt, clocks put right."""

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import cross_market as cm
from cross_market.research import recording
from cross_market.research.recording import Batch, Recording
from cross_market.research.rows import on_grid, to_grid
from parts import gold_config

NOW = 1_770_000_000_000_000_000
FEEDS = {"SHFE": 1_000_000, "COMEX": 2_000_000, "FX": 3_000_000}


def load(data: Any, config: cm.Config, feed_ns: dict[str, int]) -> Batch:  # noqa: ANN401
    """Return a recording that is one batch."""
    (batch,) = Recording(data, config, feed_ns).batches()
    return batch


def test_floats_on_the_grid_are_exact() -> None:
    ticks = np.arange(-30_000, 30_000, dtype=np.int64)
    for step, places in (("0.02", 2), ("0.1", 1), ("0.0005", 4), ("0.25", 2), ("10", 0)):
        units = int(step.replace(".", ""))
        printed = np.array([float(f"{tick * units}e-{places}") for tick in ticks])
        assert (to_grid(printed, step, "price") == ticks).all()


@pytest.mark.parametrize(
    "value", [617.71, 0.1 + 0.2, float("nan"), float("inf"), 1e300, math.nextafter(617.7, 0)]
)
def test_a_float_off_the_grid_names_its_row(value: float) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        to_grid(np.array([617.7, value, 617.7]), "0.02", "price")
    assert caught.value.field == "price, row 1"


@pytest.mark.parametrize("given", [np.array(["1"]), np.array([True]), np.array([1 + 2j])])
def test_columns_of_other_types_are_refused(given: Any) -> None:  # noqa: ANN401
    with pytest.raises(cm.InputTypeError):
        to_grid(given, "1", "price")


def table(**changed: object) -> pa.Table:
    """Return two messages for each of the gold instruments; columns may be replaced."""
    names = ["SHFE.au2602", "COMEX.GCG6", "FX.USDCNY"]
    prices = {"SHFE.au2602": 617.7, "COMEX.GCG6": 2650.1, "FX.USDCNY": 7.25}
    rows: list[dict[str, object]] = []
    for message in range(2):
        for at, name in enumerate(names):
            for side in ("bid", "ask"):
                stamp = NOW + message * 1000 + at
                rows.append(
                    {
                        "ts_exchange_ns": stamp - 10,
                        "ts_receive_ns": stamp,
                        "instrument": name,
                        "kind": "snapshot",
                        "side": side,
                        "price": prices[name],
                        "size": 3.0,
                        "msg": message,
                        "uid": 7,
                    }
                )
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    for key, change in changed.items():
        assert isinstance(change, tuple)
        at, value = change
        columns[key][at] = value
    return pa.table(columns)


def test_rows_are_merged_by_receipt() -> None:
    rows = load(table(), gold_config(), FEEDS)
    assert (np.diff(rows.columns["receive"]) >= 0).all()
    assert rows.columns["instrument"].tolist() == [0, 0, 1, 1, 2, 2] * 2
    # Two rows a snapshot: its first, and a further level that is the last.
    assert rows.columns["row"].tolist() == [0, 4] * 6
    assert rows.columns["price"].tolist()[:4] == [30885, 30885, 26501, 26501]
    found = Recording(table(), gold_config(), FEEDS)
    assert (len(found), found.ahead_ns) == (12, {"SHFE": 0, "COMEX": 0, "FX": 0})


@pytest.mark.parametrize(
    ("column", "at", "value", "field"),
    [
        ("price", 3, 2650.15, "data, price, row 3"),
        ("price", 3, None, "data, price, row 3"),
        ("size", 4, 0.5, "data, size, row 4"),
        ("size", 4, -1.0, "data, size, row 4"),
        ("size", 4, None, "data, size, row 4"),
        ("side", 5, "buy", "data, side, row 5"),
        ("ts_receive_ns", 6, 1_770_000_000, "data, ts_receive_ns, row 6"),
        ("ts_exchange_ns", 6, 1_770_000_000_000, "data, ts_exchange_ns, row 6"),
        ("ts_receive_ns", 6, NOW - 1, "data, ts_receive_ns, row 2 of SHFE.au2602"),
        ("msg", 7, None, "data, msg, row 7"),
    ],
)
def test_wrong_rows_are_named(column: str, at: int, value: object, field: str) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        load(table(**{column: (at, value)}), gold_config(), FEEDS)
    assert caught.value.field == field


def test_missing_columns_and_instruments_are_named() -> None:
    with pytest.raises(cm.ConfigError) as caught:
        load(table().drop_columns(["size"]), gold_config(), FEEDS)
    assert caught.value.field == "data, size"
    only = table().filter(pc.equal(table()["instrument"], "SHFE.au2602"))
    with pytest.raises(cm.ConfigError, match=r"COMEX\.GCG6") as caught:
        load(only, gold_config(), FEEDS)
    # What the other leg trades is no misspelling of this one.
    assert "Did you mean" not in str(caught.value)


def test_files_out_of_order_are_named(tmp_path: Path) -> None:
    early, late = table(), table()
    for key in ("ts_exchange_ns", "ts_receive_ns"):
        moved = pc.add(late[key], 10**9)
        late = late.set_column(late.column_names.index(key), key, moved)
    for name, each in (("a.parquet", late), ("b.parquet", early)):
        pq.write_table(each, tmp_path / name)
    with pytest.raises(cm.ConfigError) as caught:
        load(tmp_path, gold_config(), FEEDS)
    first = gold_config().instruments[0].name
    assert caught.value.field == f"b.parquet, ts_receive_ns, row 0 of {first}"
    assert str(caught.value).endswith("that of its row before, which is the last one of a.parquet")


def test_stamps_as_floats_are_refused() -> None:
    floats = table().set_column(0, "ts_exchange_ns", pa.array([1.77e18] * 12))
    with pytest.raises(cm.InputTypeError):
        load(floats, gold_config(), FEEDS)


def test_a_clock_that_is_ahead_is_put_right() -> None:
    data = table()
    ahead = [stamp + 5_000_000_000 for stamp in data["ts_exchange_ns"].to_pylist()]
    moved = data.set_column(0, "ts_exchange_ns", pa.array(ahead))
    found = Recording(moved, gold_config(), FEEDS)
    (rows,) = found.batches()
    # The fastest message of each venue is taken to have needed what its feed latency says.
    assert found.ahead_ns["SHFE"] == 5_000_000_000 - 10 + FEEDS["SHFE"]
    took = rows.columns["receive"] - rows.columns["exchange"]
    assert took.min() == min(FEEDS.values())
    assert took[rows.columns["instrument"] == 1].min() == FEEDS["COMEX"]


def test_a_message_without_stamp_inherits_one() -> None:
    rows = load(table(ts_exchange_ns=(6, None)), gold_config(), FEEDS)
    own = rows.columns["exchange"][rows.columns["instrument"] == 0]
    assert own.tolist() == [NOW - 10, NOW - 10, NOW - 10, NOW + 1000 - 10]


@pytest.mark.parametrize("data", [3, None, {"a": 1}, b"x"])
def test_what_is_no_data_is_refused(data: object) -> None:
    with pytest.raises(cm.InputTypeError):
        load(data, gold_config(), FEEDS)


def numbered(**changed: object) -> pa.Table:
    """Return the table with the numbers of its messages: 7 and 9, the second one gapless."""
    plain = table()
    second = [message == 1 for message in plain["msg"].to_pylist()]
    columns: dict[str, object] = {
        "seq": [9 if late else 7 for late in second],
        "step": [2 if late else 0 for late in second],
        **changed,
    }
    for key, values in columns.items():
        plain = plain.append_column(key, values if isinstance(values, pa.Array) else [values])
    return plain


def test_the_numbers_of_messages_are_handed_on() -> None:
    rows = load(numbered(), gold_config(), FEEDS)
    assert sorted(set(rows.columns["seq"].tolist())) == [7, 9]
    assert sorted(set(rows.columns["step"].tolist())) == [0, 2]
    plain = load(table(), gold_config(), FEEDS)
    assert not plain.columns["seq"].any()
    assert not plain.columns["step"].any()


def test_numbers_that_are_none_are_refused_by_their_row() -> None:
    count = table().num_rows
    with pytest.raises(cm.ConfigError) as caught:
        load(numbered(seq=[-1] * count), gold_config(), FEEDS)
    assert caught.value.field == "data, seq, row 0"
    with pytest.raises(cm.ConfigError) as caught:
        load(numbered(step=[0, 2**32] * (count // 2)), gold_config(), FEEDS)
    assert "data, step, row " in str(caught.value)
    with pytest.raises(cm.InputTypeError):
        load(numbered(seq=[1.5] * count), gold_config(), FEEDS)


def replaced(key: str, values: pa.Array) -> pa.Table:
    """Return the table with one of its columns, or a further one, holding these values."""
    plain = table()
    if key in plain.column_names:
        return plain.set_column(plain.column_names.index(key), key, values)
    return plain.append_column(key, values)


def text_of(content: bytes) -> pa.Array:
    """Return a column of 12 texts of one byte each, valid UTF-8 or not."""
    offsets = pa.py_buffer(np.arange(13, dtype=np.int32).tobytes())
    return pa.Array.from_buffers(pa.string(), 12, [None, offsets, pa.py_buffer(content)])


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("kind", pa.array([["snapshot"]] * 12)),
        ("side", pa.array([1] * 12)),
        ("instrument", pa.array([b"SHFE.au2602"] * 12)),
        ("venue", pa.array([1.5] * 12)),
        ("msg", pa.array(["1"] * 12)),
        ("msg", pa.array([[1]] * 12)),
        ("price", pa.array(["617.7"] * 12)),
        ("size", pa.array([True] * 12)),
        ("ts_receive_ns", pa.array(["x"] * 12)),
        ("seq", pa.array([1.0] * 12)),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.type),
)
def test_columns_of_another_type_are_named(key: str, values: pa.Array) -> None:
    with pytest.raises(cm.InputTypeError) as caught:
        load(replaced(key, values), gold_config(), FEEDS)
    assert caught.value.field == f"data, {key}"


@pytest.mark.parametrize(
    ("key", "values", "row"),
    [
        ("msg", pa.array([0.0] * 7 + [math.nan] * 5), 7),
        ("msg", pa.array([0.0] * 7 + [math.inf] * 5), 7),
        ("msg", pa.array([0.0] * 7 + [1.5] * 5), 7),
        ("msg", pa.array([0.0] * 7 + [1e300] * 5), 7),
        ("msg", pa.array([0] * 7 + [-1] * 5), 7),
        ("msg", pa.array([0] * 7 + [2**63] * 5, pa.uint64()), 7),
        ("ts_receive_ns", pa.array([NOW] * 7 + [-1] * 5), 7),
        ("ts_receive_ns", pa.array([NOW] * 7 + [2**64 - 1] * 5, pa.uint64()), 7),
        ("kind", text_of(b"aaaaaaa\xffaaaa"), 7),
        ("instrument", text_of(b"aaaaaaa\xffaaaa"), 7),
    ],
)
def test_values_that_cannot_be_are_named_by_row(key: str, values: pa.Array, row: int) -> None:
    with pytest.raises(cm.ConfigError) as caught:
        load(replaced(key, values), gold_config(), FEEDS)
    assert caught.value.field == f"data, {key}, row {row}"


def test_whole_floats_number_messages() -> None:
    rows = load(replaced("msg", pa.array([0.0] * 6 + [1.0] * 6)), gold_config(), FEEDS)
    assert (rows.columns["row"] == load(table(), gold_config(), FEEDS).columns["row"]).all()


def test_two_columns_of_one_name_are_refused() -> None:
    plain = table()
    both = pa.table([*plain.columns, plain["price"]], names=[*plain.column_names, "price"])
    with pytest.raises(cm.ConfigError) as caught:
        load(both, gold_config(), FEEDS)
    assert caught.value.field == "data, price"


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ticks.parquet").write_bytes(b"PAR1 no more")
    for data in (tmp_path / "ticks.parquet", tmp_path / "missing.parquet", "a\0b", "\ud800"):
        with pytest.raises(cm.ConfigError) as caught:
            load(data, gold_config(), FEEDS)
        assert caught.value.field == "data"


def test_clocks_too_far_apart_are_refused() -> None:
    # Received in 1980 and sent in 2199: moved back, the first message lies before 1980.
    start, end = 315_532_800_000_000_000, 7_258_118_400_000_000_000
    apart = replaced("ts_receive_ns", pa.array([start + at for at in range(12)]))
    at = apart.column_names.index("ts_exchange_ns")
    apart = apart.set_column(at, "ts_exchange_ns", pa.array([end - 20 - at for at in range(12)]))
    with pytest.raises(cm.ConfigError) as caught:
        load(apart, gold_config(), FEEDS)
    assert caught.value.field == "SHFE, ts_exchange_ns"


def drifting(count: int, seed: int) -> list[pa.Table]:
    """Return made rows as three tables: two instruments together, one alone in two parts."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    names = ["SHFE.au2602", "COMEX.GCG6", "FX.USDCNY"]
    ticks = {"SHFE.au2602": 0.02, "COMEX.GCG6": 0.1, "FX.USDCNY": 0.0001}
    now = NOW
    for message in range(count):
        name = names[int(random.integers(3))]
        now += int(random.integers(0, 3)) * 1000
        kind = "snapshot" if message < 30 or random.random() < 0.05 else "delta"
        if random.random() < 0.01:
            kind = "settle"
        sent = None if random.random() < 0.1 else now - int(random.integers(1, 60_000))
        for place in range(1 if kind == "settle" else 2):
            price = round((30_000 + int(random.integers(-9, 9))) * ticks[name], 4)
            stamps = {"ts_exchange_ns": sent, "ts_receive_ns": now}
            row = {"instrument": name, "kind": kind, "side": ("bid", "ask")[place]}
            rows.append(stamps | row | {"price": price, "size": 3.0, "msg": message})
    both = [row for row in rows if row["instrument"] != names[2]]
    alone = [row for row in rows if row["instrument"] == names[2]]
    half = len(alone) // 2 // 2 * 2
    parts = [both, alone[:half], alone[half:]]
    return [pa.table({key: [row[key] for row in part] for key in rows[0]}) for part in parts]


def settles_of(found: list[Batch]) -> list[tuple[int, int, int]]:
    return [each for batch in found for each in batch.settlements]


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_small_pieces_give_the_same_rows(
    size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tables = drifting(600, seed=size)
    expected = load(tables, gold_config(), FEEDS)
    files = []
    for at, each in enumerate(tables):
        files.append(tmp_path / f"{at}.parquet")
        pq.write_table(each, files[-1], row_group_size=50)
    monkeypatch.setattr(recording, "READ_ROWS", size)
    monkeypatch.setattr(recording, "KEPT_ROWS", 0)
    for data in (tables, files):
        whole = Recording(data, gold_config(), FEEDS)
        found = list(whole.batches())
        assert len(found) > 2 if size < 100 else found
        assert sum(len(batch.columns["price"]) for batch in found) == len(whole)
        for name, column in expected.columns.items():
            joined = np.concatenate([batch.columns[name] for batch in found])
            assert joined.dtype == column.dtype
            assert (joined == column).all(), name
        assert sorted(settles_of(found)) == expected.settlements
        assert found[-1].until is None
        for at, batch in enumerate(found[:-1]):
            later = found[at + 1 :]
            sent = [each.columns["exchange"] for each in later]
            assert batch.until is not None
            assert batch.until < np.concatenate(sent).min()
            assert all(received > batch.until for received, _, _ in settles_of(later))


def test_pieces_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "READ_ROWS", 100)
    monkeypatch.setattr(recording, "KEPT_ROWS", 0)
    whole = Recording(drifting(4000, seed=1), gold_config(), FEEDS)
    sizes = [len(batch.columns["price"]) for batch in whole.batches()]
    assert len(sizes) > 40
    assert max(sizes) < 500


class Frame:
    """Something of another library that speaks the protocol."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def test_whatever_speaks_the_arrow_protocol_is_data() -> None:
    import polars

    expected = load(table(), gold_config(), FEEDS)
    reader = pa.RecordBatchReader.from_batches(table().schema, table().to_batches())
    for data in (Frame(table()), reader, polars.from_arrow(table()), table().to_batches()):
        found = load(data, gold_config(), FEEDS)
        assert all((found.columns[name] == expected.columns[name]).all() for name in found.columns)


# What files of others bring: exact decimals, timestamps, names that are spelt otherwise.


@pytest.mark.parametrize("kind", [pa.decimal128(38, 9), pa.decimal128(12, 4), pa.decimal256(50, 6)])
def test_decimals_are_exact(kind: pa.DataType) -> None:
    plain = load(table(), gold_config(), FEEDS)
    exact = [Decimal(str(each)) for each in table()["price"].to_pylist()]
    sliced = pa.concat_tables([replaced("price", pa.array(exact, kind))]).slice(0)
    found = load(sliced, gold_config(), FEEDS)
    for name, column in plain.columns.items():
        assert (found.columns[name] == column).all()


@pytest.mark.parametrize("value", ["617.71", "617.70000000000000000001", "1e30", "-1e-30"])
def test_a_decimal_off_the_grid_names_its_row(value: str) -> None:
    prices = [Decimal(str(each)) for each in table()["price"].to_pylist()]
    prices[1] = Decimal(value)
    with pytest.raises(cm.ConfigError) as caught:
        load(replaced("price", pa.array(prices, pa.decimal256(76, 38))), gold_config(), FEEDS)
    assert caught.value.field == "data, price, row 1"


def test_negative_decimals_are_prices() -> None:
    column = pa.chunked_array([pa.array([Decimal("-37.63"), Decimal("0.01")])])
    assert on_grid(column, "0.01", "price", np.arange(2)).tolist() == [-3763, 1]
    assert on_grid(column.slice(1), "0.01", "price", np.arange(1)).tolist() == [1]
    assert on_grid(column.slice(2), "0.01", "price", np.arange(0)).tolist() == []


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_timestamps_with_their_zone_are_stamps(unit: str) -> None:
    config = gold_config()
    plain = table()
    for key in ("ts_receive_ns", "ts_exchange_ns"):
        at = plain.column_names.index(key)
        whole = pc.multiply(pc.divide(plain[key], 10**9), 10**9)
        plain = plain.set_column(at, key, whole)
    stamped = plain
    for key in ("ts_receive_ns", "ts_exchange_ns"):
        stamps = plain[key].cast(pa.timestamp("ns", "Asia/Shanghai"))
        at = plain.column_names.index(key)
        stamped = stamped.set_column(at, key, stamps.cast(pa.timestamp(unit, "Asia/Shanghai")))
    one, two = load(plain, config, FEEDS), load(stamped, config, FEEDS)
    assert (one.columns["receive"] == two.columns["receive"]).all()
    assert (one.columns["exchange"] == two.columns["exchange"]).all()


def test_timestamps_without_a_zone_are_refused() -> None:
    stamps = table()["ts_receive_ns"].cast(pa.timestamp("ns"))
    with pytest.raises(cm.InputTypeError, match="with their zone") as caught:
        load(replaced("ts_receive_ns", stamps), gold_config(), FEEDS)
    assert caught.value.field == "data, ts_receive_ns"
    far = pa.array([2**62] * table().num_rows, pa.timestamp("s", "UTC"))
    with pytest.raises(cm.ConfigError, match="1980 to 2200"):
        load(replaced("ts_receive_ns", far), gold_config(), FEEDS)


def test_an_instrument_that_is_not_there_names_those_that_are() -> None:
    names = [each.replace("au2602", "AU2602") for each in table()["instrument"].to_pylist()]
    with pytest.raises(cm.ConfigError, match=r"Did you mean 'SHFE\.AU2602'"):
        load(replaced("instrument", pa.array(names)), gold_config(), FEEDS)
    kinds = pa.array(["l2"] * table().num_rows)
    with pytest.raises(cm.ConfigError, match="of kind snapshot, delta or settle; there is l2"):
        load(replaced("kind", kinds), gold_config(), FEEDS)


def test_a_file_that_ends_early_waits_for_those_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second file is read to its end for two instruments while the third is in the first."""
    both, first, second = drifting(900, seed=5)
    middle = first["ts_receive_ns"][first.num_rows // 2]
    early = both.filter(pc.less(both["ts_receive_ns"], middle))
    tables = [first, pa.concat_tables([second, early])]
    expected = load(tables, gold_config(), FEEDS)
    monkeypatch.setattr(recording, "READ_ROWS", 40)
    monkeypatch.setattr(recording, "KEPT_ROWS", 0)
    found = list(Recording(tables, gold_config(), FEEDS).batches())
    for name, column in expected.columns.items():
        joined = np.concatenate([batch.columns[name] for batch in found])
        assert (joined == column).all(), name


def test_no_message_goes_on_from_one_file_into_the_next() -> None:
    one = table()
    later = pa.array([stamp + 10_000 for stamp in one["ts_receive_ns"].to_pylist()])
    same = pa.array([1] * one.num_rows)
    last = one.set_column(one.column_names.index("msg"), "msg", same)
    two = last.set_column(1, "ts_receive_ns", later)
    found = load([last, two], gold_config(), FEEDS)
    # A snapshot of four rows of each instrument in each file, not one of eight.
    assert found.columns["row"].tolist().count(0) == 6
