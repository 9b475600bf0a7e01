"""The page of every key of a configuration file, made from the classes themselves.

python tests/python/config_page.py    writes docs/configuration.md
"""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import cross_market as cm
from cross_market._values import is_required, readers
from cross_market.policy.limit import (
    AccountLimits,
    HedgeLimits,
    InstrumentLimits,
    SumResidual,
    VenueLimits,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
HEAD = """# Configuration

Every key of a configuration file, with what it takes. This page is written and compared by tests,
from the classes of the same names: a file states what Python states, and `Config.load` and
`Config.dump` go between the two.

```python
import cross_market as cm

config = cm.Config.load("gold.toml")
config.dump("copy.toml")  # every limit visible
assert cm.Config.load("copy.toml") == config
```

Instruments and accounts are written once, as `[[instruments]]` and `[[accounts]]`, and named where
they are used. Where one of several classes may stand, `type = "…"` says which. `[limits]` may begin
with `template = "small desk"`; what is written beside it replaces the template's values, and in
`[limits.venues.NAME]`, `[limits.instruments."NAME"]`, `[limits.accounts.NAME]` and
`[limits.hedges.NAME]` those of one name.
`[simulation]` holds simulated venues, for `cross-market simulate` and `SimVenues.load`.

An unknown key is refused with the nearest known one; a number that is not whole is written as text,
because a float is not the decimal it prints; nothing is interpolated, included or executed; secrets
are refused, and so is a file that anybody may write. Every error names file, line and key;
`cross-market config check FILE` tells all of them.

*Required* keys have no default: nothing that moves money is filled in.
"""
TABLES: tuple[tuple[str, type], ...] = (
    ("the file itself", cm.Config),
    ("[[venues]]", cm.Venue),
    ("[[accounts]]", cm.Account),
    ("[[routes]]", cm.Route),
    ("[routes.top_up]", cm.TopUp),
    ("[[offsets]]", cm.Offset),
    ("[[offsets.legs]]", cm.OffsetLeg),
    ("[[instruments]]", cm.Instrument),
    ("[instruments.fees]", cm.Fees),
    ("[instruments.fees.open] and the others", cm.Fee),
    ("[instruments.margin]", cm.Margin),
    ("[[instruments.margin.steps]]", cm.MarginStep),
    ("[[hedges]]", cm.Hedge),
    ("[[hedges.legs]]", cm.Leg),
    ('[hedges.signal], type = "Ratio"', cm.Ratio),
    ('[hedges.signal], type = "Spread"', cm.Spread),
    ('[hedges.signal], type = "CounterPrice"', cm.CounterPrice),
    ('[hedges.signal], type = "Estimate"', cm.Estimate),
    ("[hedges.signal.mirror]", cm.Band),
    ("[hedges.signal.deviation]", cm.Deviation),
    ("[hedges.size]", cm.Size),
    ('[hedges.execution], type = "Simultaneous"', cm.Simultaneous),
    ('[hedges.execution], type = "Sequential"', cm.Sequential),
    ('[hedges.execution], type = "Quoting"', cm.Quoting),
    ("[hedges.execution.lean]", cm.Lean),
    ("[hedges.execution.legs.INSTRUMENT]", cm.LegRule),
    ('[hedges.execution.repair], type = "CheaperOf"', cm.CheaperOf),
    ('[hedges.execution.repair], type = "Supplement"', cm.Supplement),
    ('[hedges.execution.repair], type = "Unwind"', cm.Unwind),
    ("[waiting]", cm.Waiting),
    ("[limits]", cm.Limits),
    ("[limits.each_venue] and [limits.venues.NAME]", VenueLimits),
    ("[limits.each_instrument] and [limits.instruments.NAME]", InstrumentLimits),
    ("[limits.each_instrument.conduct] and [limits.instruments.NAME.conduct]", cm.Conduct),
    ("[limits.each_account] and [limits.accounts.NAME]", AccountLimits),
    ("[limits.each_hedge] and [limits.hedges.NAME]", HedgeLimits),
    ("[[limits.sum_residual]]", SumResidual),
    ("[[thresholds]]", cm.Threshold),
    ("[thresholds.warn] and the others", cm.Formula),
    ("[simulation]", cm.SimVenues),
    ("[[simulation.venues]]", cm.SimVenue),
    ("order, report and feed of [[simulation.venues]]", cm.Latency),
    ("[[simulation.balances]]", cm.Balance),
    ("[[simulation.holdings]]", cm.Holding),
    ("[[simulation.faults]]", cm.Fault),
)


def meanings(cls: type) -> dict[str, str]:
    """Return what the docstring of a class says of each argument."""
    text = inspect.cleandoc(cls.__doc__ or "").replace("\n    ", " ")
    text = re.sub(r"(?<=[.;]) (?=[a-z_]+(?:, [a-z_]+)*: )", "\n", text)
    found = {}
    for names, said in re.findall(r"^([a-z_]+(?:, [a-z_]+)*): (.+)$", text, re.MULTILINE):
        kind, _, meaning = said.partition(" – ")
        for name in names.split(", "):
            found[name] = (meaning or kind).rstrip(".")
    shared = re.search(r"The other arguments are those of (\w+)", text)
    if shared:
        found = {**meanings(getattr(cm, shared[1])), **found}
    return found


def default_text(field: "dataclasses.Field[Any]") -> str:
    """Return the default of a field as a file states it."""
    if is_required(field):
        return "*required*"
    if field.default is None or field.default == ():
        return "none"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return f"`{field.default}`" if isinstance(field.default, int) else f'`"{field.default}"`'


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for header, cls in TABLES:
        parts.append(f"\n## {header}\n")
        first = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        parts.append(first + "\n")
        fields = dataclasses.fields(cls)
        if not fields:
            continue
        parts.append("| key | default | takes | meaning |")
        parts.append("|---|---|---|---|")
        said = meanings(cls)
        for field in fields:
            takes = readers(cls)[field.name].expected.removesuffix(", or None")
            cells = (f"`{field.name}`", default_text(field), takes, said.get(field.name, ""))
            parts.append("| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
