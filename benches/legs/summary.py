"""What many runs came to: `FIGURE` lines, tables for the page, and its plot."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from legs.outcome import Outcome

Cells = Mapping[tuple[str, str], "Summary"]


@dataclass(slots=True)
class Summary:
    """Sums and extremes over runs."""

    runs: int = 0
    residual_runs: int = 0
    residual_units: Fraction = Fraction(0)
    worst_loss: Fraction = Fraction(0)
    loss: Fraction = Fraction(0)
    messages: int = 0
    messages_max: int = 0
    millis: int = 0
    millis_max: int = 0
    never_ended: int = 0
    still_sending: int = 0
    over_target_runs: int = 0
    sets: Fraction = Fraction(0)
    wanted: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one run."""
        self.runs += 1
        self.residual_runs += outcome.residual > 0
        self.residual_units += outcome.residual
        self.worst_loss = max(self.worst_loss, outcome.loss)
        self.loss += outcome.loss
        self.messages += outcome.messages
        self.messages_max = max(self.messages_max, outcome.messages)
        self.millis += outcome.millis
        self.millis_max = max(self.millis_max, outcome.millis)
        self.never_ended += not outcome.has_ended
        self.still_sending += outcome.is_still_sending
        self.over_target_runs += outcome.is_over_target
        self.sets += outcome.sets
        self.wanted += outcome.wanted

    def merge(self, other: "Summary") -> None:
        """Count the runs of another too."""
        extremes = ("worst_loss", "messages_max", "millis_max")
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, max(mine, theirs) if name in extremes else mine + theirs)

    def values(self) -> dict[str, str]:
        """Return what a figure tells, by key."""
        return {
            "runs": str(self.runs),
            "residual_runs": str(self.residual_runs),
            "residual_units": f"{float(self.residual_units):.1f}",
            "worst_loss": f"{float(self.worst_loss):.1f}",
            "mean_loss": f"{float(self.loss / self.runs):.2f}",
            "messages_mean": f"{self.messages / self.runs:.2f}",
            "messages_max": str(self.messages_max),
            "time_mean_ms": f"{self.millis / self.runs:.0f}",
            "time_max_ms": str(self.millis_max),
            "never_ended": str(self.never_ended),
            "still_sending": str(self.still_sending),
            "over_target_runs": str(self.over_target_runs),
            "sets_done": f"{float(self.sets / self.wanted):.3f}",
        }


def totals(cells: Cells) -> dict[str, Summary]:
    """Return the sums over all faults, by model, in the order in which models first come."""
    found: dict[str, Summary] = {}
    for (name, _), cell in cells.items():
        found.setdefault(name, Summary()).merge(cell)
    return found


def figures(cells: Cells) -> list[str]:
    """Return the `FIGURE` lines."""
    return [
        f"FIGURE peers_legs.{name} "
        + " ".join(f"{key}={value}" for key, value in summary.values().items())
        for name, summary in totals(cells).items()
    ]


COLUMNS = {
    "residual_runs": "runs with residual",
    "residual_units": "lots left over, sum",
    "over_target_runs": "runs beyond the target",
    "worst_loss": "worst loss",
    "mean_loss": "mean loss",
    "sets_done": "sets done of wanted",
    "messages_mean": "messages, mean",
    "messages_max": "most",
    "time_mean_ms": "ms to the end, mean",
    "never_ended": "never ended",
    "still_sending": "of these still sending",
}


def _lines(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    told = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}", *told]


def tables(cells: Cells) -> str:
    """Return the table of all models, and that of the residuals and mean losses by fault."""
    sums = totals(cells)
    faults = list(dict.fromkeys(fault for _, fault in cells))
    every = [[f"`{name}`", *(sums[name].values()[key] for key in COLUMNS)] for name in sums]
    runs = next(iter(sums.values())).runs
    each = next(iter(cells.values())).runs

    def by_fault(key: str) -> list[str]:
        rows = (
            [f"`{fault}`", *(cells[name, fault].values()[key] for name in sums)] for fault in faults
        )
        return _lines(["fault", *(f"`{name}`" for name in sums)], rows)

    return "\n".join(
        [
            f"{runs} runs of each, {each} of every fault:",
            "",
            *_lines(["", *COLUMNS.values()], every),
            "",
            f"Runs with a residual, of {each}:",
            "",
            *by_fault("residual_runs"),
            "",
            "Mean loss:",
            "",
            *by_fault("mean_loss"),
        ]
    )


# The plot: one panel for each of these, in two rows, and in each a bar for each model.
PANELS = (
    ("residual_runs", "runs with residual, %"),
    ("worst_loss", "worst loss, USD"),
    ("mean_loss", "mean loss, USD"),
    ("sets_done", "sets done of wanted, %"),
    ("messages_mean", "messages, mean"),
    ("time_mean_ms", "time to the end, s"),
)
COLUMNS_OF_PANELS = 3
BAR, GAP, LABEL, PANEL, TOP = 18, 8, 150, 220, 44


def _plotted(key: str, summary: Summary) -> float:
    if key == "residual_runs":
        return 100 * summary.residual_runs / summary.runs
    if key == "sets_done":
        return float(100 * summary.sets / summary.wanted)
    if key == "time_mean_ms":
        return summary.millis / summary.runs / 1000
    return float(summary.values()[key])


def _panel(left: int, top: int, title: str, values: Mapping[str, float]) -> Iterator[str]:
    """Yield the bars of one panel; what is below zero has a bar of no length."""
    most = max(*values.values(), 0.0) or 1.0
    yield f'<text x="{left}" y="{top - 18}" fill="#222222">{title}</text>'
    for row, (name, value) in enumerate(values.items()):
        y = top + row * (BAR + GAP)
        length = max((PANEL - 60) * value / most, 1.0)
        colour = "#0b6e4f" if name.startswith("ours") else "#9aa5b1"
        yield f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
        place = f'x="{left + length + 5:.1f}" y="{y + BAR - 5}"'
        yield f'<text {place} fill="#222222">{value:.1f}</text>'


def _names(top: int, names: Iterable[str]) -> Iterator[str]:
    for row, name in enumerate(names):
        y = top + row * (BAR + GAP) + BAR - 5
        weight = ' font-weight="bold"' if name.startswith("ours") else ""
        place = f'x="{LABEL - 8}" y="{y}" text-anchor="end"'
        yield f'<text {place} fill="#222222"{weight}>{name}</text>'


def plot(cells: Cells) -> str:
    """Return the plot as SVG: bars by model, ours in a colour of its own."""
    sums = totals(cells)
    row_height = TOP + len(sums) * (BAR + GAP)
    rows = -(-len(PANELS) // COLUMNS_OF_PANELS)
    width, height = LABEL + COLUMNS_OF_PANELS * PANEL + 10, rows * row_height + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        "<title>What every way of working legs left, lost, did, sent and took</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for row in range(rows):
        parts += _names(row * row_height + TOP, sums)
    for at, (key, title) in enumerate(PANELS):
        row, column = divmod(at, COLUMNS_OF_PANELS)
        values = {name: _plotted(key, summary) for name, summary in sums.items()}
        parts += _panel(LABEL + column * PANEL, row * row_height + TOP, title, values)
    return "\n".join([*parts, "</svg>", ""])
