"""What was compared: every leaf of the reference figures against ours, by its path.

Words, counts and stamps are equal or they are not. The reference computed means, deviations and
walked prices in floating point, ours are exact or summed in another order: numbers are equal when
they differ by less than `CLOSE` of their own size or of the size of what they were subtracted
from, which is far finer than a tick. How many are equal to the last digit is counted too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CLOSE = 1e-13

Path = tuple[str, ...]


@dataclass
class Figures:
    """The comparison of one set.

    name: str – of the set.
    scale: float – size of the numbers whose differences are compared.
    """

    name: str
    scale: float = 0.0
    checked: int = 0
    exact: int = 0
    mismatched: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    worst: float = 0.0
    # Rows of one call of Market.columns, and rows a second; None where no book is replayed.
    replay: tuple[int, float] | None = None

    def equal(self, what: str, ours: object, theirs: object) -> None:
        """Compare one figure."""
        self.checked += 1
        if same(ours, theirs):
            self.exact += 1
        elif not (type(ours) is type(theirs) is float and self._close(ours, theirs)):
            self.mismatched.append(f"{what}: ours {ours!r}, reference {theirs!r}")

    def _close(self, ours: float, theirs: float) -> bool:
        size = max(abs(ours), abs(theirs), self.scale)
        far = abs(ours - theirs) / size
        self.worst = max(self.worst, far)
        return far <= CLOSE

    def compare(self, ours: object, theirs: object, at: str = "") -> None:
        """Compare a tree of figures; what the reference has and we have not is a mismatch."""
        mine = dict(leaves(ours))
        for path, value in leaves(theirs):
            where = ".".join((at, *path)).lstrip(".")
            if where in self.left_out:
                continue
            if path in mine:
                self.equal(where, mine[path], value)
            else:
                self.checked += 1
                self.mismatched.append(f"{where}: nothing of ours, reference {value!r}")

    def leave_out(self, where: str, reason: str) -> None:
        """Say of a figure that it is not compared, and why."""
        self.left_out[where] = reason

    def lines(self) -> list[str]:
        """Return the figures that scripts read."""
        more = "".join(f" {key}={count}" for key, count in self.keys.items())
        found = [
            f"FIGURE golden.{self.name} checked={self.checked} mismatched={len(self.mismatched)}"
            f" exact={self.exact} not_compared={len(self.left_out)}{more}"
        ]
        if self.replay is not None:
            updates, per_second = self.replay
            found.append(f"FIGURE replay.{self.name} updates={updates} per_second={per_second:.0f}")
        return found


def leaves(tree: object, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every leaf of a tree of dicts and lists with its path; empty ones are leaves."""
    if isinstance(tree, dict) and tree:
        for key, each in tree.items():
            yield from leaves(each, (*path, str(key)))
    elif isinstance(tree, list | tuple) and tree:
        for place, each in enumerate(tree):
            yield from leaves(each, (*path, str(place)))
    else:
        yield path, tree


def same(ours: object, theirs: object) -> bool:
    """Return whether two figures are equal to the last digit; 1 and 1.0 are, True and 1 are not."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, list | tuple | dict) and not ours:
        return isinstance(theirs, list | tuple | dict) and not theirs
    return ours == theirs
