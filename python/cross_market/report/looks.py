"""How plots look: colours, axes, lines, and markers that point at columns and words."""

import html
import math
from collections.abc import Callable
from typing import Any

from cross_market.report.words import WORDS

Spec = dict[str, Any]
FONT = (
    "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans CJK SC', 'Noto Sans SC', "
    "'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', sans-serif"
)
INK, QUIET, GRID = "#1f2933", "#5b6774", "#e4e8ed"
ENTER, EXIT = "#0072b2", "#d55e00"
SERIES = ("#1b9e77", "#7570b3", "#a6761d", "#e7298a", "#66752b", "#4d4d4d", "#2aa5b8", "#b07aa1")
GAIN, LOSS = "#3b7ea1", "#d98032"
KINDS = {"enter": ENTER, "exit": EXIT, "trim": "#6b7280", "reduce": "#7570b3", "roll": "#a6761d"}
ENDS = {
    "completed": "#8fa3b8",
    "unwound": "#e69f00",
    "aborted_flat": "#56b4e9",
    "residual_held": "#b2182b",
    "alive": "#d0d5db",
}
# Filled where an attempt completed, hollow where it was undone, crosses and stars for the rest.
SHAPES = {
    "completed": {"enter": "triangle-up", "exit": "triangle-down"},
    "unwound": {"enter": "triangle-up-open", "exit": "triangle-down-open"},
    "aborted_flat": {},
    "residual_held": {},
}
OTHER_SHAPES = {
    "completed": "diamond",
    "unwound": "diamond-open",
    "aborted_flat": "x-thin-open",
    "residual_held": "star",
}
TICKS = [
    {"dtickrange": [None, 1000], "value": "%H:%M:%S.%3f\n%Y-%m-%d"},
    {"dtickrange": [1000, 60_000], "value": "%H:%M:%S\n%Y-%m-%d"},
    {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%Y-%m-%d"},
    {"dtickrange": [86_400_000, "M1"], "value": "%m-%d\n%Y"},
    {"dtickrange": ["M1", "M12"], "value": "%Y-%m"},
    {"dtickrange": ["M12", None], "value": "%Y"},
]
NUMBER = ",.8~f"
# Marks are smaller where there are more than so many of a kind.
MARKS_LARGE = 150
# Every plot over time spans the whole run.
PERIOD: Spec = {"$ends": ["period", "from_ns", "until_ns", 0, 1]}


def columns(query: str, first: int, end: int) -> Callable[..., Spec]:
    """Return a function that marks a column, or another view of columns, of some rows."""

    def mark(column: str, *more: str, view: str = "col") -> Spec:
        return {f"${view}": [query, column, *more, first, end]}

    return mark


def safe(name: object) -> str:
    """Return a name as plotly shows it literally: it reads a few tags of HTML in texts."""
    return html.escape(str(name), quote=False)


def said(domain: str, code: str) -> object:
    """Return a word of the tables as a marker; what is no such word, as plotly shows it literally.

    domain: str – the list that the word is of. code: str – the word as the table has it.
    """
    key = f"{domain}.{code}"
    return {"$word": key} if key in WORDS else safe(code)


def base(**changed: object) -> Spec:
    """Return a layout with the report's looks."""
    layout: Spec = {
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "margin": {"l": 76, "r": 20, "t": 30, "b": 44},
        "height": 300,
        "hovermode": "x unified",
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "namelength": -1},
        "legend": legend(1.0),
        # The rest would leave the plot as it is, or send it to a service.
        "modebar": {"remove": ["sendChartToCloud", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d"]},
        "showlegend": True,
    }
    return layout | changed


def legend(top: float) -> Spec:
    """Return a legend that lies on top of the plot that ends at `top`."""
    return {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "traceorder": "normal",
        "y": top,
        "yanchor": "bottom",
        "font": {"size": 11},
        "bgcolor": "rgba(255,255,255,0)",
    }


def axis(title: object = None, **changed: object) -> Spec:
    """Return an axis of numbers."""
    found: Spec = {
        "gridcolor": GRID,
        "zerolinecolor": "#c3cad2",
        "linecolor": "#c3cad2",
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "#c3cad2",
        "tickfont": {"size": 11},
        "automargin": True,
        "exponentformat": "none",
        "separatethousands": True,
    }
    if title is not None:
        found["title"] = {"text": title, "font": {"size": 11, "color": QUIET}, "standoff": 8}
    return found | changed


def time_axis(**changed: object) -> Spec:
    """Return an axis of UTC, its labels in digits alone."""
    given: Spec = {
        "type": "date",
        "tickformatstops": TICKS,
        "hoverformat": "%Y-%m-%d %H:%M:%S.%3f",
        "title": {
            "text": {"$word": "axis_time"},
            "font": {"size": 11, "color": QUIET},
            "standoff": 4,
        },
        "showspikes": False,
    }
    return axis() | given | changed


def line(x: Spec, y: Spec, name: object, colour: str, **changed: object) -> Spec:
    """Return a line of values that each stand until the next."""
    found: Spec = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": {"color": colour, "width": 1.3, "shape": "hv"},
        "hovertemplate": f"%{{y:{NUMBER}}}",
        "connectgaps": False,
    }
    return found | changed


def span(x: Spec, y: Spec, colour: str, **changed: object) -> Spec:
    """Return upright strokes from the lowest to the highest of each bucket."""
    found: Spec = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": 1},
        "opacity": 0.3,
        "hoverinfo": "skip",
        "showlegend": False,
        "connectgaps": False,
    }
    return found | changed


def decades(low: int, high: int) -> tuple[list[Any], list[Any]]:
    """Return where an axis of powers of ten has its labels, and what they say."""
    if high - low > 2:
        step = 1 if high - low < 6 else 2
        powers = [*range(low, high + 1, step)]
        return powers, [decade(power) for power in powers]
    places = [(power, times) for power in range(low, high) for times in (1, 2, 5)] + [(high, 1)]
    ticks = [power + math.log10(times) for power, times in places]
    return ticks, [decade(power, times) for power, times in places]


def decade(power: int, times: int = 1) -> str:
    """Return `times` ten to the power of `power` ms as a reader says it."""
    for unit, above in (("s", 3), ("ms", 0), ("µs", -3), ("ns", -6)):
        if power >= above:
            return f"{times * 10 ** (power - above):,} {unit}"
    return f"{times} × 10^{power} ms"


def bars(labels: list[Any], values: Spec, colour: str, **changed: object) -> Spec:
    """Return bars that lie, with their numbers beside them."""
    found: Spec = {
        "type": "bar",
        "orientation": "h",
        "y": labels,
        "x": values,
        "marker": {"color": colour},
        "texttemplate": "%{x:,d}",
        "textposition": "auto",
        "insidetextanchor": "middle",
        "textangle": 0,
        "width": 0.62,
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:,d}",
    }
    return found | changed
