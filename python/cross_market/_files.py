"""Values to files and back: TOML whose keys are the names of the arguments.

Where an argument takes one of several classes the table says `type = "…"`. Instruments and accounts
are written once and referred to by name. An unknown key is refused, with the known one nearest to
it; nothing is interpolated, included or executed.
"""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from cross_market._values import (
    Reader,
    is_required,
    missing,
    readers,
    shown,
    snake,
    unknown,
    wrong,
    wrong_type,
)
from cross_market.errors import ConfigError, InputTypeError

SIZE_MAX = 16 * 2**20
SECRETS = ("password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "dsn")

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


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the tables of a TOML file that only its owner or group may write.

    Raises ConfigError when it is unreadable, too large, world-writable or not TOML.
    """
    import tomllib  # most programs write their configuration in Python

    where = path_text(path, "path")
    try:
        with Path(where).open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise wrong(where, "path", "a regular file")
            if status.st_mode & stat.S_IWOTH:
                raise wrong(where, "path", "a file that not everybody may write; chmod o-w it")
            if status.st_size > SIZE_MAX:
                raise wrong(where, "path", f"a file of at most {SIZE_MAX} bytes")
            return tomllib.load(file)
    except OSError as error:
        message = f"path: {shown(where)} cannot be read: {error.strerror}"
        raise ConfigError(message, field="path", value=where, expected="a readable file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"path: {shown(where)} is not TOML: {error}"
        raise ConfigError(message, field="path", value=where, expected="a TOML file") from error


def build(cls: type, table: object, where: str, names: Names) -> Any:
    """Return the value of class `cls` that a table of a file states.

    where: str – path of the table in the file, empty for the file itself.
    names – values that may be referred to.
    Raises ConfigError or InputTypeError with the path of what is wrong.
    """
    if not isinstance(table, dict):
        raise wrong(table, where, f"a table of {cls.__name__}")
    known = readers(cls)
    given = {}
    for key, item in table.items():
        at = f"{where}.{key}" if where else str(key)
        if key not in known:
            refuse_secret(str(key), at)
            raise unknown(key, at, known, "one of the keys")
        given[key] = built(known[key], item, at, names)
    for each in fields(cls):
        if is_required(each) and each.name not in given:
            at = f"{where}.{each.name}" if where else each.name
            raise missing(known[each.name].expected, at)
    try:
        return cls(**given)
    except (ConfigError, InputTypeError) as error:
        raise moved(error, snake(cls.__name__), where) from error


def refuse_secret(key: str, at: str) -> None:
    """Raise for a key that names a secret, without showing what it holds."""
    if any(word in key.lower() for word in SECRETS):
        expected = "no secrets: they belong to the adapters of the venues, never in this file"
        message = f"{at}: expected {expected}"
        raise ConfigError(message, field=at, expected=expected)


def moved(error: ConfigError | InputTypeError, old: str, new: str) -> ConfigError | InputTypeError:
    """Return the error of a value under the path at which it stands in its file."""
    field = error.field or ""
    rest = field.removeprefix(old) if field == old or field.startswith(old + ".") else "." + field
    at = (new + rest).lstrip(".")
    message = str(error)
    message = at + message[len(field) :] if message.startswith(field) else f"{at}: {message}"
    return type(error)(message, field=at, value=error.value, expected=error.expected)


def built(reader: Reader, item: object, where: str, names: Names) -> object:
    """Return what a field takes, made of what the file says."""
    if not reader.kinds:
        return item
    if reader.many:
        if not isinstance(item, list):
            raise wrong_type(item, where, reader.expected)
        pairs = enumerate(item)
        return [build_one(reader, each, f"{where}[{at}]", names) for at, each in pairs]
    if reader.keyed:
        if not isinstance(item, dict):
            raise wrong_type(item, where, reader.expected)
        return {key: build_one(reader, each, f"{where}.{key}", names) for key, each in item.items()}
    return build_one(reader, item, where, names)


def build_one(reader: Reader, item: object, where: str, names: Names) -> object:
    """Return the value that a table states, or a name refers to."""
    if reader.refers:
        there = names[reader.kinds[0]]
        if not isinstance(item, str) or item not in there:
            raise unknown(
                item, where, there, "the name of one of the " + reader.kinds[0].__name__ + "s"
            )
        return there[item]
    if len(reader.kinds) == 1:
        return build(reader.kinds[0], item, where, names)
    kinds = {kind.__name__: kind for kind in reader.kinds}
    if not isinstance(item, dict) or "type" not in item:
        raise wrong(item, where, 'a table with type = one of "' + '", "'.join(kinds) + '"')
    kind = item["type"]
    if kind not in kinds:
        raise unknown(kind, f"{where}.type", kinds, "one of")
    rest = {key: each for key, each in item.items() if key != "type"}
    return build(kinds[kind], rest, where, names)


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
        elif reader.kinds:
            found[key] = stated(reader, item)
        else:
            found[key] = listed(item)
    return found


def stated(reader: Reader, item: Any) -> Any:
    if reader.refers:
        return item.name
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
