"""Where the recorded sets lie, and how their files are read."""

import csv
import gzip
import hashlib
import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]


def data_folder() -> Path | None:
    """Return the folder of the recorded sets beside the project; None when it is not there."""
    # A worktree lies one folder deeper than the project.
    for base in (ROOT.parent, ROOT.parent.parent):
        folder = base / "shared" / "data"
        if (folder / "CATALOGUE.md").is_file():
            return folder
    return None


def at(name: str, *parts: str) -> Path:
    """Return the path of a file of a set."""
    folder = data_folder()
    assert folder is not None, "the recorded data is not there"
    return folder.joinpath(name, *parts)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def golden(name: str, file: str = "golden.json") -> Json:
    """Return the reference figures of a set."""
    found: Json = json.loads(text_of(at(name, file)))
    return found


def meta(name: str) -> Json:
    """Return what a set says of itself."""
    return golden(name, "meta.json")


def grid(name: str, file: str = "golden_grid.csv.gz") -> list[dict[str, str]]:
    """Return the rows of a table of reference figures, as text."""
    with gzip.open(at(name, file), "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@lru_cache(maxsize=4)
def normal(name: str, file: str = "norm.parquet") -> pa.Table:
    """Return normalised rows; words as plain text, stamps as the nullable integers they are."""
    table = pq.read_table(at(name, file))
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = table.column(place).cast(pa.string())
            table = table.set_column(place, field.name, plain)
    return table.combine_chunks()


def published(name: str) -> dict[str, bool]:
    """Return by published file whether its bytes, packed or unpacked, are those the set states."""
    found = {}
    for each in meta(name)["raw"]:
        packed = at(name, "raw", each["file"]).read_bytes()
        plain = gzip.decompress(packed) if each["file"].endswith(".gz") else packed
        stated = each.get("sha256", each.get("sha256_content"))
        digests = {hashlib.sha256(content).hexdigest() for content in (packed, plain)}
        found[each["file"]] = stated in digests
    return found


def set_names() -> list[str]:
    """Return the sets that are there."""
    folder = data_folder()
    assert folder is not None, "the recorded data is not there"
    return sorted(path.name for path in folder.iterdir() if (path / "golden.json").is_file())
