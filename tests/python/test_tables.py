"""Every result table read by pandas, polars and DuckDB as it is."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import cross_market as cm
from cross_market import demo
from cross_market.research.result import TABLES

DAYS = demo.fixings()[:120]


@pytest.fixture(scope="module")
def result() -> cm.Result:
    quotes = demo.quotes(DAYS)
    return cm.simulate(demo.config(), quotes, venues=demo.venues(1), verbs=demo.operator(DAYS))


def decimals(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_decimal(field.type)]


def codes(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_dictionary(field.type)]


def wholes(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_integer(field.type)]


def dates(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_date(field.type)]


def values(table: pa.Table, name: str) -> list[Any]:
    """Return what is there, nulls left out."""
    return [value for value in table[name].to_pylist() if value is not None]


def test_the_run_has_something_of_every_kind(result: cm.Result) -> None:
    assert sum(result.tables[name].num_rows > 0 for name in TABLES) == len(TABLES)
    kinds = {str(field.type) for name in TABLES for field in result.tables[name].schema}
    assert kinds >= {
        "decimal128(38, 9)",
        "decimal128(38, 12)",
        "int64",
        "uint64",
        "string",
        "date32[day]",
    }
    assert any("dictionary" in kind for kind in kinds)


@pytest.mark.parametrize("name", TABLES)
def test_pandas_reads_it(result: cm.Result, name: str) -> None:
    table = result.tables[name]
    frame = table.to_pandas()
    assert list(frame.columns) == table.column_names
    assert len(frame) == table.num_rows
    for column in decimals(table):
        there = frame[column].dropna()
        assert all(type(value) is Decimal for value in there)
        assert sum(there) == sum(values(table, column))
    for column in codes(table):
        assert str(frame[column].dtype) == "category"
        assert frame[column].dropna().tolist() == values(table, column)
    for column in dates(table):
        assert frame[column].tolist() == values(table, column)
    for column in wholes(table):
        if table[column].null_count == 0:
            assert sum(frame[column].tolist()) == sum(values(table, column))


@pytest.mark.parametrize("name", TABLES)
def test_polars_reads_it(result: cm.Result, name: str) -> None:
    import polars as pl

    table = result.tables[name]
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns == table.column_names
    assert frame.height == table.num_rows
    for column in decimals(table):
        kind = frame.schema[column]
        assert isinstance(kind, pl.Decimal)
        assert (kind.precision, kind.scale) == (38, table.schema.field(column).type.scale)
        assert frame[column].null_count() == table[column].null_count
        assert (frame[column].sum() or 0) == sum(values(table, column))
    for column in codes(table):
        assert frame[column].drop_nulls().to_list() == values(table, column)
    for column in (*wholes(table), *dates(table)):
        assert frame[column].drop_nulls().to_list() == values(table, column)


@pytest.mark.parametrize("name", TABLES)
def test_duckdb_reads_it(result: cm.Result, name: str) -> None:
    import duckdb

    table = result.tables[name]
    with duckdb.connect() as connection:
        connection.register("given", table)
        (count,) = connection.execute("SELECT count(*) FROM given").fetchall()
        assert count == (table.num_rows,)
        described = connection.execute("DESCRIBE given").fetchall()
        kinds = {row[0]: row[1] for row in described}
        for column in decimals(table):
            scale = table.schema.field(column).type.scale
            assert kinds[column] == f"DECIMAL(38,{scale})"
            query = f'SELECT sum("{column}"), count("{column}") FROM given'
            ((total, there),) = connection.execute(query).fetchall()
            assert there == table.num_rows - table[column].null_count
            assert (total or 0) == sum(values(table, column))
        for column in (*codes(table), *wholes(table), *dates(table)):
            query = f'SELECT "{column}" FROM given'
            read = [row[0] for row in connection.execute(query).fetchall()]
            assert read == table[column].to_pylist()


@pytest.mark.parametrize("name", TABLES)
def test_parquet_gives_back_what_was_written(result: cm.Result, name: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    result.write(tmp_path)
    read = pq.read_table(tmp_path / f"{name}.parquet")
    assert read.to_pylist() == result.tables[name].to_pylist()
    assert read.schema.types == result.tables[name].schema.types
