"""What a run came to, by the venues' truth."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from legs.schedule import DECISION, LIMIT, MILLI, SECOND, Schedule, schedule
from legs.venue import Desk, Model

# Sending so near to the limit is sending for ever.
STILL = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. Lots are of the leg with most lots in a set, money is ticks x lots, time is ms."""

    sets: Fraction
    wanted: int
    residual: Fraction
    loss: Fraction
    messages: int
    millis: int
    has_ended: bool
    is_still_sending: bool
    is_over_target: bool


def judged(desk: Desk, *, has_ended: bool) -> Outcome:
    """Return what a run came to.

    The loss is against trading the aligned sets at the touch that the decision was taken on; what
    is left over, or was traded back, counts at the mid of the limit: its whole result is loss.
    """
    shape, plan = desk.shape, desk.schedule
    stand = [Fraction(*shape.sets_of(leg, lots)) for leg, lots in enumerate(desk.positions)]
    sets = max(min(stand), Fraction(0))
    made = ideal = Fraction(-desk.fees)
    ideal = Fraction(0)
    for leg, (lots, money) in enumerate(zip(desk.positions, desk.money, strict=True)):
        side = shape.legs[leg].side
        mid = Fraction(plan.last[leg].middle_twice, 2)
        made += money + lots * mid
        touch = plan.decision[leg].met_by(side)[0][0]
        ideal += side * shape.legs[leg].lots * sets * (mid - touch)
    ideal -= sets * sum(leg.lots for leg in shape.legs)
    last = desk.last_change if has_ended else LIMIT
    return Outcome(
        sets,
        shape.sets,
        (max(stand) - min(stand)) * shape.most,
        ideal - made,
        desk.messages,
        (last - DECISION) // MILLI,
        has_ended,
        not has_ended and desk.last_message >= LIMIT - STILL,
        max(stand) > shape.sets,
    )


def run(make: Callable[[Schedule], Model], seed: int, fault: str) -> Outcome:
    """Run a new model through the schedule of a seed and a fault."""
    plan = schedule(seed, fault)
    desk = Desk(plan, make(plan))
    return judged(desk, has_ended=desk.run())
