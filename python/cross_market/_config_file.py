"""A configuration as a file: instruments stand on their own there, limits start from a template."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from cross_market._files import BROKEN, Broken, Builder, table_of, toml_text
from cross_market._source import read_toml
from cross_market._values import wrong
from cross_market.config import (
    Account,
    Config,
    Json,
    disagreements,
    instruments_of,
    named_twice,
)
from cross_market.contracts.instrument import Instrument
from cross_market.errors import ConfigError, InputTypeError
from cross_market.policy.limit import template


def load(path: str | os.PathLike[str]) -> Config:
    """Return the configuration that a TOML file states; see `Config.load`."""
    source = read_toml(path)
    with source.refuses():
        found = read_config(source.table, Builder({}))
    assert isinstance(found, Config)  # what is wrong was raised
    return found


def dump(config: Config, path: str | os.PathLike[str]) -> None:
    """Write a configuration as TOML; see `Config.dump`."""
    Path(path).write_text(text_of(config), encoding="utf-8")


def text_of(config: Config) -> str:
    """Return a configuration as TOML, every limit visible."""
    return toml_text(config_table(config))


def config_table(config: Config) -> Json:
    table = table_of(config)
    instruments = [table_of(instrument) for instrument in config.instruments]
    order = ("engine", "run", "orders", "executions", "venues", "accounts")
    found = {key: table[key] for key in order}
    measured = {key: table[key] for key in ("waiting",) if key in table}
    ways = {key: table[key] for key in ("routes", "offsets", "thresholds") if table.get(key)}
    return {
        **found,
        **ways,
        "instruments": instruments,
        "hedges": table["hedges"],
        "limits": table["limits"],
        **measured,
    }


def read_config(table: Json, builder: Builder) -> Config | Broken:
    """Return the configuration that the tables of a file state.

    builder: Builder – raises the first error or keeps them all; then BROKEN is returned.
    """
    known = [*(each.name for each in fields(Config)), "instruments", "simulation"]
    given = {key: item for key, _, item in builder.spelled(table, known, "")}
    given.pop("simulation", None)
    names: dict[type, dict[str, Any]] = {}
    for key, kind in (("instruments", Instrument), ("accounts", Account)):
        names[kind] = read_named(kind, key, given.get(key, []), builder)
    builder.names = names
    tables: Any = given.pop("instruments", [])
    limits = given.get("limits")
    if isinstance(limits, dict):
        given["limits"] = completed(limits, builder)
    parts = builder.fields(Config, given, "")
    if builder.collects:
        collect_disagreements(given, parts, names, builder)
    if builder.problems:
        return BROKEN
    unused = set(names[Instrument]) - {each.name for each in instruments_of(parts["hedges"])}
    for at, each in enumerate(tables):
        if each["name"] in unused:
            builder.fail(wrong(each["name"], f"instruments[{at}].name", "one that a hedge names"))
    made: Config | Broken = builder.made(Config, parts, "")
    return made


def collect_disagreements(
    tables: Json, parts: Json, names: Mapping[type, Mapping[str, object]], builder: Builder
) -> None:
    """Keep what does not fit between the parts that could be made."""
    made, broken = {}, {"instruments": list(names[Instrument])}
    for kind in ("venues", "accounts", "hedges"):
        items = parts[kind] if isinstance(parts[kind], list) else []
        made[kind] = [None if each is BROKEN else each for each in items]
        there = tables.get(kind)
        stated = there if isinstance(there, list) else []
        broken[kind] = [
            str(each["name"]) for each in stated if isinstance(each, dict) and "name" in each
        ]
    limits = parts["limits"]
    for error in disagreements(made, None if limits is BROKEN else limits, broken):
        builder.fail(error)


def read_named(kind: type, key: str, tables: object, builder: Builder) -> dict[str, Any]:
    """Return the values of a list of tables by their names, BROKEN for those that are wrong."""
    if not isinstance(tables, list):
        builder.fail(wrong(tables, key, f"a list of tables, [[{key}]]"))
        return {}
    items: list[Any] = tables
    values = [builder.build(kind, each, f"{key}[{at}]") for at, each in enumerate(items)]
    for error in named_twice(values, key):
        builder.fail(error)
    found = {}
    for each, made in zip(items, values, strict=True):
        name = each.get("name") if isinstance(each, dict) else None
        if isinstance(name, str):
            found[name] = made
    return found


def completed(limits: Json, builder: Builder) -> Json:
    """Return the table of limits with its template, and what holds for each, written out."""
    given = dict(limits)
    if "template" in given:
        base: Json = {}
        try:
            base = table_of(template(given.pop("template")))
        except (ConfigError, InputTypeError) as error:
            builder.fail(error)
        for key, item in base.items():
            above = given.get(key)
            if isinstance(item, dict) and isinstance(above, dict):
                given[key] = {**item, **above}
            else:
                given.setdefault(key, item)
    for each, base_key in (
        ("venues", "each_venue"),
        ("instruments", "each_instrument"),
        ("accounts", "each_account"),
        ("hedges", "each_hedge"),
    ):
        shared, named = given.get(base_key, {}), given.get(each, {})
        if isinstance(shared, dict) and isinstance(named, dict):
            given[each] = {
                key: {**shared, **item} if isinstance(item, dict) else item
                for key, item in named.items()
            }
    return given
