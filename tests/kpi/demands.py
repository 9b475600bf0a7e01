"""Demands: money that somebody must find free in an account by a stated time.

Each asks for a part of what its island has free when it is due, beyond all need, buffers and
demands that stand already, in whichever of the runs without demands has least; and it is known
early enough for one transfer at least. So one that is not met is most often the schedule's doing.
"""

import random
from bisect import bisect_right
from collections.abc import Sequence

from kpi.assumed import DAY, ms
from kpi.desk import Call, Desk
from kpi.tape import UNIT


def drawn(runs: Sequence[Desk]) -> list[Call]:
    """Return the demands of a tape, sized by what these runs over it had."""
    tape = runs[0].tape
    draw = random.Random(f"demands {tape.seed}")
    given = tape.assumed.calls
    least, most = (float(each) for each in given["share"])
    soonest, latest = (float(each) for each in given["leads"])
    found: list[Call] = []
    time = 0.0
    while True:
        time += draw.expovariate(float(given["daily"])) * DAY
        account = draw.randrange(len(tape.accounts))
        island = tape.accounts[account].island
        lead = ms(tape.assumed.islands[island]["lead"][1])
        known = int(time)
        due = tape.route_open(island, known) + int(draw.uniform(soonest, latest) * lead)
        if due >= tape.end:
            return found
        standing = sum(
            each.amount
            for each in found
            if each.due > known and tape.accounts[each.account].island == island
        )
        rest = max(0, min(free(each, island, due) for each in runs) - standing)
        amount = int(rest * draw.uniform(least, most)) // UNIT * UNIT
        found.append(Call(known, due, account, amount))


def free(desk: Desk, island: str, time: int) -> int:
    """Return what an island had free beyond need and buffers."""
    total = 0
    for account, path in zip(desk.tape.accounts, desk.paths, strict=True):
        if account.island == island:
            at = bisect_right(path, time, key=lambda point: point[0]) - 1
            _, equity, need, buffer, _ = path[at]
            total += max(0, equity - need - buffer)
    return total
