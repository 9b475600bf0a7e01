"""Peers in the dock: the same schedules through other ways of working legs, and through ours.

`make peers-legs` runs it; `docs/peers_legs.md` says what is compared and what is not.
"""
