"""The native module: thin, flat, no logic. Held equal to the binary by `make lint`."""

__all__ = ["check_config", "version"]

def check_config(json: bytes) -> None:
    """Raise ConfigError when the core refuses a configuration."""

def version() -> str:
    """Return the version of the compiled core."""
