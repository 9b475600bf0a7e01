"""The pictures of docs/legging.md: states from the machine's printed table, a time line of a story.

python tests/python/legging_page.py    writes them anew
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "legging.md"
TABLE = ROOT / "docs" / "attempt.md"
STORIES = ROOT / "tests" / "scenarios"
STORY = "sequential_slip_ran_away"
PICTURE = ROOT / "docs" / "legging-repaired.svg"
DIAGRAM = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)

STEP, LEFT, TOP = 120, 96, 64
LANE = 72
COLOURS = {
    "place": "#1f77b4",
    "fill": "#2ca02c",
    "cancelled": "#7f7f7f",
    "book": "#7f7f7f",
    "repair": "#d62728",
    "end": "#000000",
}


def moves() -> dict[tuple[str, str], str]:
    """Return what leads from state to state: the first such input of the first table.

    An input that leads all states to the same end comes before the others.
    """
    text = TABLE.read_text(encoding="utf-8")
    rows = text.split("### Enter, Exit and Reduce\n")[1].strip().split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    states = cells[0][1:]
    found: dict[tuple[str, str], str] = {}
    alike = sorted(cells[2:], key=lambda row: len(set(row[1:])) > 1)
    for name, *row in alike:
        for state, cell in zip(states, row, strict=True):
            after = re.match(r"\**(\w+)", cell)
            if after and after[1] != state:
                found.setdefault((state, after[1]), name)
    return found


def diagram() -> str:
    """Return the states and what leads between them, for Mermaid."""
    found = moves()
    states = sorted({state for state, _ in found})
    ends = sorted({after for _, after in found} - set(states))
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> Reserved", "    state Live {"]
    for (state, after), name in found.items():
        if after in states:
            lines.append(f"        {state} --> {after}: {name}")
    lines.append("    }")
    for end in ends:
        froms = [state for state in states if (state, end) in found]
        if froms == states:
            lines.append(f"    Live --> {end}: {found[states[0], end]}")
        else:
            lines += [f"    {state} --> {end}: {found[state, end]}" for state in froms]
        lines.append(f"    {end} --> [*]")
    return "\n".join([*lines, "```", ""])


def happened() -> list[tuple[str, str, str, str]]:
    """Return (time, leg, kind, words) of the story's steps, from the first that concerns orders."""
    found = []
    at = ""
    for line in (STORIES / f"{STORY}.txt").read_text(encoding="utf-8").splitlines():
        text = line.split(" #")[0].strip()
        told = text.removeprefix("expect ")
        keys = dict(re.findall(r"(\w+)=(\S+)", told))
        if text.startswith("at="):
            at = keys["at"]
        leg = keys.get("order", "pair/1/ /1").split("/")[2]
        if told.startswith("place "):
            words = f"{keys['purpose']} {keys['side']} {keys['qty']} @ {keys['price']}"
            found.append((at, leg, "place", words))
        elif " fill " in told:
            found.append((at, leg, "fill", f"{keys['qty']} traded @ {keys['price']}"))
        elif " cancelled " in told:
            found.append((at, leg, "cancelled", f"cancelled, {keys['cum']} traded"))
        elif " book " in told and found:
            found.append((at, told.split()[2], "book", f"ask {keys['ask'].split('x')[0]}"))
        elif told.startswith("repair="):
            costs = f"complete {keys['supplement']}, unwind {keys['unwind']}"
            found.append((at, " ", "repair", costs))
        elif told.startswith("end="):
            found.append((at, " ", "end", f"{keys['end']}, lost {keys['lost']}"))
    return found


def picture() -> str:
    """Return the time line as an SVG."""
    lanes = {"x": "leg x", "y": "leg y", " ": "attempt"}
    rows = happened()
    height = TOP + LANE * len(lanes)
    width = LEFT + STEP * len(rows) + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{STORY}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    places = {}
    for place, (leg, name) in enumerate(lanes.items()):
        y = places[leg] = TOP + LANE * place
        lines += [
            f'<text x="12" y="{y + 4}">{name}</text>',
            f'<line x1="{LEFT - 20}" y1="{y}" x2="{width - 12}" y2="{y}" stroke="#cccccc"/>',
        ]
    for place, (at, leg, kind, words) in enumerate(rows):
        x, y = LEFT + STEP * place + STEP // 2 - 20, places[leg]
        first, _, rest = words.partition(" @ " if " @ " in words else ", ")
        rest = f"@ {rest}" if " @ " in words else rest
        lines += [
            f'<text x="{x}" y="20" text-anchor="middle" fill="#7f7f7f">{at}</text>',
            f'<circle cx="{x}" cy="{y}" r="6" fill="{COLOURS[kind]}"/>',
            f'<text x="{x}" y="{y + 22}" text-anchor="middle">{first}</text>',
            f'<text x="{x}" y="{y + 38}" text-anchor="middle">{rest}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def page() -> str:
    """Return the page with its diagram as the table has it."""
    return DIAGRAM.sub(lambda _: diagram(), PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
