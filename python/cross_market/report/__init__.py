"""What a run did, to be looked at: plots, tables and one page that opens offline.

It reads the tables of a result and nothing else. jinja2, plotly and duckdb (the extra `report`) are
imported on use.
"""
