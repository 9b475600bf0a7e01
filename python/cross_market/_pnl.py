"""Sums of an attribution: by cause, hedge, account or day."""

from typing import TYPE_CHECKING

from cross_market._values import unknown, wrong_type

if TYPE_CHECKING:
    import pyarrow as pa

BY = ("cause", "hedge", "account", "day")


def pnl(attribution: "pa.Table", by: str) -> "pa.Table":
    """Return what each of `by` has brought, in each currency; a sum is never over two of them.

    attribution: Arrow table – `day hedge account cause currency amount`.
    by: str – 'cause', 'hedge', 'account' or 'day'.
    returns: Arrow table – `by`, `currency`, `amount` (exact decimal, gains positive), in the order
        of the causes, of the configuration, or of time.
    """
    import pyarrow as pa

    if type(by) is not str:
        raise wrong_type(by, "by", f"one of {', '.join(BY)}")
    if by not in BY:
        raise unknown(by, "by", BY, "one of these")

    def coded(name: str) -> "pa.DictionaryArray | pa.Date32Array":
        return attribution[name].combine_chunks()

    keys, currencies = coded(by), coded("currency")
    places = keys.indices if by != "day" else keys.cast(pa.int32())
    plain = pa.table(
        {"key": places, "currency": currencies.indices, "amount": attribution["amount"]}
    )
    sums = plain.group_by(["key", "currency"]).aggregate([("amount", "sum")])
    sums = sums.sort_by([("key", "ascending"), ("currency", "ascending")])
    found, words = sums["key"].combine_chunks(), currencies.dictionary
    of = found.cast(pa.date32()) if by == "day" else named(found, keys.dictionary)
    amounts = sums["amount_sum"].cast(attribution.schema.field("amount").type)
    columns = [of, named(sums["currency"].combine_chunks(), words), amounts]
    return pa.table(columns, names=[by, "currency", "amount"])


def named(codes: "pa.Array", words: "pa.Array") -> "pa.DictionaryArray":
    """Return places in a list of words as a column of these words."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), words)
