"""Where the keys of a TOML file stand: `tomllib` reads the values and forgets the places.

`places` reads a text that `tomllib` has accepted, so it needs no errors of its own: it only follows
the shape. A path is a tuple of keys and, in arrays, numbers from 0: `("hedges", 0, "legs", 1)`.
A test parses every span that is found here with `tomllib` and compares the value with the one of
the whole text.
"""

import re
from dataclasses import dataclass

Path = tuple[str | int, ...]

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SPACE = re.compile(r"[ \t]*")
BARE = re.compile(r"[A-Za-z0-9_-]+")
BASIC = re.compile(r'"(?:[^"\\]|\\.)*"')
LITERAL = re.compile(r"'[^']*'")
LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL)
LONG_LITERAL = re.compile(r"'''(?:[^']|'(?!''))*'{3,5}")
PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [^\s,\]}#]+|[^\s,\]}#]+")

# Keys of more parts are followed only so far: places are for people.
DEPTH_MAX = 64


@dataclass(frozen=True)
class Place:
    """Where a key stands (for an item of an array: where its value does), and its value.

    line, column: int – from 1.
    begin, end: int – the value's characters in the text; equal for a table under a header.
    """

    line: int
    column: int
    begin: int
    end: int


def places(text: str) -> dict[Path, Place]:
    """Return the place of every key, table and item of a text that is TOML."""
    return Scanner(text).found()


class Scanner:
    """A walk over the text; `at` is where it is, `table` the path of the table it is in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.table: Path = ()
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.places: dict[Path, Place] = {}
        self.headers: set[Path] = set()
        self.counts: dict[Path, int] = {}

    def found(self) -> dict[Path, Place]:
        self.skip(BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                self.header()
            else:
                self.pair(self.table)
            self.skip(BLANK)
        return self.places

    def skip(self, what: re.Pattern[str]) -> str:
        """Go past what is here and return it; the text is TOML, so it is here."""
        found = what.match(self.text, self.at)
        if found is None:
            message = f"no {what.pattern} at {self.at}"
            raise AssertionError(message)
        self.at = found.end()
        return found[0]

    def place(self, begin: int, value: int, end: int) -> Place:
        """Return the place of a key at `begin` whose value is between `value` and `end`."""
        from bisect import bisect_right

        line = bisect_right(self.starts, begin)
        return Place(line, begin - self.starts[line - 1] + 1, value, end)

    def header(self) -> None:
        """Read `[a.b]` or `[[a.b]]` and enter that table."""
        begin = self.at
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        path: Path = ()
        *above, last = self.keys()
        self.at += 2 if is_array else 1
        here = self.place(begin, self.at, self.at)
        for key, _ in above[:DEPTH_MAX]:
            path = (*path, key)
            self.places.setdefault(path, here)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        path = (*path, last[0])
        if is_array:
            number = self.counts.get(path, 0)
            self.counts[path] = number + 1
            self.places.setdefault(path, here)
            path = (*path, number)
        self.places[path] = here
        self.table = path

    def keys(self) -> list[tuple[str, int]]:
        """Read a dotted key; return its parts and where each begins."""
        import tomllib

        parts = []
        while True:
            self.skip(SPACE)
            begin = self.at
            if self.text[begin] == '"':
                part = str(tomllib.loads("key = " + self.skip(BASIC))["key"])
            elif self.text[begin] == "'":
                part = self.skip(LITERAL)[1:-1]
            else:
                part = self.skip(BARE)
            parts.append((part, begin))
            self.skip(SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def pair(self, path: Path) -> None:
        """Read `key = value` of the table at `path`."""
        parts = self.keys()
        self.at += 1  # the equals sign
        self.skip(SPACE)
        begin = self.at
        places = []
        for key, at in parts[:DEPTH_MAX]:
            path = (*path, key)
            places.append((path, at))
        self.value(path)
        for each, at in places:
            span = (begin, self.at) if each == path else (at, at)
            self.places.setdefault(each, self.place(at, *span))

    def value(self, path: Path) -> None:
        """Go past a value; the places of what is in it are kept."""
        first = self.text[self.at]
        if first == "[":
            self.items(path)
        elif first == "{":
            self.inline(path)
        elif first == '"':
            self.skip(LONG_BASIC if self.text.startswith('"""', self.at) else BASIC)
        elif first == "'":
            self.skip(LONG_LITERAL if self.text.startswith("'''", self.at) else LITERAL)
        else:
            self.skip(PLAIN)

    def items(self, path: Path) -> None:
        """Read an array."""
        self.at += 1
        number = 0
        while True:
            self.skip(BLANK)
            if self.text[self.at] == "]":
                self.at += 1
                return
            begin = self.at
            item = (*path, number)
            self.value(item)
            self.places[item] = self.place(begin, begin, self.at)
            number += 1
            self.skip(BLANK)
            if self.text[self.at] == ",":
                self.at += 1

    def inline(self, path: Path) -> None:
        """Read an inline table."""
        self.at += 1
        while True:
            self.skip(BLANK)
            if self.text[self.at] == "}":
                self.at += 1
                return
            self.pair(path)
            self.skip(BLANK)
            if self.text[self.at] == ",":
                self.at += 1
