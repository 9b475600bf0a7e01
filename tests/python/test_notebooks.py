"""The notebooks, executed as a reader would; no cell fails, and the last one states the facts."""

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FACTS = {
    "ratio_hedge": {
        "attempts": 5,
        "ends": ["completed"],
        "sets": [1],
        "fees": ["-90.00", "-12.50"],
        "result": ["15540.00", "310.00"],
        "verdict": "clean",
        "same": True,
    },
}


def read(name: str) -> Any:  # noqa: ANN401
    text = (EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8")
    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]


def test_every_notebook_is_executed() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.ipynb")) == sorted(FACTS)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_notebook_is_stored_without_outputs(name: str) -> None:
    for cell in read(name).cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", sorted(FACTS))
@pytest.mark.filterwarnings("ignore")  # those of the notebook's own machinery
def test_a_notebook_runs_and_finds_the_facts(name: str) -> None:
    notebook = read(name)
    place = {"metadata": {"path": str(EXAMPLES)}}
    NotebookClient(notebook, timeout=100, kernel_name="python3", resources=place).execute()
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", [])]
    assert [each for each in outputs if each.output_type == "error"] == []
    assert [each for each in outputs if each.get("name") == "stderr"] == []
    found = ast.literal_eval(outputs[-1].data["text/plain"])
    assert found == FACTS[name]
