"""The command line: `cross-market` and `python -m cross_market`.

Exit codes: 0 done; 1 the check failed: a journal was changed or torn, or does not replay to the
same, a configuration has problems, or `doctor` found one; 2 what was given cannot be read, written
or is wrong; 3 wrong arguments; 4 a bug of ours; 130 stopped from the keyboard; 141 whoever read the
output went away. With `--json` one JSON object goes to standard output, errors included.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from cross_market._cli import check, doctor, verbs
from cross_market._cli.arguments import (
    BUG,
    DONE,
    STOPPED,
    UNHEARD,
    UNREADABLE,
    USAGE,
    WrongArgumentsError,
    parser,
)
from cross_market._values import visible
from cross_market.errors import CrossMarketError, InternalError

REPORT = "Please report this with the command, the version and, if there is one, the journal."


def refuse(error: BaseException, code: int, *, is_json: bool) -> int:
    """Say what went wrong, without a traceback; return the exit code."""
    text = f"cross-market: {type(error).__name__}: {error}"
    if isinstance(error, WrongArgumentsError):
        text = f"{error.usage}{error}"
    elif isinstance(error, KeyboardInterrupt):
        text = "cross-market: stopped"
    elif code == BUG:
        text = f"{text}\n{REPORT}"
    print(visible(text), file=sys.stderr)
    if is_json:
        hidden = ("usage",)
        fields = {key: shown_value(item) for key, item in vars(error).items() if key not in hidden}
        kind = "UsageError" if isinstance(error, WrongArgumentsError) else type(error).__name__
        stated = {"kind": kind, "message": str(error), **fields}
        print(json.dumps({"error": stated}), flush=True)
    return code


def shown_value(item: object) -> object:
    """Return a field of an error as JSON can state it."""
    if isinstance(item, list | tuple):
        return [shown_value(each) for each in item]
    return item if isinstance(item, str | int | None) else repr(item)[:120]


VERBS = {
    "config": check.run_check,
    "demo": verbs.run_demo,
    "doctor": doctor.run_doctor,
    "replay": verbs.run_replay,
    "simulate": verbs.run_simulate,
    "verify": verbs.run_verify,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    argv: sequence of str – the arguments; those of the process when None.
    returns: int – see the top of this module. Wrong arguments give 3.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        code = run(given)
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return unheard()
    except OSError as error:
        # Standard output itself cannot be written, so it is left alone.
        silence(sys.stdout)
        return refuse(error, UNREADABLE, is_json=False)
    return code


def run(given: Sequence[str]) -> int:
    """Do what the arguments say and return the exit code; errors are said, not raised."""
    is_json = "--json" in given
    try:
        options = parser().parse_args(given)
        if options.verb is None:
            parser().print_help()
            return DONE
        is_json = options.json
        code, found = VERBS[options.verb](options)
    except SystemExit as done:  # the parser's, behind help and version
        return DONE if done.code is None else int(done.code)
    except KeyboardInterrupt as error:
        return refuse(error, STOPPED, is_json=is_json)
    except WrongArgumentsError as error:
        return refuse(error, USAGE, is_json=is_json)
    except InternalError as error:
        return refuse(error, BUG, is_json=is_json)
    except BrokenPipeError:
        raise
    except (CrossMarketError, OSError) as error:
        return refuse(error, UNREADABLE, is_json=is_json)
    except Exception as error:
        return refuse(error, BUG, is_json=is_json)
    if is_json:
        print(json.dumps(found))
    return code


def unheard() -> int:
    """Nobody reads what is printed: be silent, and return the code that says so."""
    silence(sys.stdout)
    silence(sys.stderr)
    return UNHEARD


def silence(stream: TextIO) -> None:
    """Let what is still to be written to a stream go nowhere: its end is flushed at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
