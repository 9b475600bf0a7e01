"""What a simulation did, as Arrow tables."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cross_market._arrow import arrow
from cross_market._pnl import pnl
from cross_market.config import Config
from cross_market.research.recording import Recording

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = (
    "attempts",
    "orders",
    "fills",
    "funds",
    "positions",
    "hedges",
    "alerts",
    "chains",
    "refusals",
    "signals",
    "prices",
    "usage",
    "inventory",
    "attribution",
)


@dataclass(frozen=True)
class Result:
    """What a simulation did.

    tables: dict – Arrow tables by name; each is an attribute too: `attempts orders fills funds
        positions hedges alerts chains refusals`, over time `signals prices usage inventory`, and
        `attribution`, which `pnl` sums.
        Times are UTC in ns (int64), prices, sizes and money exact decimals.
    rows: int – recorded rows used. left_out: int – rows of other instruments and kinds.
    ahead_ns: dict – by venue, how far its clock was ahead of ours; its stamps were moved back.
    events: int – events that the engine took. errors: int – events that its door refused.
    refused: str – the first of these, None when there is none.
    faults: dict – how often each class of faults happened.
    journal: str – the journal's file, None when nothing was journaled.
    link: bytes – its last link; kept elsewhere, it shows later that it was not shortened.
    digest: bytes – SHA-256 of the engine's last state; equal runs have equal digests.
    """

    tables: "Mapping[str, pa.Table]"
    rows: int
    left_out: int
    ahead_ns: Mapping[str, int]
    events: int
    errors: int
    refused: str | None
    faults: Mapping[str, int]
    journal: str | None
    link: bytes | None
    digest: bytes

    @classmethod
    def of(cls, done: Mapping[str, Any], rows: Recording, config: Config) -> "Result":
        """Return the result of what the native module did.

        done: dict – what it returned.
        rows: Recording – what it was given. config: Config – what was traded.
        """
        tables = {name: arrow(done["tables"][name]) for name in TABLES}
        tables["hedges"] = with_plans(tables["hedges"], config)
        return cls(
            tables=tables,
            rows=len(rows),
            left_out=rows.left_out,
            ahead_ns=rows.ahead_ns,
            events=done["events"],
            errors=done["errors"],
            refused=done["refused"],
            faults=done["faults"],
            journal=done["journal"],
            link=done["link"],
            digest=done["digest"],
        )

    @property
    def attempts(self) -> "pa.Table":
        """One row for each attempt: kind, end, sets, what repair lost."""
        return self.tables["attempts"]

    @property
    def orders(self) -> "pa.Table":
        """One row for each order that was sent."""
        return self.tables["orders"]

    @property
    def fills(self) -> "pa.Table":
        """One row for each execution."""
        return self.tables["fills"]

    @property
    def funds(self) -> "pa.Table":
        """Money of every account at the end, by cause."""
        return self.tables["funds"]

    @property
    def positions(self) -> "pa.Table":
        """Positions at the end."""
        return self.tables["positions"]

    @property
    def hedges(self) -> "pa.Table":
        """What every hedge holds at the end: signed sets, and the residual in common units.

        `unit` is the common unit, `currency` that of its signal, `max_residual` its limit at rest.
        """
        return self.tables["hedges"]

    @property
    def alerts(self) -> "pa.Table":
        """One row for each alert but refusals."""
        return self.tables["alerts"]

    @property
    def chains(self) -> "pa.Table":
        """One row for each order: the moments along its way."""
        return self.tables["chains"]

    @property
    def refusals(self) -> "pa.Table":
        """How often each hedge was refused for each reason, when first and when last."""
        return self.tables["refusals"]

    @property
    def signals(self) -> "pa.Table":
        """The signal of each hedge at the tops over time, and its bands.

        A row tells what held from `from_ns` until before `until_ns`: the least, greatest and last
        value in the hedge's measure (a difference per common unit in its currency, or a quotient),
        rounded down to 12 places, null where a book was not whole. At most 2,048 rows a hedge: of
        more, neighbours are joined.
        """
        return self.tables["signals"]

    @property
    def prices(self) -> "pa.Table":
        """The best prices of each leg over time, per common unit in the hedge's currency.

        Rows are those of `signals`, at most 2,048 a leg.
        """
        return self.tables["prices"]

    @property
    def usage(self) -> "pa.Table":
        """(margin + held) ÷ balance of each account over time, and the cap on it.

        Rows are those of `signals`, at most 2,048 an account.
        """
        return self.tables["usage"]

    @property
    def inventory(self) -> "pa.Table":
        """Signed sets and residual in common units of each hedge: at the start, at each change."""
        return self.tables["inventory"]

    @property
    def attribution(self) -> "pa.Table":
        """Where the result comes from: by day, hedge, account and cause; gains are positive.

        `amount` is in the hedge's currency, `own_amount` in the money's own: its sum over an
        account is exactly what `funds` calls `earned`. What belongs to no hedge has none.
        """
        return self.tables["attribution"]

    def pnl(self, *, by: str) -> "pa.Table":
        """Return what the run has brought, by cause, hedge, account or day.

        by: str – 'cause', 'hedge', 'account' or 'day' (UTC).
        returns: Arrow table – `by`, `currency`, `amount`; one row for each currency.
        Raises ConfigError for another word.

        Example:
            result.pnl(by="cause").to_pandas()
        """
        return pnl(self.attribution, by)

    def summary(self) -> dict[str, Any]:
        """Return the run in numbers: counts of attempts, refusals, alerts, and its digest."""
        attempts = Counter(
            (kind, end or "alive")
            for kind, end in zip(
                self.attempts["kind"].to_pylist(), self.attempts["end"].to_pylist(), strict=True
            )
        )
        refusals: Counter[str] = Counter()
        for reason, count in zip(
            self.refusals["refusal"].to_pylist(), self.refusals["count"].to_pylist(), strict=True
        ):
            refusals[reason] += count
        return {
            "rows": self.rows,
            "events": self.events,
            "events_refused": self.errors,
            "attempts": [
                {"kind": kind, "end": end, "count": count}
                for (kind, end), count in sorted(attempts.items())
            ],
            "orders": self.orders.num_rows,
            "fills": self.fills.num_rows,
            "refusals": dict(sorted(refusals.items())),
            "alerts": dict(sorted(Counter(self.alerts["code"].to_pylist()).items())),
            "faults": dict(sorted(self.faults.items())),
            "clock_ahead_ns": {name: ns for name, ns in self.ahead_ns.items() if ns},
            "journal": self.journal,
            "link": None if self.link is None else self.link.hex(),
            "digest": self.digest.hex(),
        }

    def __repr__(self) -> str:
        """Return the run in a few lines: attempts by end, sets, result by cause, alerts."""
        from cross_market.report import text

        return text.text(self)

    def _repr_html_(self) -> str:
        """Return the run as the tables that a notebook shows."""
        from cross_market.report import text

        return text.html(self)

    def plot(self, name: str = "market", *, of: str | None = None, lang: str = "en") -> "Any":  # noqa: ANN401
        """Return one plot of the run as a plotly figure, which a notebook shows.

        name: str – 'market' (prices, signal and attempts), 'inventory', 'usage', 'cause', 'days',
            'latency', 'refusals' or 'ends'.
        of: str – which hedge, stage, or for causes hedge and currency; the first when None.
        lang: str – 'en' or 'zh'.
        returns: plotly Figure.
        Raises ConfigError for a name that is not there, UsageError when the extra `report` is not
        installed.

        Example:
            result.plot()
            result.plot("cause", of="btc USDT", lang="zh")
        """
        from cross_market.report import plots

        return plots.plot(self.tables, name, of=of, lang=lang)

    def report(
        self, path: str | os.PathLike[str], *, lang: str = "en", title: str | None = None
    ) -> str:
        """Write the run as one page that opens offline, in English and Chinese.

        path: path – the HTML file; one that is there is replaced.
        lang: str – 'en' or 'zh': what is shown first; the page has a switch.
        title: str – its heading; the names of the hedges when None.
        returns: str – the path.
        Raises UsageError when the extra `report` is not installed, ConfigError for what is wrong,
        OSError when the file cannot be written.

        Example:
            result.report("report.html")
        """
        from cross_market.report import page

        return page.write(self, path, lang=lang, title=title)

    def write(self, folder: str | os.PathLike[str]) -> list[str]:
        """Write every table as Parquet and return the files.

        folder: path – made when missing.
        returns: list of str.
        """
        import pyarrow.parquet as pq

        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        files = []
        for name, table in self.tables.items():
            file = path / f"{name}.parquet"
            pq.write_table(table, file)
            files.append(str(file))
        return files


def with_plans(hedges: "pa.Table", config: Config) -> "pa.Table":
    """Return the table of the hedges with what the configuration says of each."""
    import pyarrow as pa

    plans = {hedge.name: hedge for hedge in config.hedges}
    own = [plans[name] for name in hedges["hedge"].to_pylist()]
    limits = [Fraction(hedge.units(hedge.execution.max_residual, "max_residual")) for hedge in own]
    # To 12 places, as the residual beside it.
    units = [limit.numerator * 10**12 // limit.denominator for limit in limits]
    exact = [Decimal((0, tuple(map(int, str(each))), -12)) for each in units]
    for name, column in (
        ("unit", pa.array([hedge.unit for hedge in own], pa.string())),
        ("currency", pa.array([hedge.currency for hedge in own], pa.string())),
        ("max_residual", pa.array(exact, pa.decimal128(38, 12))),
    ):
        hedges = hedges.append_column(name, column)
    return hedges
