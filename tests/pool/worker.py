"""One process that draws on the pool, so many times; it may die at any moment.

What it is about to ask and what was answered stands in a file of its own, synced before it goes on:
`? id verb …` and `! id answer`. A successor asks the last one again under the same id.
"""

import os
import random
import sys
import time
from pathlib import Path

from cross_market import CrossMarketError, UsageError
from cross_market.funds import ledger as led

LEASE = "1500 ms"
ACCOUNTS = ("a", "b", "c", "d")


class Log:
    """The worker's own file."""

    def __init__(self, path: Path) -> None:
        self.lines = path.read_text().splitlines() if path.exists() else []
        # A line that was cut off by a kill was not synced: nothing was asked for it.
        if self.lines and path.read_bytes()[-1:] != b"\n":
            self.lines.pop()
            path.write_text("".join(line + "\n" for line in self.lines))
        self._file = path.open("a")

    def write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)


class Worker:
    """Draws on the pool."""

    def __init__(self, place: str, name: str, folder: Path, seed: int) -> None:
        self.place, self.name = place, name
        self.log = Log(folder / f"{name}.log")
        self.done = sum(line.startswith("!") for line in self.log.lines)
        self.random = random.Random(f"{seed} {name} {self.done}")
        self.pool = self.reach()
        self.renewed = time.monotonic()

    def reach(self) -> led.Ledger:
        """Join the pool, however long that takes, and take back what was set aside."""
        member = led.Member(name=self.name, config="c", binary="b")
        while True:
            try:
                pool = led.Ledger.open(self.place, member=member, lease=LEASE)
                for each in pool.allotments(self.name):
                    if each.quarantined:
                        key = f"{self.name}-adopt-{pool.epoch}-{each.id}-{each.account}"
                        pool.adopt(key, each.id, each.account)
            except CrossMarketError:
                time.sleep(0.05)
            else:
                return pool

    def run(self, count: int) -> None:
        """Do what is left of `count` operations."""
        last = self.log.lines[-1] if self.log.lines else ""
        if last.startswith("?"):
            self.ask(last[2:].split())
        while self.done < count:
            words = [f"{self.name}-{self.done}", *self.choose()]
            self.log.write("? " + " ".join(words))
            self.ask(words)

    def choose(self) -> list[str]:
        """Return a verb and what it is about."""
        draw = self.random
        mine = [each for each in self.allotments() if not each.quarantined]
        if mine and draw.random() < 0.5:
            of = draw.choice(mine)
            whole = int(of.remains * 100)
            grains = draw.choice([whole, draw.randint(1, whole)])
            return ["give_back", of.id, of.account, f"{grains / 100:.2f}"]
        if draw.random() < 0.2:
            pair = draw.choice([("a", "b"), ("b", "a"), ("a", "c"), ("c", "d"), ("d", "a")])
            return ["send", *pair, str(draw.randint(1, 400))]
        if draw.random() < 0.2:
            sent = self.sent()
            if sent:
                key, amount = draw.choice(sent[-3:])
                return [draw.choice(["settle", "settle", "fail"]), key, amount]
        picked = draw.sample(ACCOUNTS, draw.randint(1, 2))
        return ["allot", *[f"{name}={draw.randint(1, 900)}" for name in picked]]

    def sent(self) -> list[tuple[str, str]]:
        """Return the latest transfers that were asked for, with their amounts."""
        found: list[tuple[str, str]] = []
        asked = ["", "", ""]
        for line in self.log.lines[-40:]:
            words = line.split()
            if line.startswith("?"):
                asked = words
            elif words[2] == "ok" and asked[1] == words[1] and asked[2] == "send":
                found.append((asked[1], asked[5]))
        return found

    def allotments(self) -> list[led.Allotment]:
        while True:
            try:
                return self.pool.allotments(self.name)
            except CrossMarketError:
                self.pool = self.reach()

    def ask(self, words: list[str]) -> None:
        """Ask until there is an answer, and note it."""
        while True:
            try:
                if time.monotonic() - self.renewed > 0.3:
                    self.pool.renew()
                    self.renewed = time.monotonic()
                answer = self.once(*words)
            except led.ShortError:
                answer = "short"
            except led.LedgerError:
                self.pool = self.reach()
                continue
            except UsageError:
                answer = "refused"
            self.log.write(f"! {words[0]} {answer}")
            self.done += 1
            return

    def once(self, key: str, verb: str, *about: str) -> str:
        if verb == "allot":
            self.pool.allot(key, dict(part.split("=") for part in about))
        elif verb == "give_back":
            self.pool.give_back(key, about[0], about[1], about[2])
        elif verb == "send":
            self.pool.send(key, about[0], about[1], about[2])
        elif verb == "settle":
            self.pool.settle(key, about[0], about[1])
        else:
            self.pool.fail(key, about[0])
        return "ok"


def main() -> None:
    place, name, folder, seed, count = sys.argv[1:]
    Worker(place, name, Path(folder), int(seed)).run(int(count))


if __name__ == "__main__":
    main()
