"""Recorded markets against their reference figures: decoders, replay through Market, comparison.

`make golden` runs `python -m golden`: every set of the recorded data beside the project is decoded
from its normalised and its published form, replayed, and compared with every reference figure.
"""
