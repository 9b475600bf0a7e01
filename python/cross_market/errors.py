"""The exceptions of this package, defined here once; the native module raises these same classes.

CrossMarketError
├── ConfigError(ValueError)      a value in the configuration or data is wrong
├── UsageError(ValueError)       a call is wrong here: its order, its arguments, a closed session
├── InputTypeError(TypeError)    a value has a type that cannot be exact, such as float
├── VenueError                   a venue, or the link to it, failed
├── JournalError                 a journal cannot be written, read or trusted
└── InternalError                our bug: please report it

A refusal is not an exception: what a gate denies is returned and recorded as a value.
Attributes that do not apply are None. Never parse the message. Where an error carries `commands`,
they have not been handed over otherwise: send them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ConfigError",
    "CrossMarketError",
    "InputTypeError",
    "InternalError",
    "JournalError",
    "UsageError",
    "VenueError",
]


class CrossMarketError(Exception):
    """Every exception this package raises on purpose is one of these."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class ConfigError(CrossMarketError, ValueError):
    """A value in the configuration or data is wrong.

    field: str – where, as a path such as `hedges[0].legs[1].ratio`.
    value: object – what was given.
    expected: str – what would have been right, with its unit.
    file: str, line: int from 1 – where that stands, when it came from a file.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        value: object = None,
        expected: str | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.value = value
        self.expected = expected
        self.file = file
        self.line = line


class UsageError(CrossMarketError, ValueError):
    """A call is wrong here: its order, its arguments, or the state of what it is called on.

    call: str – the function or method.
    state: str – the state that does not allow it.
    expected: str – what would have been right.
    """

    def __init__(
        self,
        message: str,
        *,
        call: str | None = None,
        state: str | None = None,
        expected: str | None = None,
    ) -> None:
        super().__init__(message)
        self.call = call
        self.state = state
        self.expected = expected


class InputTypeError(CrossMarketError, TypeError):
    """A value has a type that cannot be exact, such as float.

    field: str – where.
    value: object – what was given.
    expected: str – the types that are taken.
    file: str, line: int from 1 – where that stands, when it came from a file.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        value: object = None,
        expected: str | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.value = value
        self.expected = expected
        self.file = file
        self.line = line


class VenueError(CrossMarketError):
    """A venue, or the link to it, failed.

    venue: str – its name.
    account: str – the account in use.
    code: str – the venue's own code.
    client_order_id: int – the order it was about.
    """

    def __init__(
        self,
        message: str,
        *,
        venue: str | None = None,
        account: str | None = None,
        code: str | None = None,
        client_order_id: int | None = None,
    ) -> None:
        super().__init__(message)
        self.venue = venue
        self.account = account
        self.code = code
        self.client_order_id = client_order_id


class JournalError(CrossMarketError):
    """A journal cannot be written, read or trusted.

    path: str – the file.
    record: int – the number of the first record in doubt, from 0.
    offset: int – its first byte, from 0.
    commands: sequence of `cross_market.commands` – what must leave all the same when a journal
        could not be closed; a cancel for every order that may live where a decision is not on
        record.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        record: int | None = None,
        offset: int | None = None,
        commands: "Sequence[object]" = (),
    ) -> None:
        super().__init__(message)
        self.path = path
        self.record = record
        self.offset = offset
        self.commands = commands


class InternalError(CrossMarketError):
    """Our bug: an invariant is broken, or the native code panicked. Please report it.

    invariant: str – the one that broke.
    seq: int – the number of the event that broke it.
    commands: sequence of `cross_market.commands` – what an engine or session that broke says last:
        a cancel for every order that may be alive. Every later call raises with the same ones.
    """

    def __init__(
        self,
        message: str,
        *,
        invariant: str | None = None,
        seq: int | None = None,
        commands: "Sequence[object]" = (),
    ) -> None:
        super().__init__(message)
        self.invariant = invariant
        self.seq = seq
        self.commands = commands
