"""Values that many tests begin with."""

from typing import Any

import cross_market as cm

# How the gold hedge trades, whatever the mode.
EXECUTION: dict[str, Any] = {
    "max_residual": "500 g",
    "live_residual": "3.2 kg",
    "finish_within": "2 s",
    "repair": cm.CheaperOf("supplement", "unwind"),
    "max_loss": "20000 CNY",
}
QUOTING = cm.Quoting(
    **EXECUTION,
    quotes=["COMEX.GCG6"],
    lean=cm.Lean(price="average", times="1.5", base="2 lots", when_thin="return"),
    rest_within="10 min",
    slop_inside="0.0001",
    slop_outside="0.0002",
    reload="-0.0003",
    min_reprice="1 tick",
    max_reprice="50 ticks",
    raise_by="2 lots",
    range="20 ticks",
    outside="leave",
    refresh="1 min",
)


def instrument(name: str, quote: str, **changed: object) -> cm.Instrument:
    """Return a margined contract; keyword arguments replace its values."""
    given: dict[str, object] = {
        "venue": name.partition(".")[0],
        "product": "gold",
        "size": "1000 g",
        "quote": quote,
        "tick": "0.02",
        "settlement": "daily_vm",
        "fees": cm.Fees(open=cm.Fee(rate="0.0001")),
        "margin": cm.Margin(long="0.1", short="0.1"),
    }
    return cm.Instrument(name, **{**given, **changed})  # type: ignore[arg-type]


def gold_parts() -> dict[str, object]:
    """Return the arguments of the gold configuration of the design: Shanghai against New York."""
    au = instrument("SHFE.au2602", "CNY/g", fees=cm.Fees(open=cm.Fee(per_lot="10 CNY")))
    gc = instrument("COMEX.GCG6", "USD/ozt", size="100 ozt", tick="0.1")
    fx = instrument("FX.USDCNY", "CNY/USD", product="USD", size="1000 USD", tick="0.0001")
    sh = cm.Account("sh", venue="SHFE", currency="CNY", island="onshore", flag="arbitrage")
    ny = cm.Account("ny", venue="COMEX", currency="USD", island="offshore", flag="arbitrage")
    hedge = {
        "name": "gold",
        "legs": [cm.Leg(au, side="sell", account=sh), cm.Leg(gc, side="buy", account=ny)],
        "unit": "g",
        "currency": "CNY",
        "fx": {"USD": fx},
        "basis": "physical",
        "signal": cm.Ratio(enter="1.004", exit="1.0005", persist="2 updates"),
        "size": cm.Size(clip=1, max=27, overnight=18, holiday=0),
        "execution": cm.Simultaneous(**EXECUTION),
    }
    return {
        "venues": [
            cm.Venue("SHFE", netting="gross_by_day"),
            cm.Venue("COMEX", netting="net"),
            cm.Venue("FX", netting="net"),
        ],
        "accounts": [sh, ny],
        "hedge": hedge,
        "limits": cm.limits.template("small desk"),
    }


def gold_config(**changed: object) -> cm.Config:
    """Return the gold configuration; keyword arguments replace parts of it or of its hedge."""
    parts = gold_parts()
    hedge = parts.pop("hedge")
    assert isinstance(hedge, dict)
    for key in list(changed):
        if key in hedge or key in ("slippage", "priority"):
            hedge[key] = changed.pop(key)
    made = cm.Hedge(**hedge)
    return cm.Config(**{"hedges": [made], **parts, **changed})  # type: ignore[arg-type]


def resting(**changed: object) -> cm.Config:
    """Return the gold configuration where orders may rest, with a signal that quotes may have."""
    given = {
        "venues": [
            cm.Venue("SHFE", netting="gross_by_day", rests="day"),
            cm.Venue("COMEX", netting="net", rests="gtc"),
            cm.Venue("FX", netting="net"),
        ],
        "signal": cm.Ratio(enter="1.004", exit="1.0005"),
        "execution": QUOTING,
    }
    return gold_config(**{**given, **changed})
