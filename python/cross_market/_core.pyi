"""The native module: thin, flat, no logic. Held equal to the binary by `make lint`."""

__all__ = ["version"]

def version() -> str:
    """Return the version of the compiled core."""
