"""Values to files and back: TOML whose keys are the names of the arguments.

Where an argument takes one of several classes the table says `type = "…"`. Instruments and accounts
are written once and referred to by name. An unknown key is refused, with the known one nearest to
it; nothing is interpolated, included or executed.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, cast

from cross_market._values import (
    NONE,
    Reader,
    is_required,
    missing,
    nearest,
    readers,
    says_none,
    snake,
    unknown,
    wrong,
    wrong_type,
)
from cross_market.errors import ConfigError, InputTypeError

SIZE_MAX = 16 * 2**20
SECRETS = ("password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "dsn")

# What other programs would fill in from their environment.
VARIABLE = re.compile(r"\$\{|\$\(|^\$[A-Za-z_]|%\([A-Za-z_]+\)s|\{\{")

# Values that a file refers to by name: class → name → value.
Names = Mapping[type, Mapping[str, object]]


def path_text(given: object, where: str) -> str:
    """Return a path as text that the operating system takes."""
    expected = "a path, as str or os.PathLike"
    if not isinstance(given, str | os.PathLike):
        raise wrong_type(given, where, expected)
    text: object = os.fspath(given)
    if not isinstance(text, str):
        raise wrong_type(given, where, expected)
    try:
        if not text or b"\0" in os.fsencode(text):
            raise wrong(text, where, expected)
    except UnicodeEncodeError as error:
        raise wrong(text, where, expected) from error
    return text


class Broken:
    """What stands for a value that could not be made, while its problems are collected."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN = Broken()


def is_broken(item: object) -> bool:
    """Return whether a value, or an item of a list or dict of values, could not be made."""
    if isinstance(item, list):
        return any(each is BROKEN for each in item)
    if isinstance(item, dict):
        return any(each is BROKEN for each in item.values())
    return item is BROKEN


class Builder:
    """What makes values of the tables of a file.

    names – values that may be referred to, by class and name.
    collects: bool – keep every error in `problems` and go on, instead of raising the first one.
    """

    def __init__(self, names: Names, *, collects: bool = False) -> None:
        self.names = names
        self.collects = collects
        self.problems: list[ConfigError | InputTypeError] = []

    def fail(self, error: ConfigError | InputTypeError) -> Broken:
        """Raise an error, or keep it."""
        if not self.collects:
            raise error
        self.problems.append(error)
        return BROKEN

    def build(self, cls: type, table: object, where: str) -> Any:
        """Return the value of class `cls` that a table states.

        where: str – path of the table in the file, empty for the file itself.
        Raises ConfigError or InputTypeError with the path of what is wrong.
        """
        if not isinstance(table, dict):
            return self.fail(wrong(table, where, f"a table of {cls.__name__}"))
        return self.made(cls, self.fields(cls, table, where), where)

    def fields(self, cls: type, table: Mapping[str, object], where: str) -> dict[str, Any]:
        """Return what the fields of `cls` take, made of a table; with BROKEN for what is wrong."""
        known = readers(cls)
        given: dict[str, Any] = {}
        for key, name, item in self.spelled(table, known, where):
            given[key] = self.built(known[key], item, f"{where}.{name}" if where else name)
        for each in fields(cls):
            if is_required(each) and each.name not in given:
                at = f"{where}.{each.name}" if where else each.name
                expected = known[each.name].expected + header(known[each.name], at)
                given[each.name] = self.fail(missing(expected, at))
        return given

    def spelled(
        self, table: Mapping[str, object], known: Iterable[str], where: str
    ) -> Iterator[tuple[str, str, object]]:
        """Yield (key, key as it is written, value); unknown keys fail.

        While problems are collected a misspelt key counts as the one that it is taken for, so that
        its value is looked at and the key itself is not missed.
        """
        names = list(known)
        for name, item in table.items():
            at = f"{where}.{name}" if where else name
            if name in names:
                yield name, name, item
                continue
            self.fail(secret(name, at) or unknown(name, at, names, "one of the keys"))
            close = nearest(name, names)
            if close is not None and close not in table:
                yield close, name, item

    def made(self, cls: type, given: dict[str, Any], where: str) -> Any:
        """Return the value that these fields make."""
        if any(is_broken(item) for item in given.values()):
            return BROKEN
        try:
            return cls(**given)
        except (ConfigError, InputTypeError) as error:
            return self.fail(moved(error, snake(cls.__name__), where))

    def built(self, reader: Reader, item: object, where: str) -> object:
        """Return what a field takes, made of what the file says."""
        if not reader.kinds or (reader.states and says_none(item)):
            return self.plain(reader, item, where)
        if reader.many:
            if not isinstance(item, list):
                return self.fail(wrong_type(item, where, reader.expected))
            pairs = enumerate(item)
            return [self.build_one(reader, each, f"{where}[{at}]") for at, each in pairs]
        if reader.keyed:
            if not isinstance(item, dict):
                return self.fail(wrong_type(item, where, reader.expected))
            return {
                key: self.build_one(reader, each, f"{where}.{key}") for key, each in item.items()
            }
        return self.build_one(reader, item, where)

    def plain(self, reader: Reader, item: object, where: str) -> object:
        """Return a plain value, read once here so that its path is the file's."""
        try:
            reader.read(item, where)
        except (ConfigError, InputTypeError) as error:
            if isinstance(item, str) and VARIABLE.search(item):
                expected = "the value itself: nothing is filled in from variables here"
                return self.fail(wrong(item, where, expected))
            return self.fail(error)
        return item

    def build_one(self, reader: Reader, item: object, where: str) -> object:
        """Return the value that a table states, or a name refers to."""
        if reader.refers:
            kind = reader.kinds[0]
            there = self.names[kind]
            if not isinstance(item, str) or item not in there:
                what = f"the name of one of the {kind.__name__}s"
                return self.fail(unknown(item, where, there, what))
            return there[item]
        if reader.plain and not isinstance(item, dict):
            return self.plain(reader, item, where)
        if len(reader.kinds) == 1:
            return self.build(reader.kinds[0], item, where)
        kinds = {kind.__name__: kind for kind in reader.kinds}
        if not isinstance(item, dict) or "type" not in item:
            expected = 'a table with type = one of "' + '", "'.join(kinds) + '"'
            return self.fail(wrong(item, where, expected))
        word: str | None = item["type"]
        if word not in kinds:
            self.fail(unknown(word, f"{where}.type", kinds, "one of"))
            word = nearest(str(word), kinds)
            if word is None:
                return BROKEN
        rest = {key: each for key, each in item.items() if key != "type"}
        made = self.build(kinds[word], rest, where)
        return made if item["type"] == word else BROKEN


def header(reader: Reader, at: str) -> str:
    """Return how a file begins the tables that a field is made of; nothing for a plain value."""
    if not reader.kinds or reader.refers:
        return ""
    path = re.sub(r"\[[0-9]+\]", "", at)
    return f", as tables [[{path}]]" if reader.many else f", as a table [{path}]"


def secret(key: str, at: str) -> ConfigError | None:
    """Return the error for a key that names a secret, without showing what it holds."""
    if not any(word in key.lower() for word in SECRETS):
        return None
    expected = "no secrets: they belong to the adapters of the venues, never in this file"
    message = f"{at}: expected {expected}"
    return ConfigError(message, field=at, expected=expected)


def moved(error: ConfigError | InputTypeError, old: str, new: str) -> ConfigError | InputTypeError:
    """Return the error of a value under the path at which it stands in its file."""
    field = error.field or ""
    rest = field.removeprefix(old) if field == old or field.startswith(old + ".") else "." + field
    at = (new + rest).lstrip(".")
    message = str(error)
    message = at + message[len(field) :] if message.startswith(field) else f"{at}: {message}"
    return type(error)(message, field=at, value=error.value, expected=error.expected)


def table_of(value: Any) -> dict[str, Any]:
    """Return the table that states a value; fields that are None are left out."""
    found: dict[str, Any] = {}
    for key, reader in readers(type(value)).items():
        item = getattr(value, key)
        if item is None or (item == () and (reader.many or reader.keyed)):
            continue
        if reader.many:
            found[key] = [stated(reader, each) for each in item]
        elif reader.keyed:
            found[key] = {name: stated(reader, each) for name, each in item}
        elif reader.kinds and (type(item) in reader.kinds or reader.refers or reader.states):
            found[key] = stated(reader, item)
        else:
            found[key] = listed(item)
    return found


def stated(reader: Reader, item: Any) -> Any:
    if reader.refers:
        return item.name
    if reader.states and says_none(item):
        return NONE
    kind = {"type": type(item).__name__} if len(reader.kinds) > 1 else {}
    return {**kind, **table_of(item)}


def listed(item: Any) -> Any:
    return [listed(each) for each in item] if isinstance(item, tuple) else item


def toml_text(table: Mapping[str, Any]) -> str:
    """Return a table as TOML: plain keys, then one `[[…]]` or `[…]` for each table in it."""
    lines: list[str] = []
    write_table(table, "", lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def write_table(table: Mapping[str, Any], path: str, lines: list[str]) -> None:
    for key, item in table.items():
        if not is_table(item):
            lines.append(f"{key_text(key)} = {inline(item)}")
    for key, item in table.items():
        if not is_table(item):
            continue
        at = f"{path}.{key_text(key)}" if path else key_text(key)
        for each in item if isinstance(item, list) else [item]:
            lines.append("")
            lines.append(f"[[{at}]]" if isinstance(item, list) else f"[{at}]")
            write_table(each, at, lines)


def is_table(item: object) -> bool:
    if isinstance(item, list):
        return bool(item) and all(isinstance(each, dict) for each in item)
    return isinstance(item, dict)


def key_text(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isalnum() and key.isascii() else inline(key)


def inline(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=True)
    return "[" + ", ".join(inline(each) for each in cast("list[object]", item)) + "]"
