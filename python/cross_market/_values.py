"""How values are made: frozen, keyword-only, read once, refused by name.

A class decorated with `value` is a frozen dataclass whose fields carry a reader:
`tick: Annotated[Number, decimal(above=0)]`. Reading turns what was given into one canonical form,
so that equal values compare equal, or raises an error that names the field, the value and what was
expected. Canonical forms are plain: text, int, tuples and other values, so every value can be
pickled, hashed and written to a file.
"""

import dataclasses
import difflib
import functools
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args, get_origin

from cross_market.errors import ConfigError, InputTypeError, UsageError

Number = int | str | Decimal
T = TypeVar("T")

DIGITS_MAX = 38
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+@-]{0,39}")
PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
RATIO = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)/([0-9]+(?:\.[0-9]+)?)")
SHOWN_MAX = 120
# What a person writes: as in the core, where the same characters are refused.
NOTE_MAX = 120
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def shown(given: object) -> str:
    """Return `given` as an error message may show it: short, on one line, with nothing hidden."""
    if is_huge(given):
        return f"{kind_name(given)} of {int.bit_length(given)} bits"
    if type(given) in (str, bytes):
        given = typing.cast("str | bytes", given)[: SHOWN_MAX + 1]
    try:
        text = repr(given)
    except Exception:  # whoever wrote its class: what is refused must not stop the refusal
        return "a value that cannot be shown"
    return plain(text)


def kind_name(given: object) -> str:
    """Return the name of the type of `given`, as an error message may show it."""
    return plain(type(given).__name__)


def visible(text: str) -> str:
    """Return a text with an escape for every character that is not seen, ends of lines left."""
    keeps = "\n"
    return "".join(
        each if each.isprintable() or each in keeps else ascii(each)[1:-1] for each in text
    )


def plain(text: str) -> str:
    """Return a text short, and with an escape for every character that is not seen."""
    cut = text[: SHOWN_MAX + 1]
    seen = visible(cut).replace("\n", r"\n")
    return seen if len(seen) <= SHOWN_MAX else seen[:SHOWN_MAX] + "…"


def is_huge(given: object) -> typing.TypeGuard[int]:
    """Return whether `given` is an int that is too long to be written out."""
    return isinstance(given, int) and int.bit_length(given) > 4 * DIGITS_MAX


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is close to `name`, or differs only in its capitals."""
    names = list(known)
    if len(name) > SHOWN_MAX:
        return None  # nothing that is known is so long, and to compare it would take long
    folded = {each.casefold(): each for each in reversed(names)}
    if name.casefold() in folded:
        return folded[name.casefold()]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return close[0] if close else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean …?` when a known name is close to `name`, else nothing."""
    close = nearest(name, known)
    return f" Did you mean {close!r}?" if close is not None else ""


def wrong(given: object, where: str, expected: str, hint: str = "") -> ConfigError:
    """Return the error for a wrong value at `where`; a hint is a sentence behind it."""
    text = f"{where}: found {shown(given)}, expected {expected}{'.' if hint else ''}{hint}"
    return ConfigError(text, field=where, value=given, expected=expected)


def wrong_type(given: object, where: str, expected: str) -> InputTypeError:
    """Return the error for a value of a type that is not taken at `where`."""
    why = ""
    if isinstance(given, float):
        why = "; a float is not the decimal it prints, write it as text"
    text = f"{where}: found {shown(given)} of type {kind_name(given)}, expected {expected}{why}"
    return InputTypeError(text, field=where, value=given, expected=expected)


def unknown(given: object, where: str, known: Iterable[str], what: str) -> ConfigError:
    """Return the error for a name at `where` that is none of the `known` ones."""
    names = list(known)
    expected = f"{what}: {', '.join(names)}" if names else f"{what}; there is none"
    hint = suggestion(str(given), names)
    text = f"{where}: found {shown(given)}, expected {expected}.{hint}"
    return ConfigError(text, field=where, value=given, expected=expected)


def missing(expected: str, where: str) -> ConfigError:
    """Return the error for a value that is not given at `where`."""
    return ConfigError(f"{where}: missing, expected {expected}", field=where, expected=expected)


# Readers. Each takes (given, where) and returns the canonical form.


@dataclass(frozen=True)
class Reader:
    """How a field is read: `read(given, where)` returns the canonical form or raises."""

    read: Callable[[object, str], Any]
    expected: str
    # What the field is made of, for those who write it to a file and read it back.
    kinds: tuple[type, ...] = ()
    many: bool = False
    keyed: bool = False
    refers: bool = False
    # Whether a plain value may stand where a table may.
    plain: bool = False
    # Whether the word for "there is none" may stand for it.
    states: bool = False


def read_decimal(given: object, where: str, expected: str = "a plain decimal") -> Decimal:
    """Return `given` (int, str or Decimal) as an exact, finite Decimal without trailing zeros."""
    expected = f"{expected}, as int, str or Decimal, such as '12.5'"
    if type(given) is int:
        if is_huge(given) or len(str(abs(given))) > DIGITS_MAX:
            raise wrong(given, where, f"{expected}, at most {DIGITS_MAX} digits")
        return Decimal(given)
    if type(given) is str:
        if len(given) > DIGITS_MAX + 2 or PLAIN.fullmatch(given) is None:
            raise wrong(given, where, expected)
        return tidy(Decimal(given))
    if type(given) is Decimal:
        exponent = given.as_tuple().exponent
        if not isinstance(exponent, int) or abs(exponent) > DIGITS_MAX:
            raise wrong(given, where, f"{expected}, finite")
        if len(given.as_tuple().digits) > DIGITS_MAX or given.adjusted() >= DIGITS_MAX:
            raise wrong(given, where, f"{expected}, at most {DIGITS_MAX} digits")
        return tidy(given)
    raise wrong_type(given, where, expected)


def tidy(number: Decimal) -> Decimal:
    """Return the same number with no zeros at the end and no minus before a zero."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):  # read_decimal has refused what is not finite
        return number
    if exponent > 0:
        digits, exponent = digits + (0,) * exponent, 0
    while exponent < 0 and digits[-1:] == (0,):
        digits, exponent = digits[:-1], exponent + 1
    return Decimal((sign if any(digits) else 0, digits or (0,), exponent if any(digits) else 0))


def decimal(*, above: int | None = None, least: int | None = None) -> Reader:
    """Read a plain decimal into canonical text."""
    expected = "a plain decimal"
    if above is not None:
        expected += f" above {above}"
    if least is not None:
        expected += f" of at least {least}"

    def read(given: object, where: str) -> str:
        number = read_decimal(given, where, expected)
        if (above is not None and number <= above) or (least is not None and number < least):
            raise wrong(given, where, expected)
        return f"{number:f}"

    return Reader(read, expected)


def ratio(*, above: int | None = None, least: int | None = None, most: int | None = None) -> Reader:
    """Read a plain decimal or a fraction such as '28/9' into canonical text."""
    bound = f" above {above}" if above is not None else ""
    bound += f" of at least {least}" if least is not None else ""
    bound += f" and at most {most}" if most is not None else ""
    expected = f"a plain decimal or a fraction{bound} such as '0.25' or '28/9'"

    def read(given: object, where: str) -> str:
        if type(given) is str and len(given) <= DIGITS_MAX and (found := RATIO.fullmatch(given)):
            if Decimal(found[2]) == 0:
                raise wrong(given, where, expected)
            number = Fraction(found[1]) / Fraction(found[2])
        else:
            number = Fraction(read_decimal(given, where, expected))
        low = (above is not None and number <= above) or (least is not None and number < least)
        if low or (most is not None and number > most):
            raise wrong(given, where, expected)
        return fraction_text(number)

    return Reader(read, expected)


def fraction_text(number: Fraction) -> str:
    """Return `number` as a plain decimal where it is one, else as 'numerator/denominator'."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{number.numerator}/{number.denominator}"
    places = 0
    while (number * 10**places).denominator != 1:
        places += 1
    units = number.numerator * 10**places // number.denominator
    digits = str(abs(units)).rjust(places + 1, "0")
    sign = "-" if units < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def count(*, least: int = 0, most: int = 2**31 - 1) -> Reader:
    """Read a whole number given as int."""
    expected = f"a whole number from {least} to {most}"

    def read(given: object, where: str) -> int:
        if type(given) is not int:
            raise wrong_type(given, where, expected + ", as int")
        if not least <= given <= most:
            raise wrong(given, where, expected)
        return given

    return Reader(read, expected)


def flag() -> Reader:
    """Read True or False."""

    def read(given: object, where: str) -> bool:
        if type(given) is not bool:
            raise wrong_type(given, where, "True or False")
        return given

    return Reader(read, "True or False")


def name() -> Reader:
    """Read a name: what things are called in configuration, results and journal."""
    expected = "a name of 1 to 40 ASCII letters, digits and . _ : / + @ -"

    def read(given: object, where: str) -> str:
        if type(given) is not str:
            raise wrong_type(given, where, expected)
        if NAME.fullmatch(given) is None:
            raise wrong(given, where, expected)
        return given

    return Reader(read, expected)


def names(*, least: int, most: int) -> Reader:
    """Read a list or tuple of names, each once; canonical is a tuple, sorted."""
    each = name()
    expected = f"a list of {least} to {most} names"

    def read(given: object, where: str) -> tuple[str, ...]:
        if type(given) not in (list, tuple):
            raise wrong_type(given, where, expected)
        items = typing.cast("list[object]", given)
        if not least <= len(items) <= most:
            raise wrong(given, where, expected)
        found: list[str] = [each.read(item, f"{where}[{at}]") for at, item in enumerate(items)]
        if len(set(found)) != len(found):
            raise wrong(given, where, "every name once")
        return tuple(sorted(found))

    return Reader(read, expected)


def note(given: object, where: str) -> str:
    """Return `given` when it can stand in the journal as the core takes it: who spoke, or why."""
    expected = f"text on one line, 1 to {NOTE_MAX} bytes of UTF-8"
    if type(given) is not str:
        raise wrong_type(given, where, expected)
    if not given.strip() or len(given) > NOTE_MAX or HIDDEN.search(given) is not None:
        raise wrong(given, where, expected)
    if len(given.encode()) > NOTE_MAX:
        raise wrong(given, where, expected)
    return given


def choice(*options: str) -> Reader:
    """Read one of a few words."""
    expected = "one of " + ", ".join(options)

    def read(given: object, where: str) -> str:
        if type(given) is not str:
            raise wrong_type(given, where, expected)
        if given not in options:
            raise unknown(given, where, options, "one of")
        return given

    return Reader(read, expected)


def one(*kinds: type) -> Reader:
    """Take a value of one of these classes."""
    expected = "a " + " or ".join(kind.__name__ for kind in kinds)

    def read(given: object, where: str) -> object:
        if type(given) not in kinds:
            raise wrong_type(given, where, expected)
        return given

    return Reader(read, expected, kinds)


def reference(kind: type) -> Reader:
    """Take a value that files name instead of writing it out again."""
    return dataclasses.replace(one(kind), refers=True)


def many(kind: type, *, least: int = 0, most: int = 4096) -> Reader:
    """Take a list or tuple of values of one class; canonical is a tuple."""
    expected = f"a list of {least} to {most} {kind.__name__} values"

    def read(given: object, where: str) -> tuple[object, ...]:
        if type(given) not in (list, tuple):
            raise wrong_type(given, where, expected)
        items = tuple(typing.cast("list[object]", given))
        if not least <= len(items) <= most:
            raise wrong(items, where, expected)
        for at, item in enumerate(items):
            if type(item) is not kind:
                raise wrong_type(item, f"{where}[{at}]", f"a {kind.__name__}")
        return items

    return Reader(read, expected, (kind,), many=True)


def keyed(kind: type, *, refers: bool = False) -> Reader:
    """Take a dict from names to values of one class; canonical is a tuple of pairs, sorted."""
    expected = f"a dict from names to {kind.__name__} values"

    def read(given: object, where: str) -> tuple[tuple[str, object], ...]:
        if type(given) is tuple and all(type(each) is tuple and len(each) == 2 for each in given):
            pairs = typing.cast("tuple[tuple[str, object], ...]", given)
            for pair in pairs:
                name().read(pair[0], where)
            given = dict(pairs)
        if type(given) is not dict:
            raise wrong_type(given, where, expected)
        items = typing.cast("dict[object, object]", given)
        for key, item in items.items():
            name().read(key, where)
            if type(item) is not kind:
                raise wrong_type(item, f"{where}.{key}", f"a {kind.__name__}")
        return tuple(sorted(typing.cast("dict[str, object]", items).items()))

    return Reader(read, expected, (kind,), keyed=True, refers=refers)


def optional(reader: Reader) -> Reader:
    """Read None as itself and anything else with `reader`."""

    def read(given: object, where: str) -> object:
        return None if given is None else reader.read(given, where)

    return dataclasses.replace(reader, read=read, expected=f"{reader.expected}, or None")


NONE = "none"


def says_none(given: object) -> bool:
    """Return whether `given` says that there is none."""
    return given is None or (type(given) is str and given == NONE)


def stated(reader: Reader) -> Reader:
    """Read None and 'none' as 'none': said aloud where a rule does not exist; else as `reader`."""

    def read(given: object, where: str) -> object:
        return NONE if says_none(given) else reader.read(given, where)

    expected = f"{reader.expected}, or {NONE!r}"
    return dataclasses.replace(reader, read=read, expected=expected, states=True)


Name = Annotated[str, name()]


# The decorator.


def readers(cls: type) -> Mapping[str, Reader]:
    """Return the reader of every field of a value class; collected once."""
    known: Mapping[str, Reader] | None = vars(cls).get("_readers")
    if known is not None:
        return known
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {}
    for each in dataclasses.fields(typing.cast("Any", cls)):
        hint = hints[each.name]
        if get_origin(hint) is not Annotated or not isinstance(get_args(hint)[1], Reader):
            message = f"{cls.__name__}.{each.name} has no reader"
            raise TypeError(message)
        found[each.name] = typing.cast("Reader", get_args(hint)[1])
    cls._readers = found  # type: ignore[attr-defined]
    return found


def snake(text: str) -> str:
    """Return a class name as it stands in field paths: `SimVenue` is `sim_venue`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a frozen, keyword-only dataclass whose fields are read by their readers.

    A method `check` sees the finished value and raises for fields that do not fit each other.
    """

    def post_init(self: Any) -> None:
        for each, reader in readers(type(self)).items():
            where = f"{snake(type(self).__name__)}.{each}"
            object.__setattr__(self, each, reader.read(getattr(self, each), where))
        check = getattr(self, "check", None)
        if check is not None:
            check()

    cls.__post_init__ = post_init  # type: ignore[attr-defined]
    if "__str__" not in vars(cls):
        cls.__str__ = toml  # type: ignore[method-assign]
    cls._repr_pretty_ = pretty  # type: ignore[attr-defined]
    made = dataclass(frozen=True, kw_only=True)(cls)
    plain_init = made.__init__
    fields = {each.name: each for each in dataclasses.fields(typing.cast("Any", made))}
    positional = [each.name for each in fields.values() if not each.kw_only]

    @functools.wraps(plain_init)
    def init(self: Any, *args: object, **kwargs: object) -> None:
        if len(args) > len(positional):
            message = f"{cls.__name__}: every argument after {positional} is given by its name"
            raise UsageError(message, call=cls.__name__, expected="keyword arguments")
        given = dict(zip(positional, args, strict=False))
        for each in kwargs:
            if each not in fields:
                hint = suggestion(each, fields)
                message = f"{cls.__name__}: there is no argument {shown(each)}.{hint}"
                raise UsageError(message, call=cls.__name__, expected=", ".join(fields))
            if each in given:
                message = f"{cls.__name__}: {each!r} is given twice"
                raise UsageError(message, call=cls.__name__, expected="one value")
        given.update(kwargs)
        for each, spec in fields.items():
            if each not in given and is_required(spec):
                where = f"{snake(cls.__name__)}.{each}"
                raise missing(readers(made)[each].expected, where)
        plain_init(self, **given)

    made.__init__ = init  # type: ignore[method-assign]
    return made


def toml(self: Any) -> str:
    """Return a value as it stands in a file: what printing it shows."""
    from cross_market._files import table_of, toml_text  # it reads and writes values

    return toml_text(table_of(self)).rstrip()


def pretty(self: object, printer: Any, cycle: object) -> None:
    """Show a value in a notebook as printing it does; IPython calls this."""
    printer.text(str(self))


def is_required(spec: "dataclasses.Field[Any]") -> bool:
    """Return whether a field has no default."""
    missing = dataclasses.MISSING
    return spec.default is missing and spec.default_factory is missing
