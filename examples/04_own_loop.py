"""A platform with its own loop and threads: one thread owns the session, the others only send."""

import queue
import tempfile
import threading
from pathlib import Path

import cross_market as cm
from cross_market import events as ev

START = 1_770_687_000_000_000_000  # ns since 1970
config = cm.Config.load(Path(__file__).with_name("gold.toml"))
# Feed and venue put events into the inbox (None: the day is over); the loop hands them over.
inbox, gateway, entered = queue.Queue(), queue.Queue(), threading.Event()


def feed() -> None:
    """Send books: Shanghai dear until the hedge has entered, then back to New York's price."""
    for shanghai in ("621.00", "617.50"):
        for each, price in [*zip(config.instruments, (shanghai, "2650", "7.25"), strict=True)] * 2:
            about = {"instrument": each.name, "qty": 50, "exchange": START, "receive": START}
            bid = each.ticks(price)
            for side, at, row in (("bid", bid, "snapshot"), ("ask", bid + 1, "level")):
                inbox.put(ev.Book(**about, side=side, price=at, row=row, last=side == "ask"))
        entered.wait()


def venue() -> None:
    """Fill every order whole at its price, as a kind venue would: one set in and out."""
    for fills in range(1, 5):
        order = gateway.get()
        print(order.kind, order.side, order.qty, order.instrument)
        about = {"account": order.account, "instrument": order.instrument, "order": order.order}
        fill = ev.Fill(trade_id=f"T{fills}", side=order.side, price=order.price, qty=order.qty)
        inbox.put(ev.Report(**about, exchange=START, receive=START, news=fill))
        if fills == 2:
            entered.set()
    inbox.put(None)


for each in config.accounts:  # what a platform says first: logins stand, money is there
    inbox.put(ev.Link(state="resynced", account=each.name))
    inbox.put(ev.Cash(account=each.name, exchange=START, kind="opening", amount=3_000_000))
with tempfile.TemporaryDirectory() as run, cm.Session(config, journal=run, now=START) as session:
    threading.Thread(target=feed, daemon=True).start()
    threading.Thread(target=venue, daemon=True).start()
    now, event = START, ev.Tick()
    while event is not None:
        # Orders leave once their decision is on the disk: then `release` hands them over.
        for command in session.handle(now, event) + session.release(now):
            if isinstance(command, cm.commands.Place):
                gateway.put(command)
        now += 1_000_000  # the platform's clock, 1 ms a turn; it never steps back
        try:
            event = inbox.get(timeout=0.005)
        except queue.Empty:
            event = ev.Tick()  # nothing came: timers may be due
    print("sets held:", session.hedges()["sets"].to_pylist())
