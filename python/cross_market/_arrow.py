"""Columns of the native module as Arrow tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cross_market._values import wrong, wrong_type

if TYPE_CHECKING:
    import pyarrow as pa


def arrow(columns: "list[tuple[str, str, Any, Any, Any]]") -> "pa.Table":
    """Return a table of the native module's columns as an Arrow table."""
    import numpy as np
    import pyarrow as pa

    arrays, names = [], []
    wide = {"money": pa.decimal128(38, 9), "decimal": pa.decimal128(38, 12)}
    plain = {"i64": pa.int64(), "u64": pa.uint64(), "time": pa.int64()}
    for name, kind, data, words, valid in columns:
        names.append(name)
        mask = None if valid is None else ~valid
        if kind in wide:
            bits = None
            if valid is not None:
                bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
            buffers = [bits, pa.py_buffer(data)]
            arrays.append(pa.Array.from_buffers(wide[kind], len(data) // 16, buffers))
        elif kind == "coded":
            codes = pa.array(data.astype(np.int32), mask=mask)
            arrays.append(pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.string())))
        elif kind == "date":
            arrays.append(pa.array(data, pa.date32()))
        elif kind == "text":
            arrays.append(pa.array(data, pa.string()))
        else:
            arrays.append(pa.array(data, plain[kind], mask=mask))
    return pa.table(arrays, names=names)


def batches(columns: Any, names: tuple[str, ...]) -> "Iterator[dict[str, Any]]":  # noqa: ANN401
    """Yield the record batches of what speaks the Arrow capsule protocol as numpy arrays.

    Nothing is copied: an array looks at the memory of its batch.
    Raises ConfigError for a column with nulls, and for two of one name.
    """
    import pyarrow as pa

    if hasattr(columns, "__arrow_c_stream__"):
        source: Any = pa.RecordBatchReader.from_stream(columns)
    else:
        source = [pa.record_batch(columns)]
    for batch in source:
        found: dict[str, Any] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in found:
                raise wrong(name, "columns", "one column of each name")
            if column.null_count:
                raise wrong(None, f"columns.{name}", "a column without nulls")
            if not pa.types.is_primitive(column.type) or pa.types.is_boolean(column.type):
                raise wrong_type(str(column.type), f"columns.{name}", "a column of whole numbers")
            found[name] = column.to_numpy(zero_copy_only=True)
        yield found
