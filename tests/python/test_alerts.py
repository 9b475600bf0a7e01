"""Alerts told to people: the log, a real server behind apprise, rates, and what goes wrong."""

import http.server
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import cross_market as cm
import parts
from cross_market import testing
from cross_market.live import alerts

# apprise loads all its services at once; one of them imports an old module of Python.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MINUTE = 60 * 10**9
SECRET = "s3cr3t-t0k3n"


class Server:
    """An HTTP server on this machine that keeps what it is sent."""

    def __init__(self) -> None:
        """Begin to listen on a free port."""
        self.got: list[dict[str, Any]] = []
        self.answer = 200
        self.wait = threading.Event()
        self.wait.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.wait.wait(30)
                outer.got.append(json.loads(body))
                self.send_response(outer.answer)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        """Its address for apprise, with a password."""
        return f"json://desk:{SECRET}@127.0.0.1:{self.http.server_address[1]}/alerts"

    def close(self) -> None:
        """End."""
        self.wait.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def episode(number: int = 1, *levels: str, **changed: Any) -> alerts.Episode:  # noqa: ANN401
    """Return an episode at these levels, an instant apart; over where the last is 'normal'."""
    path = tuple(
        alerts.Rung(at=at, level=level, value=9, limit=8)
        for at, level in enumerate(levels or ("warn",), start=1)
    )
    ladder = ("normal", "warn", "alarm", "cancel", "halt")
    worst = max((rung.level for rung in path), key=ladder.index)
    given: dict[str, Any] = {
        "number": number,
        "metric": "orders",
        "scope": ("instrument", "SHFE.au2602"),
        "urgency": "warn" if worst == "warn" else "alarm",
        "cause": ("report", "sh"),
        "path": path,
        "onset": 1,
        "recognised": 1,
        "handled": 1,
        "ended": path[-1].at if path[-1].level == "normal" else None,
    }
    return alerts.Episode(**{**given, **changed})


def test_everything_is_logged_at_its_urgency(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with alerts.Delivery() as delivery:
        for levels in (["warn"], ["warn", "cancel"], ["halt"], ["halt", "normal"]):
            delivery.tell([episode(1, *levels)], now=1)
    told = [(each.name, each.levelname) for each in caplog.records]
    names = ["WARNING", "ERROR", "CRITICAL", "INFO"]
    assert told == [("cross_market.alerts", name) for name in names]
    assert "orders of instrument SHFE.au2602, warn: 9, limit 8" in caplog.text
    assert caplog.messages[-1].endswith("over")
    assert delivery.counts == alerts.Counts(delivered=0, failed=0, held_back=0, dropped=0)


def test_a_state_that_is_over_is_no_error_and_a_moment_is_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    down = episode(1, "alarm", metric="link_down", urgency="alarm", ended=7)
    moment = episode(2, "alarm", metric="conflict", urgency="alarm", ended=1)
    with alerts.Delivery() as delivery:
        delivery.tell([down, moment], now=7)
    assert [each.levelname for each in caplog.records] == ["INFO", "ERROR"]
    assert [each.endswith("over") for each in caplog.messages] == [True, False]


def test_people_get_what_began_got_worse_and_is_over(server: Server) -> None:
    with alerts.Delivery([server.address], timeout="5 s") as delivery:
        for levels in (
            ["warn"],
            ["warn", "cancel"],
            ["warn", "cancel", "warn"],
            ["warn", "cancel", "warn", "normal"],
        ):
            delivery.tell([episode(1, *levels)], now=1)
        counts = delivery.close(timeout="30 s")
    assert [each["title"].partition(":")[0] for each in server.got] == ["alert", "worse", "over"]
    assert [each["type"] for each in server.got] == ["warning", "failure", "success"]
    assert "limit 8" in server.got[0]["message"]
    assert counts == alerts.Counts(delivered=3, failed=0, held_back=0, dropped=0)


def test_one_that_comes_back_at_once_is_told_once(server: Server) -> None:
    with alerts.Delivery([server.address], quiet="5 min", timeout="5 s") as delivery:
        for number, at in enumerate([0, 1, 2, 6], start=1):
            delivery.tell([episode(number, "warn")], now=at * MINUTE)
            delivery.tell([episode(number, "warn", "normal")], now=at * MINUTE + 1)
        # Worse than before it is told at once.
        delivery.tell([episode(5, "cancel")], now=7 * MINUTE)
        # Of another scope it is another.
        delivery.tell([episode(6, "warn", scope=("instrument", "B"))], now=7 * MINUTE)
        counts = delivery.close(timeout="30 s")
    titles = [each["title"].partition(":")[0] for each in server.got]
    assert titles == ["alert", "over", "alert", "over", "alert", "alert"]
    assert (counts.delivered, counts.held_back) == (6, 2)


def test_beyond_the_rate_only_alarms_pass_and_the_next_says_so(server: Server) -> None:
    rate: dict[str, Any] = {"per_minute": 4, "alarm_reserve": 2, "timeout": "5 s"}
    with alerts.Delivery([server.address], **rate) as delivery:
        for number in range(1, 6):
            scope = ("instrument", f"I{number}")
            delivery.tell([episode(number, "warn", scope=scope)], now=number)
        for number in range(6, 10):
            scope = ("instrument", f"I{number}")
            delivery.tell([episode(number, "halt", scope=scope)], now=number)
        delivery.tell([episode(10, "warn", scope=("hedge", "x"))], now=MINUTE + 10)
        counts = delivery.close(timeout="30 s")
    assert [each["type"] for each in server.got] == ["warning"] * 2 + ["failure"] * 2 + ["warning"]
    assert "3 more were held back" in server.got[2]["message"]
    assert "2 more were held back" in server.got[4]["message"]
    assert (counts.delivered, counts.held_back) == (5, 5)


def test_a_server_that_refuses_is_counted_and_tells_no_secret(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.answer = 500
    with alerts.Delivery([server.address], timeout="5 s") as delivery:
        delivery.tell([episode()], now=1)
        counts = delivery.close(timeout="30 s")
        assert SECRET not in repr(delivery)
        assert "json://…" in repr(delivery)
    assert counts == alerts.Counts(delivered=0, failed=1, held_back=0, dropped=0)
    assert len(server.got) == 3  # that many tries
    assert "not accepted after 3 tries" in caplog.text
    assert SECRET not in caplog.text


def test_where_nobody_listens_nothing_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, and not listening
        port = taken.getsockname()[1]
        address = f"json://{SECRET}@127.0.0.1:{port}/{SECRET}"
        with alerts.Delivery([address], timeout="5 s") as delivery:
            delivery.tell([episode()], now=1)
            counts = delivery.close(timeout="30 s")
    assert counts.failed == 1
    assert SECRET not in caplog.text


def test_nothing_waits_for_a_server_that_does_not_answer(server: Server) -> None:
    server.wait.clear()
    delivery = alerts.Delivery([server.address], per_minute=600, quiet="0 s", timeout="20 s")
    more = 300
    for number in range(1, more + 1):
        delivery.tell([episode(number, scope=("instrument", f"I{number}"))], now=number)
    # One is on its way, 256 wait, the others were dropped aloud.
    assert delivery.counts.delivered == 0
    assert delivery.counts.dropped >= more - 257
    counts = delivery.close(timeout="0 s")
    assert counts.dropped >= more - 1
    delivery.tell([episode(more + 1)], now=more + 1)
    assert delivery.counts.dropped == counts.dropped + 1


def test_what_cannot_be_told_does_not_reach_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    with alerts.Delivery() as delivery:
        delivery.tell([None], now=1)  # type: ignore[list-item]
    assert delivery.counts.failed == 1
    assert "could not be told" in caplog.text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"per_minute": 0}, "alarm_reserve"),
        ({"per_minute": 10, "alarm_reserve": 10}, "alarm_reserve"),
        ({"per_minute": 1.5}, "per_minute"),
        ({"timeout": "0 s"}, "timeout"),
        ({"timeout": 5}, "timeout"),
        ({"quiet": "soon"}, "quiet"),
        ({"to": [f"nothing://{SECRET}"]}, r"to\[0\]"),
        ({"to": [f"{SECRET}"]}, r"to\[0\]"),
        ({"to": [7]}, r"to\[0\]"),
    ],
)
def test_what_is_no_delivery_is_refused(
    given: dict[str, Any], field: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(cm.CrossMarketError, match=field) as refused:
        alerts.Delivery(**given)
    assert SECRET not in str(refused.value)
    assert SECRET not in caplog.text


def test_without_apprise_the_extra_is_named() -> None:
    script = (
        "import sys; sys.modules['apprise'] = None\n"
        "from cross_market.live import alerts\n"
        "alerts.Delivery()\n"
        "try: alerts.Delivery(['json://127.0.0.1'])\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.startswith("UsageError")
    assert "extra 'alerts'" in run.stdout


def test_a_margin_call_is_due_before_the_next_open() -> None:
    day, hour = 24, 3600 * 10**9
    start = testing.START
    phases = [
        (start, "overnight"),
        (start + 9 * hour, "auction"),
        (start + 10 * hour, "continuous"),
        (start + 11 * hour, "break"),
        (start + 13 * hour, "continuous"),
        (start + 15 * hour, "holiday"),
        (start + (3 * day + 9) * hour, "continuous"),
    ]
    au = parts.instrument("SHFE.au2602", "CNY/g", phases=phases)
    made = parts.gold_parts()["hedge"]
    assert isinstance(made, dict)
    sh, ny = (leg.account for leg in made["legs"])
    legs = [cm.Leg(au, side="sell", account=sh), made["legs"][1]]
    due = alerts.next_open(parts.gold_config(legs=legs))
    assert due("sh", start) == start + 9 * hour
    assert due("sh", start + 9 * hour) == due("sh", start + 14 * hour) == phases[-1][0]
    assert due("sh", phases[-1][0]) is None
    assert due(ny.name, start) is None
    with pytest.raises(cm.InputTypeError):
        alerts.next_open("gold")  # type: ignore[arg-type]
