"""The use of money, separate terminals beside one engine: `python -m kpi --help`."""
