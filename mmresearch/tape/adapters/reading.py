"""What an adapter found in a vendor's files: tables in the columns of a tape, and the facts that only it knows."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from mmresearch.tape.faults import Account
from mmresearch.tape.schema import TapeMeta


@dataclass(frozen=True)
class Reading:
    """Repaired tables of one asset, not yet a tape.

    Attributes
    ----------
    asset : str
        Name that the files suggest.
    tables : dict of str to DataFrame
        ``quotes`` with at least one row, and ``trades``, ``orders``, ``fills`` where there are any; times in seconds,
        all on one clock.
    account : Account
        What was mended and dropped.
    meta : TapeMeta
        Tick, currency and contract, as far as the format fixes them. Fee and provenance are not an adapter's to say.
    closed : tuple of (float, float)
        Stretches (start, end) in seconds in which trading was halted.
    """

    asset: str
    tables: dict[str, pd.DataFrame]
    account: Account = field(default_factory=Account)
    meta: TapeMeta = field(default_factory=TapeMeta)
    closed: tuple[tuple[float, float], ...] = ()
