"""Venues of other distributions: found by name, imported on demand, refused by type."""

from pathlib import Path

import pytest

import cross_market as cm


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions, on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, name: str, entries: dict[str, str]) -> None:
    """Install a distribution that offers these venues, as an installer would leave it."""
    folder = site / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
    (folder / "entry_points.txt").write_text(f"[cross_market.venues]\n{lines}")


def test_a_venue_of_another_distribution_is_loaded(site: Path) -> None:
    install(site, "acme-venue", {"acme": "acme_venue_a:Acme"})
    (site / "acme_venue_a.py").write_text("class Acme:\n    speaks = 'acme'\n")
    assert "acme" in cm.venues.names()
    assert cm.venues.load("acme").speaks == "acme"  # type: ignore[attr-defined]


def test_an_unknown_venue_is_refused_with_the_nearest(site: Path) -> None:
    install(site, "acme-venue", {"acme": "acme_venue_b:Acme"})
    with pytest.raises(cm.ConfigError, match="Did you mean 'acme'") as caught:
        cm.venues.load("acm")
    assert (caught.value.field, caught.value.value) == ("venue", "acm")
    with pytest.raises(cm.InputTypeError):
        cm.venues.load(3)  # type: ignore[arg-type]


def test_listing_imports_nothing(site: Path) -> None:
    install(site, "broken-venue", {"broken": "broken_venue:Broken"})
    (site / "broken_venue.py").write_text("raise RuntimeError('no licence')\n")
    assert "broken" in cm.venues.names()
    with pytest.raises(cm.VenueError, match="no licence") as caught:
        cm.venues.load("broken")
    assert caught.value.venue == "broken"
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_missing_module_or_class_is_chained(site: Path) -> None:
    install(site, "gone-venue", {"gone": "gone_venue:Gone", "lost": "os:Lost", "odd": "os:sep"})
    for name, cause in (("gone", ImportError), ("lost", AttributeError)):
        with pytest.raises(cm.VenueError) as caught:
            cm.venues.load(name)
        assert isinstance(caught.value.__cause__, cause)
    with pytest.raises(cm.VenueError, match="not a class"):
        cm.venues.load("odd")


def test_one_name_from_two_distributions_is_refused(site: Path) -> None:
    install(site, "acme-one", {"twice": "collections:OrderedDict"})
    install(site, "acme-two", {"twice": "collections:Counter"})
    assert cm.venues.names().count("twice") == 1
    with pytest.raises(cm.ConfigError, match=r"acme-one.*acme-two|acme-two.*acme-one"):
        cm.venues.load("twice")


def test_nothing_is_installed_here() -> None:
    assert cm.venues.names() == ()
    with pytest.raises(cm.ConfigError, match="there is none"):
        cm.venues.load("ctp")
