"""Decoders of market data as published, one file a source; each returns the normalised rows."""
