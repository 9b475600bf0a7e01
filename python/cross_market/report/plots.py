"""The plots, as values: what is drawn points at columns of the answers and at words.

A plot is stated once, in plotly's terms, with markers in it:
`{"$col": [query, column, first, end]}` is a piece of an answer, `{"$time": …}` the same from ns,
`{"$word": key}` a word in the reader's language. The page fills the markers in itself, so it draws
the numbers that it holds and changes its language without asking anybody; `filled` does the same
for notebooks.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cross_market._values import unknown
from cross_market.report.answers import Answer, Answers, Tables, ask, need
from cross_market.report.looks import (
    ENDS,
    ENTER,
    EXIT,
    GAIN,
    INK,
    KINDS,
    LOSS,
    MARKS_LARGE,
    NUMBER,
    OTHER_SHAPES,
    PERIOD,
    SERIES,
    SHAPES,
    Spec,
    axis,
    bars,
    base,
    columns,
    decades,
    legend,
    line,
    safe,
    said,
    span,
    time_axis,
)
from cross_market.report.queries import BINS_PER_DECADE
from cross_market.report.tables import exactly
from cross_market.report.words import read_language, word

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Panel:
    """One plot.

    figure: str – the figure that it belongs to. of: str – which of its panels; '' when it has one.
    data, layout – as plotly takes them, with markers.
    heading: str – what stands above it; `of` when empty. key: str – a word before that.
    """

    figure: str
    of: str
    data: list[Spec]
    layout: Spec
    heading: str = ""
    key: str = ""


def market(answers: Answers) -> list[Panel]:
    """Return prices, signal, bands and attempts of every hedge that is shown."""
    prices, signals, marks = (answers[key] for key in ("prices", "signals", "marks"))
    legs = prices.groups("hedge", "leg", "instrument")
    found = []
    for (hedge,), first, end in signals.groups("hedge"):
        data: list[Spec] = []
        own = [leg for leg in legs if leg[0][0] == hedge]
        for at, ((*_, instrument), low, high) in enumerate(own):
            data += leg_traces(columns("prices", low, high), instrument, SERIES[at % len(SERIES)])
        data += signal_traces(signals, columns("signals", first, end), first, end)
        data += mark_traces(marks, hedge)
        # Room for the lower legend, which takes a line for about every seven names.
        names = sum(each.get("legend") == "legend2" and "name" in each for each in data)
        top = 0.60 - 0.035 * (1 + names // 7)
        layout = base(
            height=600,
            margin={"l": 76, "r": 20, "t": 34, "b": 44},
            xaxis=time_axis(anchor="y2", range=PERIOD),
            yaxis=axis({"$word": "axis_price"}, domain=[0.66, 1]),
            yaxis2=axis({"$word": "axis_signal"}, domain=[0, top]),
            legend2=legend(top),
        )
        found.append(Panel("market", hedge, data, layout))
    return found


def leg_traces(mark: Callable[..., Spec], instrument: str, colour: str) -> list[Spec]:
    """Return bid and ask of a leg, and the strokes around them."""
    group: Spec = {"legendgroup": safe(instrument)}
    x = mark("from_ns", "until_ns", view="until")
    spans = span(mark("from_ns", view="thrice"), mark("bid_min", "ask_max", view="span"), colour)
    name = safe(instrument)
    return [
        spans | group,
        line(x, mark("bid_last", view="held"), {"$text": [name, " ", {"$word": "bid"}]}, colour)
        | group,
        line(
            x,
            mark("ask_last", view="held"),
            {"$text": [name, " ", {"$word": "ask"}]},
            colour,
            line={"color": colour, "width": 1.3, "shape": "hv", "dash": "dot"},
        ),
    ]


def signal_traces(signals: Answer, mark: Callable[..., Spec], first: int, end: int) -> list[Spec]:
    """Return the two values of a signal and its bands."""
    below: Spec = {"yaxis": "y2", "legend": "legend2"}
    x = mark("from_ns", "until_ns", view="until")
    thrice = mark("from_ns", view="thrice")
    data = []
    for value, colour in (("enter", ENTER), ("exit", EXIT)):
        strokes = mark(f"{value}_min", f"{value}_max", view="span")
        group = below | {"legendgroup": value}
        data.append(span(thrice, strokes, colour) | group)
        data.append(
            line(x, mark(f"{value}_last", view="held"), {"$word": f"{value}_value"}, colour) | group
        )
    for band, colour, dash in (
        ("plus_enter", ENTER, "dash"),
        ("plus_exit", EXIT, "dash"),
        ("mirror_enter", ENTER, "dot"),
        ("mirror_exit", EXIT, "dot"),
    ):
        if any(value is not None for value in signals.columns[band][first:end]):
            looks = {"color": colour, "width": 1.2, "dash": dash, "shape": "hv"}
            data.append(
                line(x, mark(band, view="held"), {"$word": band}, colour, line=looks) | below
            )
    return data


def mark_traces(marks: Answer, hedge: str) -> list[Spec]:
    """Return the attempts of a hedge: colour by kind, shape by end."""
    data = []
    for (owner, kind, end), first, last in marks.groups("hedge", "kind", "end"):
        if owner != hedge:
            continue
        mark = columns("marks", first, last)
        shape = SHAPES.get(end, {}).get(kind) or OTHER_SHAPES.get(end, "circle-open")
        colour = KINDS.get(kind, INK)
        size = {"residual_held": 14}.get(end, 11 if last - first <= MARKS_LARGE else 7)
        edge = {"color": "#ffffff" if end == "completed" else colour, "width": 1}
        edge["width"] = {"completed": 1, "residual_held": 1}.get(end, 2)
        count = f" ({last - first:,})"
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": mark("started_ns", view="time"),
                "y": mark("value"),
                "customdata": mark("sets_from", "sets_to", "sets_traded", view="rows"),
                "name": {"$text": [said("kind", kind), " · ", said("end", end), count]},
                "marker": {"symbol": shape, "size": size, "color": colour, "line": edge},
                "hovertemplate": f"%{{y:{NUMBER}}} · %{{customdata[0]}} → %{{customdata[1]}}",
                "cliponaxis": False,
                "yaxis": "y2",
                "legend": "legend2",
            }
        )
    return data


def inventory(answers: Answers) -> list[Panel]:
    """Return sets and residual of every hedge that is shown."""
    found = []
    for (hedge,), first, end in answers["inventory"].groups("hedge"):
        mark = columns("inventory", first, end)
        x, thrice = mark("now_ns", view="time"), mark("now_ns", view="thrice")
        dash = {"color": EXIT, "width": 1.2, "dash": "dash", "shape": "hv"}
        below: Spec = {"yaxis": "y2", "legend": "legend2"}
        data = [
            span(thrice, mark("sets_min", "sets_max", view="span"), INK),
            line(x, mark("sets"), {"$word": "sets"}, INK),
            span(thrice, mark("residual_min", "residual_max", view="span"), SERIES[2]) | below,
            line(x, mark("residual"), {"$word": "residual"}, SERIES[2]) | below,
            line(x, mark("allowed"), {"$word": "max_residual"}, EXIT, line=dash) | below,
        ]
        layout = base(
            height=400,
            xaxis=time_axis(anchor="y2", range=PERIOD),
            yaxis=axis({"$word": "sets"}, domain=[0.58, 1]),
            yaxis2=axis({"$word": "residual"}, domain=[0, 0.44], rangemode="tozero"),
            legend2=legend(0.44),
        )
        found.append(Panel("inventory", hedge, data, layout))
    return found


def usage(answers: Answers) -> list[Panel]:
    """Return the use of capital of every account beside its cap."""
    data = []
    for at, ((account,), first, end) in enumerate(answers["usage"].groups("account")):
        mark, colour = columns("usage", first, end), SERIES[at % len(SERIES)]
        x = mark("from_ns", "until_ns", view="until")
        dash = {"color": colour, "width": 1.2, "dash": "dash", "shape": "hv"}
        percent = {"hovertemplate": "%{y:.2%}"}
        capped = {"$text": [safe(account), " ", {"$word": "cap"}]}
        data.append(line(x, mark("usage_max", view="held"), safe(account), colour) | percent)
        data.append(line(x, mark("cap", view="held"), capped, colour, line=dash) | percent)
    y = axis({"$word": "axis_usage"}, tickformat=".0%", rangemode="tozero")
    return [Panel("usage", "", data, base(xaxis=time_axis(range=PERIOD), yaxis=y))] if data else []


def cause(answers: Answers) -> list[Panel]:
    """Return the result by cause as a waterfall: for every hedge, and for all that there is."""
    answer = answers["cause"]
    found = []
    for (hedge, currency), first, end in answer.groups("hedge", "currency"):
        mark = columns("cause", first, end)
        causes = answer.columns["cause"][first:end]
        data = [
            {
                "type": "waterfall",
                "x": [said("cause", each) for each in causes],
                "y": mark("amount"),
                "measure": ["total" if each == "total" else "relative" for each in causes],
                "text": mark("amount", view="money"),
                "textposition": "outside",
                "constraintext": "none",
                "textfont": {"size": 11},
                "cliponaxis": False,
                "connector": {"line": {"color": "#c3cad2", "width": 1}},
                "increasing": {"marker": {"color": GAIN}},
                "decreasing": {"marker": {"color": LOSS}},
                "totals": {"marker": {"color": INK}},
                "hovertemplate": "%{x}: %{text}<extra></extra>",
            }
        ]
        layout = base(
            height=360,
            hovermode="closest",
            showlegend=False,
            xaxis=axis(type="category", showgrid=False),
            yaxis=axis(safe(currency)),
        )
        of = f"{hedge or 'all'} {currency}"
        heading, key = (f"{hedge} · {currency}", "") if hedge else (f"· {currency}", "all")
        found.append(Panel("cause", of, data, layout, heading, key))
    return found


def days(answers: Answers) -> list[Panel]:
    """Return the result of every day and its sum for every currency; nothing for a single day."""
    found = []
    for (currency,), first, end in answers["days"].groups("currency"):
        if end - first < 2:
            continue
        mark = columns("days", first, end)
        x = mark("day", view="day")
        bars: Spec = {
            "type": "bar",
            "x": x,
            "y": mark("amount"),
            "name": {"$word": "per_day"},
            "marker": {"color": GAIN, "line": {"color": GAIN, "width": 0.5}},
            "hovertemplate": "%{y:,.2f}",
            "yaxis": "y2",
            "legend": "legend2",
        }
        sums = line(x, mark("cumulated"), {"$word": "cumulative"}, INK)
        sums["hovertemplate"] = "%{y:,.2f}"
        layout = base(
            height=380,
            xaxis=time_axis(anchor="y2", hoverformat="%Y-%m-%d"),
            yaxis=axis(safe(currency), domain=[0.56, 1]),
            yaxis2=axis(safe(currency), domain=[0, 0.42]),
            legend2=legend(0.42),
        )
        found.append(Panel("days", currency, [sums, bars], layout))
    return found


def latency(answers: Answers) -> list[Panel]:
    """Return a histogram for every stage of the chain."""
    answer = answers["latency"]
    found = []
    for (stage,), first, end in answer.groups("stage"):
        bins = answer.columns["bin"][first:end]
        none = 1 if bins[0] is None else 0
        there = [place / BINS_PER_DECADE - 6 for place in bins[none:]]
        low = math.floor(min(there)) if there else 0
        high = max(math.floor(max(there)) + 1, low + 1) if there else 0
        apart = 0.4 + 0.05 * (high - low)
        bar: Spec = {
            "type": "bar",
            "marker": {"color": GAIN},
            "hovertemplate": "%{y:,d}<extra></extra>",
        }
        data: list[Spec] = []
        ticks, texts = decades(low, high) if there else ([], [])
        if there:
            mark = columns("latency", first + none, end)
            x, width = mark("bin", view="bin"), 1 / BINS_PER_DECADE
            data.append(bar | {"x": x, "y": mark("orders"), "width": width})
        if none:
            ticks, texts = [low - apart, *ticks], [{"$word": "none_or_less"}, *texts]
            mark = columns("latency", first, first + 1)
            looks = {"marker": {"color": "#8fa3b8"}}
            data.append(bar | looks | {"x": [low - apart], "y": mark("orders"), "width": apart / 2})
        begin = low - 1.75 * apart if none else low
        layout = base(
            height=220,
            margin={"l": 56, "r": 28, "t": 12, "b": 36},
            hovermode="closest",
            showlegend=False,
            bargap=0,
            xaxis=axis(
                tickvals=ticks,
                ticktext=texts,
                tickangle=0,
                range=[begin, high + 0.02 if there else 0.7],
                showgrid=False,
                zeroline=False,
            ),
            yaxis=axis({"$word": "axis_orders"}, rangemode="tozero", tickformat=",d"),
        )
        found.append(Panel("latency", stage, data, layout))
    return found


def refusals(answers: Answers) -> list[Panel]:
    """Return how often each hedge was refused for each reason."""
    answer = answers["refusals"]
    if not len(answer):
        return []
    mark = columns("refusals", 0, len(answer))
    labels = [
        {"$text": [said("refusal", row["refusal"]), " · ", safe(row["name"])]}
        for row in answer.rows()
    ]
    data = [bars(labels, mark("count"), GAIN)]
    layout = base(
        height=84 + 26 * len(answer),
        hovermode="closest",
        showlegend=False,
        margin={"l": 120, "r": 40, "t": 10, "b": 40},
        xaxis=axis({"$word": "count"}, tickformat=",d", rangemode="tozero"),
        yaxis=axis(type="category", autorange="reversed", showgrid=False),
    )
    return [Panel("refusals", "", data, layout)]


def ends(answers: Answers) -> list[Panel]:
    """Return the attempts by kind and end."""
    answer = answers["ends"]
    if not len(answer):
        return []
    rows = answer.rows()
    data = []
    for end in dict.fromkeys([*ENDS, *answer.columns["end"]]):
        colour = ENDS.get(end, INK)
        at = [place for place, row in enumerate(rows) if row["end"] == end]
        if at:
            labels = [said("kind", rows[place]["kind"]) for place in at]
            values = {"$pick": ["ends", "attempts", at]}
            data.append(bars(labels, values, colour, name=said("end", end)))
    layout = base(
        height=130 + 40 * len({row["kind"] for row in rows}),
        hovermode="closest",
        barmode="stack",
        xaxis=axis({"$word": "attempts"}, tickformat=",d"),
        yaxis=axis(type="category", autorange="reversed", showgrid=False),
    )
    return [Panel("ends", "", data, layout)]


# What each figure asks, and how it is drawn.
FIGURES: Mapping[str, tuple[tuple[str, ...], Callable[[Answers], list[Panel]]]] = {
    "market": (("prices", "signals", "marks", "period"), market),
    "inventory": (("inventory", "period"), inventory),
    "usage": (("usage", "period"), usage),
    "cause": (("cause",), cause),
    "days": (("days",), days),
    "latency": (("latency",), latency),
    "refusals": (("refusals",), refusals),
    "ends": (("ends",), ends),
}


@exactly
def plot(tables: Tables, name: str, *, of: str | None, lang: str) -> Any:  # noqa: ANN401
    """Return one plot as a plotly figure.

    tables: dict of Arrow tables – those of a result.
    name: str – one of `FIGURES`. of: str – which hedge, currency or stage; the first when None.
    lang: str – 'en' or 'zh'.
    Raises ConfigError for a name that is not there, UsageError when plotly or duckdb is not
    installed.
    """
    if name not in FIGURES:
        raise unknown(name, "name", FIGURES, "a figure")
    language = read_language(lang)
    asked, draw = FIGURES[name]
    answers = ask(tables, asked, "plot")
    panels = {panel.of: panel for panel in draw(answers)}
    wanted = next(iter(panels), "") if of is None else of
    if of is not None and of not in panels:
        raise unknown(of, "of", panels, f"a panel of {name}")
    drawn = panels.get(wanted, Panel(name, "", [], base()))
    return made({"data": drawn.data, "layout": drawn.layout}, answers, language)


def made(spec: Spec, answers: Answers, language: str) -> Any:  # noqa: ANN401
    """Return a plotly figure of a stated plot."""
    objects = need("plotly.graph_objects", "plot")
    return objects.Figure(filled(spec, answers, language))


def filled(spec: object, answers: Answers, language: str) -> Any:  # noqa: ANN401
    """Return a stated plot with every marker filled in."""
    if isinstance(spec, list | tuple):
        return [filled(each, answers, language) for each in spec]
    if not isinstance(spec, dict):
        return spec
    mark = next((key for key in spec if key.startswith("$")), None)
    if mark is None:
        return {key: filled(each, answers, language) for key, each in spec.items()}
    if mark == "$word":
        return word(spec["$word"], language)
    if mark == "$text":
        return "".join(filled(each, answers, language) for each in spec["$text"])
    return view(mark[1:], spec[mark], answers)


def view(name: str, given: list[Any], answers: Answers) -> list[Any]:
    """Return what a marker of columns stands for."""
    if name == "pick":
        query, column, places = given
        return [plain(answers[query].columns[column][at]) for at in places]
    query, *names, first, end = given
    pieces = [answers[query].columns[each][first:end] for each in names]
    values = pieces[0]
    if name == "time":
        return [None if value is None else value / 1e6 for value in values]
    if name == "until":
        return [value / 1e6 for value in (*values, *pieces[1][-1:])]
    if name == "held":
        return [plain(value) for value in (*values, *values[-1:])]
    if name == "ends":
        return [None if piece[0] is None else piece[0] / 1e6 for piece in pieces]
    if name == "thrice":
        return [each for value in values for each in (value / 1e6, value / 1e6, None)]
    if name == "span":
        ends = zip(*pieces, strict=True)
        return [each for low, high in ends for each in (plain(low), plain(high), None)]
    if name == "rows":
        return [[plain(value) for value in row] for row in zip(*pieces, strict=True)]
    if name == "bin":
        return [(value + 0.5) / BINS_PER_DECADE - 6 for value in values]
    if name == "money":
        return [f"{value:,.2f}" for value in values]
    return [str(value) for value in values] if name == "day" else [plain(each) for each in values]


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value as plotly draws it: a decimal as the nearest float."""
    return float(value) if isinstance(value, Decimal) else value


@exactly
def ladder(table: "pa.Table", *, lang: str = "en", title: str | None = None) -> Any:  # noqa: ANN401
    """Return the depth of a book as a plotly figure: how much stands up to each price.

    table: Table – levels with `side` ('bid', 'ask'), `price`, and `size` or `units`.
    lang: str – 'en' or 'zh'.
    title: str – stands above the plot, such as the instrument's name.
    Raises UsageError when plotly is not installed.

    Example:
        plots.ladder(market.ladder("BINANCE_SPOT.BTCUSDT", 20)).show()
    """
    language = read_language(lang)
    data = []
    # The books of one instrument have sizes, those of a hedge together common units.
    size = "size" if "size" in table.column_names else "units"
    rows = table.select(["side", "price", size]).to_pylist()
    for side, colour in (("bid", ENTER), ("ask", EXIT)):
        levels = sorted(
            (row for row in rows if row["side"] == side),
            key=lambda row: row["price"],
            reverse=side == "bid",
        )
        sums, total = [], Decimal(0)
        for row in levels:
            total += Decimal(row[size])
            sums.append(float(total))
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [float(row["price"]) for row in levels],
                "y": sums,
                "name": {"$word": side},
                # Up to and including a price: the step is at the price.
                "line": {"color": colour, "width": 1.5, "shape": "hv"},
                "marker": {"color": colour, "size": 4},
                "fill": "tozeroy",
                "hovertemplate": f"%{{x:{NUMBER}}}: %{{y:{NUMBER}}}",
            }
        )
    above = {"$text": [safe(title), " · ", {"$word": "depth_ladder"}]} if title else None
    layout = base(
        height=360,
        hovermode="closest",
        xaxis=axis({"$word": "price"}),
        yaxis=axis({"$word": "size"}, rangemode="tozero"),
    )
    if above is not None:
        layout["title"] = {"text": above, "font": {"size": 14}}
        layout["margin"] = layout["margin"] | {"t": 64}
    return made({"data": data, "layout": layout}, {}, language)
