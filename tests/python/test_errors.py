"""The exception tree: builtin bases, attributes, and copies that keep them."""

import inspect
import pickle

import pytest

from cross_market import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("ConfigError", ValueError),
        ("UsageError", ValueError),
        ("InputTypeError", TypeError),
        ("VenueError", Exception),
        ("JournalError", Exception),
        ("InternalError", Exception),
    ],
)
def test_each_is_caught_as_ours_and_as_its_builtin(name: str, base: type[Exception]) -> None:
    assert issubclass(getattr(errors, name), errors.CrossMarketError)
    assert issubclass(getattr(errors, name), base)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_fields_are_attributes_and_survive_pickling(kind: type[errors.CrossMarketError]) -> None:
    fields = {
        name: f"<{name}>"
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    raised = kind("what went wrong", **fields)
    for copy in (raised, pickle.loads(pickle.dumps(raised))):
        assert str(copy) == "what went wrong"
        assert {name: getattr(copy, name) for name in fields} == fields


def test_all_lists_every_class() -> None:
    defined = [name for name, value in vars(errors).items() if inspect.isclass(value)]
    assert sorted(defined) == errors.__all__
