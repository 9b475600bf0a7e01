"""The programme of a model: columns, and rows that say what is at most how much.

Columns are the sets of each demand, then what moves over each way that is of use, then whether each
of those that costs something or has a least amount is used. A way is of use where what it brings
comes in time for somebody; its bound is what its source can send and its target can use, which is
what makes the solver quick. Amounts are written in a power of two near what one set needs in their
currency, so that the solver's tolerances mean as much for yen as for bitcoin.
"""

from math import frexp

from cross_market.funds.allocation.model import Model, Way
from cross_market.funds.allocation.values import UNIT

# What a narrow programme leaves of every account and way, as a share of a set's need.
ROOM = 1e-6


class Programme:
    """The columns and rows of a model.

    model: Model – what it is of. is_narrow: bool – leaves a hair of every account and way, so that
        rates that make amounts which are not whole leave room to round them.
    """

    def __init__(self, model: Model, *, is_narrow: bool) -> None:
        self.model = model
        self.is_narrow = is_narrow
        self.scale = scales(model)
        # Places of ways in the model, how much each may move, and which of them are used or not.
        self.ways: list[int] = []
        self.most: list[int] = []
        self.fixed: list[int] = []
        self.columns: list[list[int]] = []
        self.values: list[list[float]] = []
        self.bounds: list[float] = []
        self._find_ways()
        self.moves = len(model.demands)
        self.uses = self.moves + len(self.ways)
        self.width = self.uses + len(self.fixed)
        self._write_ways()
        self._write_accounts()

    def way(self, place: int) -> Way:
        """Return a way of use."""
        return self.model.ways[self.ways[place]]

    def of(self, amount: int, account: str) -> float:
        """Return an amount of an account in the scale of its currency."""
        return amount / self.scale[self.model.currency[account]]

    def upper(self) -> list[float]:
        """Return the upper bounds of all columns."""
        model, short = self.model, set(self.model.short)
        sets = [
            0 if short.intersection(needs) else demand.sets
            for demand, needs in zip(model.demands, model.needs, strict=True)
        ]
        moves = [
            self._less(most, self.way(place).source, self.way(place).step)
            for place, most in enumerate(self.most)
        ]
        return [*map(float, sets), *moves, *(1.0 for _ in self.fixed)]

    def _find_ways(self) -> None:
        model, short = self.model, set(self.model.short)
        for at, way in enumerate(model.ways):
            if way.source in short or way.target in short:
                continue
            users = [user for user in model.users[way.target] if model.within[user] >= way.reach]
            usable = sum(model.needs[user][way.target] * model.demands[user].sets for user in users)
            most = min(way.most, model.movable[way.source] - way.cost)
            most = min(most, max(way.least, way.sends(usable))) if usable else 0
            if most > 0 and most >= way.least:
                if way.cost or way.least:
                    self.fixed.append(len(self.ways))
                self.ways.append(at)
                self.most.append(most)

    def _write_ways(self) -> None:
        for use, place in enumerate(self.fixed, self.uses):
            way, pair = self.way(place), [self.moves + place, use]
            self._row(pair, [1.0, -self.of(self.most[place], way.source)], 0.0)
            if way.least:
                self._row(pair, [-1.0, self.of(way.least, way.source)], 0.0)

    def _write_accounts(self) -> None:
        model, short = self.model, set(self.model.short)
        use = {place: at for at, place in enumerate(self.fixed, self.uses)}
        into: dict[str, list[int]] = {account: [] for account in model.accounts}
        out_of: dict[str, list[int]] = {account: [] for account in model.accounts}
        for place in range(len(self.ways)):
            out_of[self.way(place).source].append(place)
            into[self.way(place).target].append(place)
        for account in model.accounts:
            step = sum(self.way(place).step for place in (*into[account], *out_of[account]))
            out = [self.moves + place for place in out_of[account]]
            sent = [1.0 for _ in out]
            for place in out_of[account]:
                if cost := self.way(place).cost:
                    out.append(use[place])
                    sent.append(self.of(cost, account))
            if out:
                self._row(out, sent, self._less(model.movable[account], account, step))
            if account in short:
                continue
            for by in sorted({model.within[at] for at in model.users[account]}):
                users = [at for at in model.users[account] if model.within[at] <= by]
                came = [place for place in into[account] if self.way(place).reach <= by]
                needs = [self.of(model.needs[at][account], account) for at in users]
                self._row(
                    [*users, *out, *(self.moves + place for place in came)],
                    [*needs, *sent, *(-self._gain(place) for place in came)],
                    self._less(model.spare[account], account, step),
                )

    def _row(self, columns: list[int], values: list[float], most: float) -> None:
        self.columns.append(columns)
        self.values.append(values)
        self.bounds.append(most)

    def _less(self, amount: int, account: str, step: int) -> float:
        """Return an amount in its scale, less what a narrow programme leaves for rounding."""
        room = ROOM + self.of(step, account) if self.is_narrow else 0.0
        return max(0.0, self.of(amount, account) - room)

    def _gain(self, place: int) -> float:
        """Return what arrives of one that leaves, both in the scale of their currencies."""
        way = self.way(place)
        return float(way.rate) * self.of(UNIT, way.target) / self.of(UNIT, way.source)


def scales(model: Model) -> dict[str, float]:
    """Return a power of two, in 10⁻⁹, near what a set needs in each currency."""
    seen: dict[str, list[int]] = {code: [] for code in model.currency.values()}
    for needs in model.needs:
        for account, need in needs.items():
            seen[model.currency[account]].append(need)
    return {
        code: 2.0 ** frexp(sorted(needs)[len(needs) // 2])[1] if needs else float(UNIT)
        for code, needs in seen.items()
    }
