"""What an attempt would come to, asked before it begins."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cross_market._arrow import arrow

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Binding:
    """The limit that binds first.

    moment: str – 'now' for what forbids to begin, else when an account would be beyond its limit:
        'after', 'settled' or 'limits', as in `WhatIf.accounts`.
    refusal: str – the refusal's word, such as 'money' or 'usage'.
    account, instrument: str or None – the account or the leg that is the reason.
    value, limit: int – what was found and what is allowed, in the unit of the refusal: money in
        1e-9 of the account's currency, usage in 1e-9.
    """

    moment: str
    refusal: str
    account: str | None
    instrument: str | None
    value: int
    limit: int


@dataclass(frozen=True)
class WhatIf:
    """What trading a number of sets would come to, its price aside.

    hedge: str, sets: int – what was asked about.
    binds: Binding or None – the limit that binds first; None when all of it could be done and
        carried. Gates and holds judge the first slice as an operator's, accounts the whole.
    accounts: Arrow table – one row for each account of the hedge and moment: equity, margin,
        frozen, available, unrealised (money of the account's currency) and usage, a fraction of
        the equity without gains on paper, null without equity. Moments: 'now'; 'after', when the
        whole size has traded at what the books show; 'settled', when contracts then settle at
        their mid prices; 'limits', when they settle instead at the ends of their price bands that
        are worst for the account, at mid prices where they have none.
    beyond: dict from instruments to lots – what their books do not show; it counts at the collar.
    """

    hedge: str
    sets: int
    binds: Binding | None
    accounts: "pa.Table"
    beyond: dict[str, int]


def told(hedge: str, sets: int, found: dict[str, Any]) -> WhatIf:
    """Return what the core says."""
    binds = None if found["binds"] is None else Binding(*found["binds"])
    return WhatIf(hedge, sets, binds, arrow(found["accounts"]), dict(found["beyond"]))
