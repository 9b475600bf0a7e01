"""Simulate a configuration on recorded data, with simulated venues between the two."""

import os
from collections.abc import Callable, Iterable
from fractions import Fraction

from cross_market import _core, _legging
from cross_market._files import path_text
from cross_market._values import missing, unknown, wrong, wrong_type
from cross_market.config import Config
from cross_market.contracts.instrument import LATEST_NS, steps
from cross_market.contracts.units import parse_money, parse_span
from cross_market.events import Verb
from cross_market.research.recording import Data, Recording
from cross_market.research.result import Result
from cross_market.research.world import SimVenues, latency_ns, millionths

# Beyond any money that an engine holds, in 10⁻⁹; a 128-bit integer takes it.
NANOS_MAX = 2**126

YEAR_NS = 366 * 86_400 * 10**9

# After the last row: time for orders and attempts to come to their ends.
GRACE_NS = 30_000_000_000


def simulate(
    config: Config,
    data: Data,
    *,
    venues: SimVenues,
    verbs: Iterable[tuple[int, Verb]] = (),
    journal: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Return what the configuration does on recorded data.

    config: Config – what is traded.
    data: path, folder, Arrow table or what speaks the Arrow capsule protocol, or a list of these –
        rows `ts_exchange_ns ts_receive_ns venue instrument kind side price size msg`; `kind` is
        'snapshot', 'delta' or 'settle', other kinds are left out. An instrument is called
        `venue.instrument` in the configuration. Prices and sizes must lie on its grid: floats are
        proven to, and the first row that does not is named.
    venues: SimVenues – latencies, faults, opening money and positions, seed. What the engine would
        refuse of the opening state is refused before anything runs.
    verbs: list of (ns, verb of `cross_market.events`) – what an operator says, and when.
    journal: path – folder for a new journal; nothing is journaled when None.
    progress: function of (rows done, rows) – called some two hundred times; what it raises ends the
        run, as does Ctrl-C.
    returns: Result.

    Files larger than memory are read in pieces, and every row is proven before anything runs.
    Rows are merged by the stamp of their receipt, which is the clock of the run: rows reach the
    venues when they were sent and the engine when they were received. A venue whose clock is ahead,
    so that messages seem to arrive before they are sent, is put right: all its stamps are moved
    back until its fastest message took what its `feed` latency says. `Result.ahead_ns` tells by how
    much.

    Raises ConfigError and InputTypeError with the field, or the column and row, that is wrong;
    JournalError when the journal cannot be written.

    Example:
        result = cm.simulate(config, "ticks.parquet", venues=cm.SimVenues.load("venues.toml"))
        result.attempts.to_pandas()
    """
    if type(config) is not Config:
        raise wrong_type(config, "config", "a Config")
    if type(venues) is not SimVenues:
        raise wrong_type(venues, "venues", "a SimVenues")
    if progress is not None and not callable(progress):
        raise wrong_type(progress, "progress", "a function of (rows done, rows)")
    folder = None if journal is None else path_text(journal, "journal")
    spoken = verbs_of(verbs)
    setup = setup_of(config, venues)
    feed_ns = {venue.name: parse_span(venue.feed.base, "feed") for venue in venues.venues}
    recording = Recording(data, config, feed_ns)
    if not len(recording):
        raise wrong(0, "data", "at least one row of a book")
    if recording.last + YEAR_NS > LATEST_NS:
        expected = "rows that end a year before 2200 or earlier"
        raise wrong(recording.last, "data, ts_receive_ns", expected)
    slowest = max(_legging.longest_ns(hedge) for hedge in config.hedges)
    done = _core.simulate(
        config.to_json(),
        setup=setup,
        batches=((each.columns, each.settlements, each.until) for each in recording.batches()),
        rows=len(recording),
        verbs=spoken,
        grace_ns=GRACE_NS + slowest,
        journal=folder,
        progress=progress,
    )
    return Result.of(done, recording, config)


def verbs_of(verbs: object) -> list[tuple[int, Verb]]:
    """Return what an operator says as pairs of ns and verb; the native module proves the verb."""
    expected = "a list of pairs: ns since 1970 as int, and a verb of cross_market.events"
    if isinstance(verbs, str | bytes) or not isinstance(verbs, Iterable):
        raise wrong_type(verbs, "verbs", expected)
    try:
        items = iter(verbs)
    except TypeError as error:  # an array of no dimension only looks like one
        raise wrong_type(verbs, "verbs", expected) from error
    found = []
    for at, each in enumerate(items):
        if not isinstance(each, list | tuple) or len(each) != 2:
            raise wrong_type(each, f"verbs[{at}]", expected)
        stamp, verb = each
        if type(stamp) is not int:
            raise wrong_type(stamp, f"verbs[{at}]", expected)
        if not 0 <= stamp < LATEST_NS:
            raise wrong(stamp, f"verbs[{at}]", "ns since 1970, before 2200")
        found.append((stamp, verb))
    return found


def setup_of(config: Config, venues: SimVenues) -> dict[str, object]:
    """Return the world as the native module takes it: numbers in the order of the configuration."""
    latencies = {venue.name: venue for venue in venues.venues}
    known = [venue.name for venue in config.venues]
    for at, each in enumerate(venues.venues):
        if each.name not in known:
            raise unknown(each.name, f"venues.venues[{at}].name", known, "one of the venues")
    for name in known:
        if name not in latencies:
            expected = f"latencies of {name}, a venue of the configuration"
            raise missing(expected, "venues.venues")
    accounts = {account.name: at for at, account in enumerate(config.accounts)}
    balances = []
    for at, each in enumerate(venues.balances):
        where = f"venues.balances[{at}]"
        if each.account not in accounts:
            raise unknown(each.account, f"{where}.account", accounts, "one of the accounts")
        number = accounts[each.account]
        amount, currency = parse_money(each.amount, f"{where}.amount")
        if currency != config.accounts[number].currency:
            expected = f"an amount in {config.accounts[number].currency}"
            raise wrong(each.amount, f"{where}.amount", expected)
        nanos = Fraction(amount) * 10**9
        if nanos.denominator != 1:
            raise wrong(each.amount, f"{where}.amount", "an amount with at most 9 decimals")
        if abs(nanos) > NANOS_MAX:
            raise wrong(each.amount, f"{where}.amount", "an amount that an engine can hold")
        balances.append((number, int(nanos)))
    without = sorted(set(accounts.values()) - {number for number, _ in balances})
    if without or len(balances) != len(accounts):
        expected = "one opening balance for every account"
        raise missing(expected, "venues.balances")
    holdings = holdings_of(config, venues, accounts)
    refused = _core.refused_opening(config.to_json(), 0, balances, holdings)
    if refused is not None:
        kind, at, why = refused
        each = getattr(venues, kind)[at]
        raise wrong(each, f"venues.{kind}[{at}]", f"what an engine takes; it says: {why}")
    return {
        "seed": venues.seed,
        "latencies": [
            tuple(latency_ns(each) for each in (venue.order, venue.report, venue.feed))
            for venue in (latencies[name] for name in known)
        ],
        "faults": [(fault.name, millionths(fault.chance)) for fault in venues.faults],
        "balances": balances,
        "holdings": holdings,
    }


def holdings_of(
    config: Config, venues: SimVenues, accounts: dict[str, int]
) -> list[tuple[int, int, int, int]]:
    """Return opening positions as account, instrument, signed lots and price in ticks."""
    instruments = {each.name: (at, each) for at, each in enumerate(config.instruments)}
    legs = [leg for hedge in config.hedges for leg in hedge.legs]
    traded = {(leg.account.name, leg.instrument.name) for leg in legs}
    found = []
    for at, each in enumerate(venues.holdings):
        where = f"venues.holdings[{at}]"
        if each.account not in accounts:
            raise unknown(each.account, f"{where}.account", accounts, "one of the accounts")
        if each.instrument not in instruments:
            field = f"{where}.instrument"
            raise unknown(each.instrument, field, instruments, "one of the instruments")
        if (each.account, each.instrument) not in traded:
            expected = f"an account in which a leg trades {each.instrument}"
            raise wrong(each.account, f"{where}.account", expected)
        number, instrument = instruments[each.instrument]
        lots = steps(each.size, str(instrument.lot), f"{where}.size", "lot")
        price = steps(each.price, str(instrument.tick), f"{where}.price", "tick")
        found.append((accounts[each.account], number, lots, price))
    return found
