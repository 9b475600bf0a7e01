"""The shared ledger under many processes and a nemesis: `python -m pool --help`."""
