"""The places of TOML's keys, against `tomllib`: every span parses to the value at its path."""

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cross_market._places import Path, places

NASTY = '''
# [no.table]
a = 1 # b = 2
"quoted key" = "# no comment ' [x]"   # comment
'literal\\key' = 'C:\\path "x" #'
"t\\u00e9l\\"" = true
dotted . "with space" .c = 3
dotted.d = [ 1, 2, # one
  [ "a]", """b
]
""", \'\'\'c\'\'\' ],
  { x = 1, y.z = [2] }, ]

text = """\\
  first \\""" still ""

x = 5""\\\\"""
quotes = """""two""""" # five at both ends
raw = \'\'\'
[[not.a.table]]
a = '' \'\'\'\'\'
when = 1979-05-27 07:32:00Z
day = 1979-05-27
float = 3.14e-2
empty = {}
none = []
\tindented\t=\t"中文 é"

[table] # after
k = { in = { the = [ { deep = "}" } ] } }
[table.sub."x.y"]
v = 1

[[rows]]
n = 1
[rows.more]
m = 2
  [[rows.inner]]
  i = 1
  [[rows.inner]]
  i = 2
[[rows]]
n = 3
[[ rows . inner ]]
i = 4
[before.above]
[before]
z = 1
'''


def every(value: object, path: Path = ()) -> dict[Path, object]:
    """Return each value of a document by its path, the document itself left out."""
    found: dict[Path, object] = {path: value} if path else {}
    if isinstance(value, dict):
        for key, item in value.items():
            found |= every(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            found |= every(item, (*path, at))
    return found


def is_same(one: object, two: object) -> bool:
    if isinstance(one, float) and isinstance(two, float) and math.isnan(one):
        return math.isnan(two)
    return repr(one) == repr(two)


def check(text: str) -> None:
    found, values = places(text), every(tomllib.loads(text))
    assert set(found) == set(values)
    lines = text.split("\n")
    for path, place in found.items():
        assert 1 <= place.line <= len(lines)
        here = lines[place.line - 1][place.column - 1 :]
        if place.begin < place.end:
            span = text[place.begin : place.end]
            assert is_same(tomllib.loads("key = " + span)["key"], values[path])
            if isinstance(path[-1], int):
                assert span.startswith(here.split(",")[0].rstrip("\r")[:1])
            else:
                assert is_key(path[-1], here)
        else:
            assert isinstance(values[path], dict | list)
            assert here.startswith("[") or is_key(str(path[-1]), here)


def is_key(key: str, text: str) -> bool:
    """Return whether a text begins with this key, however it is quoted."""
    for end in range(1, len(text) + 1):
        try:
            found = tomllib.loads(text[:end] + " = 1")
        except tomllib.TOMLDecodeError:
            continue
        if found == {key: 1}:
            return True
    return False


def test_nasty_input() -> None:
    check(NASTY)
    found = places(NASTY)
    assert found[("a",)].line == 3
    assert found[("rows", 1, "inner", 0, "i")].line == NASTY[: NASTY.index("i = 4")].count("\n") + 1
    assert found[("before",)].line == NASTY[: NASTY.index("[before]")].count("\n") + 1


@pytest.mark.parametrize("text", ["", "\n", "# only", "a=1", "[a]", "[[a]]", "a.b=[{}]", "a = ''"])
def test_small_input(text: str) -> None:
    check(text)


def test_line_ends_of_windows() -> None:
    check(NASTY.replace("\n", "\r\n"))


KEYS = st.text(st.sampled_from("ab-_1 .#=\"'\\[]é中\t"), max_size=4)
TEXTS = st.text(st.sampled_from("ab#=\"'\\[]{},. \n\té中"), max_size=12)


def basic(text: str) -> str:
    """Return a text as a basic string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("\n", "\\n").replace("\t", "\\t") + '"'


@st.composite
def keys(draw: st.DrawFn) -> str:
    key = draw(KEYS)
    if key and all(each in "ab-_1" for each in key):
        return key
    if "'" not in key and draw(st.booleans()):
        return f"'{key}'"
    return basic(key)


@st.composite
def strings(draw: st.DrawFn) -> str:
    text = draw(TEXTS)
    form = draw(st.integers(0, 3))
    if form == 1 and "'" not in text and "\n" not in text:
        return f"'{text}'"
    if form == 2 and "'''" not in text:
        return f"'''{text}'''"
    if form == 3:
        return '"""' + text.replace("\\", "\\\\").replace('"""', '""\\"') + '"""'
    return basic(text)


BLANKS = st.sampled_from(["", " ", "\n", " # ]}\n", "\t"])
SCALARS = st.one_of(
    strings(),
    st.integers().map(str),
    st.sampled_from(
        ["true", "false", "inf", "nan", "1_000", "0x1F", "1979-05-27 07:32:00", "07:32:00", "1e3"]
    ),
)


def arrays(item: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.lists(st.tuples(BLANKS, item, BLANKS).map("".join), max_size=3)
    return st.tuples(parts, BLANKS).map(lambda found: "[" + ",".join(found[0]) + found[1] + "]")


def inlines(item: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(keys(), st.sampled_from(["=", " = "]), item).map("".join)
    return st.lists(pair, max_size=3).map(lambda found: "{" + ", ".join(found) + "}")


VALUES = st.recursive(SCALARS, lambda item: st.one_of(arrays(item), inlines(item)), max_leaves=6)
DOTTED = st.lists(keys(), min_size=1, max_size=3).map(" . ".join)
LINES = st.one_of(
    st.tuples(DOTTED, VALUES).map(lambda found: f"{found[0]} = {found[1]}"),
    DOTTED.map(lambda key: f"[{key}]"),
    DOTTED.map(lambda key: f"[[ {key} ]] # x"),
    st.sampled_from(["", "# [a]", "\t"]),
)


@given(st.lists(LINES, max_size=12))
def test_places_fit_what_tomllib_reads(lines: list[str]) -> None:
    kept: list[str] = []
    for line in lines:
        try:
            tomllib.loads("\n".join([*kept, line]))
        except tomllib.TOMLDecodeError:
            continue
        kept.append(line)
    check("\n".join(kept))


def test_values_of_a_real_file_have_places() -> None:
    from pathlib import Path as File

    example = File(__file__).resolve().parents[2] / "examples" / "btc_spot_perpetual.toml"
    text = example.read_text(encoding="utf-8")
    check(text)
    found: Any = places(text)[("hedges", 0, "legs", 1, "side")]
    assert text.splitlines()[found.line - 1][found.column - 1 :].startswith('side = "buy"')
