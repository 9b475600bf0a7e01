"""The arrows between the Python modules, and what importing the package may do."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import cross_market

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "cross_market"

# A module whose name starts with the key imports nothing that starts with one of the values.
FORBIDDEN = {
    "cross_market.errors": ("cross_market.",),
    "cross_market.policy": (
        "cross_market.venues",
        "cross_market.live",
        "cross_market.research",
        "cross_market.audit",
        "cross_market.report",
    ),
    "cross_market.contracts": (
        "cross_market.venues",
        "cross_market.live",
        "cross_market.research",
        "cross_market.audit",
        "cross_market.report",
    ),
    "cross_market.venues": (
        "cross_market.live",
        "cross_market.research",
        "cross_market.audit",
        "cross_market.report",
    ),
    "cross_market.audit": ("cross_market.live", "cross_market.research", "cross_market.venues"),
    "cross_market.report": ("cross_market.live", "cross_market.research", "cross_market.venues"),
}


def is_within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix if prefix.endswith(".") else prefix + ".")


def complaint(module: str, imported: str) -> str | None:
    """Return what is wrong with `module` importing `imported`, or None."""
    for prefix, forbidden in FORBIDDEN.items():
        if is_within(module, prefix) and any(is_within(imported, f) for f in forbidden):
            return f"{module} must not import {imported}"
    # One file per venue: it knows the base protocol and no other venue.
    venues = "cross_market.venues."
    if module.startswith(venues) and imported.startswith(venues):
        own = module.split(".")[2]
        if imported.split(".")[2] not in (own, "base"):
            return f"{module} must not import {imported}: a venue knows only venues.base"
    return None


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of everything imported, at any depth: `from a import b` is `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_modules_import_only_what_their_layer_allows() -> None:
    found = [complaint(name, imported) for name, tree in modules() for imported in imports(tree)]
    assert [text for text in found if text is not None] == []


@pytest.mark.parametrize(
    ("module", "imported", "is_allowed"),
    [
        ("cross_market.policy.limit", "cross_market.errors.ConfigError", True),
        ("cross_market.policy.limit", "cross_market.venues.sim", False),
        ("cross_market.errors", "cross_market._core.version", False),
        ("cross_market.report", "cross_market.audit.query", True),
        ("cross_market.report.html", "cross_market.research.simulate", False),
        ("cross_market.venues.ctp", "cross_market.venues.base.Venue", True),
        ("cross_market.venues.ctp", "cross_market.venues.fix", False),
        ("cross_market.reporting", "cross_market.live", True),
    ],
)
def test_layer_rule_knows_each_kind_of_arrow(
    module: str, imported: str, *, is_allowed: bool
) -> None:
    assert (complaint(module, imported) is None) == is_allowed


def test_all_is_sorted_and_equals_what_is_exported() -> None:
    for name in cross_market.__all__:
        assert getattr(cross_market, name) is not None
        assert name in dir(cross_market)
    # Importing a submodule sets an attribute too; these alone are meant to be used.
    modules = {"audit", "commands", "events", "limits", "live", "thresholds", "venues"}
    exported = {
        name
        for name, value in vars(cross_market).items()
        if not name.startswith("_") and (name in modules or not isinstance(value, ModuleType))
    }
    assert cross_market.__all__ == sorted(cross_market.__all__)
    assert set(cross_market.__all__) == exported | {"__version__"}


def test_what_is_imported_later_is_what_type_checkers_see() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in checked.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            module = str(node.module)
            is_module = module == "cross_market"
            seen[alias.name] = f"{module}.{alias.name}" if is_module else module
    assert seen == cross_market._LATER
    with pytest.raises(AttributeError, match="simulat"):
        cross_market.simulat  # type: ignore[attr-defined]  # noqa: B018


def test_import_is_light() -> None:
    script = "import sys, cross_market; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    heavy = {"asyncio", "numpy", "pandas", "pyarrow", "rich"}
    assert heavy.intersection(run.stdout.split()) == set()
