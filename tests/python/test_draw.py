"""A session draws on a pool: within its lease, with its results posted once."""

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest

import by_hand
import cross_market as cm
from cross_market import commands
from cross_market import events as ev
from cross_market.funds import ledger

ME = ledger.Member(name="me", config="c", binary="b")
ACCOUNTS = [
    ledger.PoolAccount(name=name, currency="USD", island=island, grain="0.01")
    for name, island in (("one", "north"), ("two", "south"))
]


@pytest.fixture
def place(tmp_path: Path) -> str:
    return made(tmp_path, ACCOUNTS)


def made(folder: Path, accounts: list[ledger.PoolAccount]) -> str:
    folder.chmod(0o700)
    found = f"sqlite:{folder / 'pool.db'}"
    ledger.Ledger.create(found, accounts, config="c", binary="b")
    with joined(found) as pool:
        for name in ("one", "two"):
            pool.bring(f"in {name}", name, 100_000)
        pool.allot("gold", {"one": 20_000, "two": 20_000})
    return found


def joined(place: str) -> ledger.Ledger:
    return ledger.Ledger.open(place, member=ME, lease="30 s")


def leased() -> cm.Config:
    """Return the small configuration with accounts that draw on a pool."""
    plain = by_hand.config()
    names = {each.name: dataclasses.replace(each, leased=True) for each in plain.accounts}
    (hedge,) = plain.hedges
    legs = [dataclasses.replace(leg, account=names[leg.account.name]) for leg in hedge.legs]
    hedges = [dataclasses.replace(hedge, legs=legs)]
    return dataclasses.replace(plain, accounts=list(names.values()), hedges=hedges)


@pytest.fixture
def desk(tmp_path: Path) -> by_hand.Desk:
    return by_hand.Desk(leased(), tmp_path / "journal", money=50_000)


def lease_of(session: cm.Session, account: str) -> dict[str, Decimal]:
    rows = {row["account"]: row for row in session.leases().to_pylist()}
    found: dict[str, Decimal] = rows[account]
    return found


def remains(pool: ledger.Ledger, account: str) -> Decimal:
    return sum((each.remains for each in pool.allotments() if each.account == account), Decimal(0))


def test_nothing_is_entered_before_the_pool_has_said_how_much(
    desk: by_hand.Desk, place: str
) -> None:
    desk.quote(by_hand.NORTH, 10_100)
    desk.quote(by_hand.SOUTH, 10_000)
    alerts = [each for each in desk.sent if isinstance(each, commands.Alert)]
    assert [each.refusal for each in alerts] == ["lease"]
    with joined(place) as pool:
        told = ledger.Draw(pool, desk.session, "gold").renew(desk.now)
        orders = [each for each in told if isinstance(each, commands.Place)]
        assert {each.account for each in orders} == {"one", "two"}
        row = lease_of(desk.session, "one")
        assert row["amount"] == 20_000
        assert row["epoch"] == pool.epoch
        # What is held is no longer there.
        assert 0 < row["room"] < 20_000


def test_losses_are_posted_to_the_allotment_once(desk: by_hand.Desk, place: str) -> None:
    with joined(place) as pool:
        draw = ledger.Draw(pool, desk.session, "gold")
        draw.renew(desk.now)
        desk.entered()
        settle = ev.Settle(
            instrument=by_hand.NORTH, exchange=desk.now, price=10_150, day=day_of(desk)
        )
        desk.say(settle)
        # Sold 100 g at 101.00, settled at 101.50.
        assert lease_of(desk.session, "one")["brought"] == -50
        desk.ms += 1_000
        draw.renew(desk.now)
        row = lease_of(desk.session, "one")
        assert [row["amount"], row["posted"]] == [19_950, -50]
        # The ledger hears of it when the journal has it.
        assert remains(pool, "one") == 20_000
        for _ in range(2):
            desk.ms += 1_000
            draw.renew(desk.now)
            draw.post()
            assert remains(pool, "one") == 19_950
            assert lease_of(desk.session, "one")["amount"] == 19_950


def test_two_losses_of_one_amount_are_two(desk: by_hand.Desk, place: str) -> None:
    with joined(place) as pool:
        draw = ledger.Draw(pool, desk.session, "gold")
        draw.renew(desk.now)
        desk.entered()
        for day, price in enumerate((10_150, 10_200)):
            settle = ev.Settle(
                instrument=by_hand.NORTH, exchange=desk.now, price=price, day=day_of(desk) + day
            )
            desk.say(settle)
            desk.ms += 1_000
            draw.renew(desk.now)
        draw.post()
        assert lease_of(desk.session, "one")["brought"] == -100
        assert remains(pool, "one") == 19_900


def test_what_is_no_whole_grain_counts_against_us(desk: by_hand.Desk, tmp_path: Path) -> None:
    place = made(tmp_path, [dataclasses.replace(each, grain="100") for each in ACCOUNTS])
    with joined(place) as pool:
        draw = ledger.Draw(pool, desk.session, "gold")
        draw.renew(desk.now)
        desk.entered()
        for instrument, price in ((by_hand.NORTH, 10_150), (by_hand.SOUTH, 10_050)):
            settle = ev.Settle(
                instrument=instrument, exchange=desk.now, price=price, day=day_of(desk)
            )
            desk.say(settle)
        desk.ms += 1_000
        draw.renew(desk.now)
        draw.post()
        # Of 50 that were lost a whole grain is posted, of 48 that were won nothing.
        assert [lease_of(desk.session, name)["posted"] for name in ("one", "two")] == [-100, 0]
        assert [remains(pool, name) for name in ("one", "two")] == [19_900, 20_000]


def day_of(desk: by_hand.Desk) -> int:
    return desk.now // (86_400 * 10**9)


def test_what_comes_back_after_an_allotment_is_used_up_is_the_pools(
    desk: by_hand.Desk, place: str
) -> None:
    with joined(place) as pool:
        pool.give_back("small", "gold", "one", 18_000)
        draw = ledger.Draw(pool, desk.session, "gold")

        def settled(price: int, day: int) -> list[Decimal]:
            news = ev.Settle(
                instrument=by_hand.NORTH, exchange=desk.now, price=price, day=day_of(desk) + day
            )
            desk.say(news)
            for _ in range(3):
                desk.ms += 1_000
                draw.renew(desk.now)
            return [pool.balances()[0].total, draw.unpaid().get("one", Decimal(0))]

        draw.renew(desk.now)
        desk.entered()
        # Sold 100 g at 101.00: 2,500 are lost of the 2,000 that were allotted.
        assert settled(12_600, 0) == [98_000, 500]
        before = lease_of(desk.session, "one")["until"]
        assert settled(12_600, 1) == [98_000, 500]
        # Nothing is left to hold within: the lease runs out.
        assert lease_of(desk.session, "one")["until"] == before
        assert settled(10_100, 2) == [100_000, 0]
        assert settled(10_000, 3) == [100_100, 0]
        assert remains(pool, "one") == 0
        assert lease_of(desk.session, "one")["amount"] == 0


def test_what_is_bound_is_not_given_back(desk: by_hand.Desk, place: str) -> None:
    with joined(place) as pool:
        draw = ledger.Draw(pool, desk.session, "gold")
        with pytest.raises(ledger.ShortError, match="bound"):
            draw.give_back("none", "one", 1, now=desk.now)
        draw.renew(desk.now)
        desk.entered()
        room = lease_of(desk.session, "one")["room"]
        assert 0 < room < 20_000
        with pytest.raises(ledger.ShortError, match="bound"):
            draw.give_back("more", "one", room + 1, now=desk.now)
        assert remains(pool, "one") == 20_000
        # A loss that was told and not posted yet is paid before.
        news = ev.Settle(
            instrument=by_hand.NORTH, exchange=desk.now, price=10_150, day=day_of(desk)
        )
        desk.say(news)
        desk.ms += 1_000
        draw.renew(desk.now)
        room = lease_of(desk.session, "one")["room"]
        draw.give_back("rest", "one", room, now=desk.now)
        assert lease_of(desk.session, "one")["room"] == 0
        assert remains(pool, "one") == 19_950 - room
        desk.ms += 1_000
        draw.renew(desk.now)
        assert lease_of(desk.session, "one")["amount"] == remains(pool, "one") == 19_950 - room


def test_a_crash_between_telling_and_posting_posts_once(
    desk: by_hand.Desk, place: str, tmp_path: Path
) -> None:
    with joined(place) as pool:
        draw = ledger.Draw(pool, desk.session, "gold")
        draw.renew(desk.now)
        desk.entered()
        desk.say(
            ev.Settle(instrument=by_hand.SOUTH, exchange=desk.now, price=10_050, day=day_of(desk))
        )
        assert lease_of(desk.session, "two")["brought"] == 48
        desk.ms += 1_000
        draw.renew(desk.now)
        draw.post()
    desk.session.close()
    # Both come back, and neither knows whether the other had heard.
    desk.ms += 1_000
    with (
        joined(place) as pool,
        cm.Session(leased(), journal=tmp_path / "journal", now=desk.now) as session,
    ):
        assert lease_of(session, "two")["posted"] == 48
        draw = ledger.Draw(pool, session, "gold")
        draw.post()
        draw.renew(desk.now)
        free = {each.account: each.free for each in pool.balances()}
        # A gain comes to the pool, not to the allotment.
        assert free["two"] == 80_048
        assert remains(pool, "two") == 20_000
        assert lease_of(session, "two")["epoch"] == pool.epoch


def test_who_was_fenced_enters_nothing_once_its_lease_is_over(
    desk: by_hand.Desk, place: str
) -> None:
    with joined(place) as pool:
        draw = ledger.Draw(pool, desk.session, "gold")
        draw.renew(desk.now)
        with joined(place) as successor:
            assert successor.epoch > pool.epoch
            before = desk.session.leases()
            desk.ms += 1_000
            with pytest.raises(ledger.FencedError):
                draw.renew(desk.now)
            # What it was told before runs out: no renewal was told that the pool did not make.
            assert desk.session.leases().equals(before)
            desk.ms += 29_000
            told = desk.say(ev.Tick())
            alerts = [each for each in told if isinstance(each, commands.Alert)]
            over = [each for each in alerts if each.code == "lease_over"]
            assert {each.subject for each in over} == {("account", "one"), ("account", "two")}
            desk.quote(by_hand.NORTH, 10_100)
            desk.quote(by_hand.SOUTH, 10_000)
            assert not desk.places()
            # What was told to the successor's session cannot be taken back by an old word.
            epoch = successor.epoch
            desk.session.lease(
                "one", amount=1, posted=0, epoch=epoch, until=desk.now + 10**9, now=desk.now
            )
            with pytest.raises(cm.ConfigError):
                desk.session.lease(
                    "one", amount=9, posted=0, epoch=epoch - 1, until=desk.now + 10**9, now=desk.now
                )


def test_an_account_that_draws_on_no_pool_is_refused(tmp_path: Path, place: str) -> None:
    plain = by_hand.Desk(by_hand.config(), tmp_path / "journal")
    assert plain.session.leases().num_rows == 0
    with joined(place) as pool, pytest.raises(cm.UsageError, match="leased"):
        ledger.Draw(pool, plain.session, "gold").renew(plain.now)
    with pytest.raises(cm.ConfigError):
        plain.session.lease("one", amount=9, posted=0, epoch=1, until=plain.now + 1, now=plain.now)


def test_an_allotment_whose_postings_could_have_no_id_is_refused(
    desk: by_hand.Desk, place: str
) -> None:
    with joined(place) as pool:
        ledger.Draw(pool, desk.session, "g" * 90)
        with pytest.raises(cm.UsageError, match="120"):
            ledger.Draw(pool, desk.session, "g" * 91)
