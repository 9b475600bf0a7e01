"""A small pool on SQLite or on a real PostgreSQL, and short words for it."""

from decimal import Decimal

from cross_market.funds import ledger as led
from pool.server import Server


def emptied(server: Server) -> str:
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as link:
        link.execute("DROP SCHEMA IF EXISTS cross_market CASCADE")
    return server.url()


def make(place: str) -> None:
    accounts = [
        led.PoolAccount(name=name, currency=currency, island="on", grain="0.01")
        for name, currency in (("a", "CNY"), ("b", "CNY"), ("usd", "USD"))
    ]
    led.Ledger.create(place, accounts, config="c", binary="b", routes=[("a", "b")])


def member(name: str = "one") -> led.Member:
    return led.Member(name=name, config="c", binary="b")


def opened(place: str, name: str = "one", lease: str = "30 s") -> led.Ledger:
    return led.Ledger.open(place, member=member(name), lease=lease)


def buckets(ledger: led.Ledger, account: str) -> list[Decimal]:
    found = {each.account: each for each in ledger.balances()}[account]
    return [found.free, found.allotted, found.quarantined, found.transit, found.total]
