"""The command line: `cross-market` and `python -m cross_market`."""

import argparse
import sys
from collections.abc import Sequence

from cross_market import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    argv: sequence of str – the arguments; those of the process when None.
    returns: int – 0 done. Wrong arguments exit with 2.
    """
    parser = argparse.ArgumentParser(
        prog="cross-market", description=sys.modules["cross_market"].__doc__
    )
    parser.add_argument("--version", action="version", version=f"cross-market {__version__}")
    parser.parse_args(argv)
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
