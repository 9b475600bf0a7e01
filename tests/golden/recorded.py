"""What the library's own loader makes of recorded tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import cross_market as cm
from cross_market.research.recording import Recording
from golden.feed import Columns


@dataclass(frozen=True)
class Loaded:
    """All rows of a recording, merged by receipt, and by venue how far its clock is ahead."""

    columns: Columns
    ahead_ns: Mapping[str, int]


def load(tables: Any, config: cm.Config, feed_ns: Mapping[str, int]) -> Loaded:
    """Return a recording as one block of columns.

    feed_ns: dict – by venue, what its fastest message is taken to have needed.
    """
    recording = Recording(tables, config, feed_ns)
    batches = [batch.columns for batch in recording.batches()]
    columns = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    return Loaded(columns, recording.ahead_ns)
