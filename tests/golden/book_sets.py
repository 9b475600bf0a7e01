"""The sets that are merged by a clock, each with its legs, its decoder and its extra figures."""

from golden import venues
from golden.book_set import BookSet
from golden.books import Asked

SECOND = 10**9

SETS = [
    BookSet(
        "binance_btc_20240808",
        {"spot": ("0.01", "0.000001"), "usdm": ("0.1", "0.001"), "coinm": ("0.1", "1")},
        Asked(SECOND, ("0.1", "1", "5")),
        {
            "l2": ("norm_spot.parquet", "norm_usdm.parquet", "norm_coinm.parquet"),
            "bbo": ("norm_bbo_spot.parquet", "norm_bbo_usdm.parquet", "norm_bbo_coinm.parquet"),
        },
        venues.decode_btc,
        venues.extra_btc,
        slow=False,
    ),
    BookSet(
        "binance_delivery_20210722",
        {"perp": ("0.01", "1"), "sep": ("0.01", "1")},
        Asked(SECOND, ("1", "10"), unit="BCH"),
        {"l2": ("norm.parquet",) * 2, "bbo": ("norm_bbo.parquet",) * 2},
        venues.decode_delivery,
        venues.extra_delivery,
    ),
    BookSet(
        "krakenf_20210722",
        {"xbt_jul": ("0.5", "1"), "xbt_sep": ("0.5", "1")},
        Asked(SECOND, ("0.1", "1")),
        {"l2": ("norm.parquet",) * 2},
        venues.decode_krakenf,
        venues.extra_krakenf,
    ),
    BookSet(
        "bitflyer_20210722",
        {"spot": ("1", "0.00000001"), "fx": ("1", "0.00000001"), "jul30": ("1", "0.00000001")},
        Asked(SECOND, ("0.05", "0.5"), currency="JPY"),
        {"l2": ("norm.parquet",) * 3},
        venues.decode_bitflyer,
        venues.extra_bitflyer,
    ),
    BookSet(
        "okx_20220513",
        {"spot": ("0.1", "0.00000001"), "may27": ("0.1", "1")},
        Asked(SECOND, ("0.1", "1")),
        {"l2": ("norm.parquet",) * 2},
        venues.decode_okx,
        venues.extra_okx,
    ),
    BookSet(
        "fx_eurusd_20140508",
        {"oanda": ("0.00001", "1"), "fxcm": ("0.00001", "1")},
        Asked(60 * SECOND, currency="USD", unit="EUR"),
        {"l2": ("norm_oanda.parquet", "norm_fxcm.parquet")},
        venues.decode_fx,
        venues.extra_fx,
        slow=False,
    ),
]
