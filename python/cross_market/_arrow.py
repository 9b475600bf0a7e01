"""Columns of the native module as Arrow tables."""

from typing import TYPE_CHECKING, Any

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
