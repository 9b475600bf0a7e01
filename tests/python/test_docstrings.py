"""Every public name says what it is, what it takes, what it gives and what it raises."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import cross_market as cm
from cross_market import testing
from cross_market.funds import pool
from cross_market.policy import verdict

MODULES = (
    cm.audit,
    cm.commands,
    cm.events,
    cm.limits,
    cm.live.alerts,
    cm.thresholds,
    cm.venues,
    pool,
    testing,
    verdict,
)
# What everybody has, and what Python itself explains.
KNOWN = {"self", "cls", "args", "kwargs"}
# First words of what a function does: a command, not a description.
DESCRIBING = re.compile(r"(?i)(the|a|an|this|what|it|returns|gets|makes|\w+ing)\b")
# A class may state for all of its methods what they take and raise.
FOR_ALL = "Every call"


def public(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None)
    if names is not None:
        return sorted(names)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


def everything() -> Iterator[tuple[str, Any, Any]]:
    """Yield (name, object, owner) of every public name; methods behind their class."""
    found: dict[str, Any] = {f"cm.{name}": getattr(cm, name) for name in cm.__all__}
    for module in MODULES:
        short = module.__name__.removeprefix("cross_market.")
        found |= {f"{short}.{name}": getattr(module, name) for name in public(module)}
    for name, value in found.items():
        if isinstance(value, ModuleType | str | int | tuple | list | dict):
            continue
        if not inspect.isclass(value) and not callable(value):
            continue
        if not hasattr(value, "__qualname__"):  # an alias of types
            continue
        yield name, value, None
        if inspect.isclass(value):
            for key, member in methods(value):
                yield f"{name}.{key}", member, value


def methods(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield what a class of ours offers, what it inherits from classes of ours included."""
    for key in sorted(dir(cls)):
        if key.startswith("_"):
            continue
        owner = next((each for each in cls.__mro__ if key in vars(each)), cls)
        member = inspect.getattr_static(cls, key)
        if not owner.__module__.startswith("cross_market") or inspect.ismemberdescriptor(member):
            continue
        if isinstance(member, property | classmethod | staticmethod) or callable(member):
            yield key, member


def plain(member: Any) -> Any:  # noqa: ANN401
    """Return the function behind a class method, static method or property."""
    if isinstance(member, property):
        return member.fget
    return getattr(member, "__func__", member)


def arguments(value: Any) -> list[str]:  # noqa: ANN401
    """Return the names of what a function, or the making of a class, takes."""
    try:
        parameters = inspect.signature(value).parameters
    except ValueError:
        return []
    known = (
        KNOWN | {"message"} if inspect.isclass(value) and issubclass(value, Exception) else KNOWN
    )
    return [name for name in parameters if name not in known and not name.startswith("_")]


def is_named(argument: str, text: str) -> bool:
    """Return whether a docstring says `argument: type`, alone or in a list of names."""
    return re.search(rf"(?:^|[\s,]){argument}(?:, \w+)*(?::| –)\s", text, re.MULTILINE) is not None


def problems(name: str, value: Any, owner: Any) -> Iterator[str]:  # noqa: ANN401
    text = inspect.cleandoc(plain(value).__doc__ or "")
    if not text:
        yield "says nothing"
        return
    first = text.partition("\n\n")[0].replace("\n", " ")
    if not first.endswith((".", ":")):
        yield f"begins with no sentence: {first!r}"
    shared = (inspect.getdoc(owner) or "") if owner is not None else ""
    shared = shared if FOR_ALL in shared else ""
    if inspect.isclass(value):
        making = vars(value).get("__init__")
        said = text + "\n" + ((making.__doc__ or "") if inspect.isfunction(making) else "")
        said = textwrap.dedent(said)
        yield from unnamed(arguments(value), said, "")
        return
    function = plain(value)
    if isinstance(value, property):
        return
    if DESCRIBING.match(first):
        yield f"does not begin with what to do: {first!r}"
    yield from unnamed(arguments(function), text, shared)
    returned = getattr(function, "__annotations__", {}).get("return")
    says = "returns:" in text + shared or first.startswith(("Return", "Yield"))
    if returned not in (None, "None", "NoReturn") and not says:
        yield "does not say what it returns"
    if can_raise(function) and "aise" not in text + shared:
        yield "does not say what it raises"


def unnamed(names: list[str], text: str, shared: str) -> Iterator[str]:
    if re.search(r"The other arguments are those of|Takes what", text):
        return
    for each in names:
        if not is_named(each, text) and not is_named(each, shared) and f"`{each}" not in text:
            yield f"does not say what {each} is"


def can_raise(function: Callable[..., object]) -> bool:
    """Return whether a function raises in its own lines; a native one does when it takes much."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return bool(arguments(function))
    doing = r"^\s+raise |self\._core\.|self\._say\(|read_toml|\bNAME\.read\b"
    return re.search(doing, source, re.MULTILINE) is not None


ALL = list(everything())


def test_the_walk_meets_them_all() -> None:
    names = {name for name, _, _ in ALL}
    assert {"cm.simulate", "cm.Session.enter", "cm.Market.ladder", "events.Book"} <= names
    assert {"cm.Engine.handle", "testing.quotes", "audit.verify"} <= names
    assert any(name.endswith("limit.template") for name in names)
    assert len(names) > 150


@pytest.mark.parametrize(("name", "value", "owner"), ALL, ids=[name for name, _, _ in ALL])
def test_it_says_what_it_is(name: str, value: Any, owner: Any) -> None:  # noqa: ANN401
    assert list(problems(name, value, owner)) == []
