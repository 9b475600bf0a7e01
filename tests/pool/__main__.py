"""Many processes on one pool, and a nemesis that kills, pauses and cuts every half second.

`python -m pool --backend sqlite --processes 8 --operations 20000 --seed 1`. Afterwards every
answer is looked up, every posting is done again on plain numbers, and readers' totals are compared.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

from cross_market import CrossMarketError
from cross_market.funds import ledger as led
from pool.server import Server
from pool.worker import ACCOUNTS

EACH = 10_000
BUCKETS = ("free", "allotted", "quarantined", "transit")


class Campaign:
    """One run."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.random = random.Random(given.seed)
        self.folder = Path(tempfile.mkdtemp(prefix="cm-pool-"))
        self.server = Server() if given.backend == "postgres" else None
        self.place = self.server.url() if self.server else f"sqlite:{self.folder / 'pool.db'}"
        accounts = [
            led.PoolAccount(name=name, currency="CNY", island="on", grain="0.01")
            for name in ACCOUNTS
        ]
        routes = [(one, other) for one in ACCOUNTS for other in ACCOUNTS if one != other]
        led.Ledger.create(self.place, accounts, config="c", binary="b", routes=routes)
        with self.open("desk") as pool:
            for name in ACCOUNTS:
                pool.bring(f"in-{name}", name, EACH)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.over = threading.Event()
        self.totals: dict[object, int] = defaultdict(int)
        self.deeds: dict[str, int] = defaultdict(int)

    def open(self, name: str) -> led.Ledger:
        member = led.Member(name=name, config="c", binary="b")
        while True:
            try:
                return led.Ledger.open(self.place, member=member, lease="60 s")
            except CrossMarketError:
                time.sleep(0.05)

    def start(self, name: str) -> None:
        given = [self.place, name, str(self.folder), str(self.given.seed)]
        command = [sys.executable, "-m", "pool.worker", *given, str(self.given.operations)]
        self.workers[name] = subprocess.Popen(command)

    def read(self, name: str) -> None:
        """Sum all accounts again and again; every sum is the same."""
        pool = self.open(name)
        while not self.over.is_set():
            try:
                self.totals[sum(each.total for each in pool.balances())] += 1
                time.sleep(0.005)
            except Exception:  # while the server is away
                time.sleep(0.05)
                pool = self.open(name)

    def run(self) -> float:
        begun = time.monotonic()
        for number in range(self.given.processes):
            self.start(f"w{number}")
        readers = [threading.Thread(target=self.read, args=(f"r{at}",)) for at in range(2)]
        for thread in readers:
            thread.start()
        while self.workers:
            time.sleep(self.given.every)
            for name, process in list(self.workers.items()):
                if process.poll() is None:
                    continue
                del self.workers[name]
                if process.returncode != 0:
                    self.start(name)
            if self.workers:
                self.harm()
        self.over.set()
        for thread in readers:
            thread.join()
        return time.monotonic() - begun

    def harm(self) -> None:
        deeds = ["kill", "pause", "reap"] + (["cut", "cut", "crash"] if self.server else [])
        deed = self.random.choice(deeds)
        name = self.random.choice(sorted(self.workers))
        self.deeds[deed] += 1
        if deed == "kill":
            self.workers[name].send_signal(signal.SIGKILL)
        elif deed == "pause":
            # It may stop inside a transaction, and whoever waits for that cannot wake it.
            stopped = self.workers[name]
            stopped.send_signal(signal.SIGSTOP)
            threading.Timer(2.5, stopped.send_signal, [signal.SIGCONT]).start()
        elif deed == "reap":
            pool = self.open("desk")
            for each in sorted(self.workers):
                try:
                    pool.quarantine(f"reap-{self.deeds['reap']}-{each}", each)
                except CrossMarketError:
                    continue
            pool.close()
        elif deed == "crash" and self.server:
            self.server.stop("immediate")
            self.server.start()
        elif deed == "cut":
            self.cut()

    def cut(self) -> None:
        import psycopg

        statement = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'cross_market' AND random() < 0.5"
        )
        try:
            with psycopg.connect(self.place, autocommit=True) as link:
                link.execute(statement)
        except psycopg.Error:
            return

    def check(self) -> tuple[int, int, int]:
        """Return operations answered, violations, and answers that are not in the ledger."""
        pool = self.open("auditor")
        known = {key: refused for key, refused in pool.operations()}
        answered = lost = violations = 0
        for path in sorted(self.folder.glob("w*.log")):
            for line in path.read_text().splitlines():
                if not line.startswith("!"):
                    continue
                _, key, answer = line.split()
                answered += 1
                if answer == "ok" and known.get(key, "nothing") is not None:
                    lost += 1
                if answer == "short" and known.get(key) is None:
                    lost += 1
        violations += replay(pool)
        right = EACH * len(ACCOUNTS)
        violations += sum(count for total, count in self.totals.items() if total != right)
        return answered, violations, lost


def replay(pool: led.Ledger) -> int:
    """Do every posting again on plain numbers in its order; return how much is wrong."""
    wrong = 0
    money: dict[tuple[str, str], int] = defaultdict(int)
    parts: dict[tuple[str, str], int] = defaultdict(int)
    for account, source, target, units, allotment in pool.postings():
        money[account, source] -= units
        money[account, target] += units
        if source != "outside" and money[account, source] < 0:
            wrong += 1
        if allotment is None:
            continue
        key = (allotment, account)
        if source == "free":
            parts[key] += units
        elif target in ("free", "outside"):
            parts[key] -= units
            wrong += parts[key] < 0
    for each in pool.balances():
        now = [each.free, each.allotted, each.quarantined, each.transit]
        then = [money[each.account, name] for name in BUCKETS]
        wrong += [int(part * 100) for part in now] != then
    left = {(each.id, each.account): int(each.remains * 100) for each in pool.allotments()}
    wrong += left != {key: units for key, units in parts.items() if units}
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m pool", description=__doc__)
    parser.add_argument("--backend", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--operations", type=int, default=20_000, help="of each process")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two deeds")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    campaign = Campaign(given)
    try:
        seconds = campaign.run()
        answered, violations, lost = campaign.check()
    finally:
        for process in campaign.workers.values():
            process.kill()
        if campaign.server:
            campaign.server.remove()
    told = (
        f"nemesis: {dict(campaign.deeds)}; totals read: {dict(campaign.totals)}",
        f"FIGURE pool.{given.backend} processes={given.processes} operations={answered}"
        f" violations={violations} lost={lost} per_second={answered / seconds:.0f}",
    )
    sys.stdout.write("\n".join(told) + "\n")
    return int(bool(violations or lost or answered < given.processes * given.operations))


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    sys.exit(main())
