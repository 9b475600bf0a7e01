"""The lines that a script reads and the table that a person does."""

from dataclasses import dataclass, field
from typing import Any

from turns import Turns


@dataclass
class Figures:
    """What was measured in one run."""

    rows: list[tuple[str, ...]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def line(self, name: str, **values: Any) -> None:  # noqa: ANN401
        """Keep a line for scripts."""
        self.lines.append(" ".join(["FIGURE", name, *(f"{k}={v}" for k, v in values.items())]))

    def pair(self, name: str, turns: Turns, ours: str, other: str, key: str) -> dict[str, float]:
        """Keep what one way took beside another, and how far the rounds are apart."""
        ratio, (low, high) = turns.ratio(ours, other), turns.spread(ours, other)
        found = {"ours_ns": turns.each_ns(ours), f"{key}_ns": turns.each_ns(other)}
        shown = {name: f"{value:.1f}" for name, value in found.items()}
        self.line(name, **shown, ratio=f"{ratio:.2f}")
        beside = (*shown.values(), f"{ratio:.2f}", f"{low:.2f} .. {high:.2f}")
        self.rows.append((name, *beside))
        return {**found, "ratio": ratio, "ratio_low": low, "ratio_high": high}

    def told(self, other: str) -> str:
        """Return the table and the lines as text."""
        head = ("row", "ours, ns", f"{other}, ns", "ratio", "of single rounds")
        table = [head, *self.rows]
        widths = [max(len(row[at]) for row in table) for at in range(len(head))]
        shown = [
            "  ".join(
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        ]
        return "\n".join([*shown, "", *self.lines])
