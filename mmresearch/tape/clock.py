"""Times as they are found: units, jumps, and the stretches in which a market was open.

A tape counts in seconds. Files that count Unix time in milliseconds, microseconds or nanoseconds are recognised by its
size and converted; where neither that nor a plain reading makes sense, the file is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.tape.faults import Account, Fault, TapeError

#: Name of the index of a table whose rows know their line in the file.
LINE = "line"
#: Time without quotes (s) from which a market counts as closed.
GAP_S = 60.0
#: No tape pauses longer than this (s): a longer jump is a wrong time.
JUMP_S = 31 * 86400.0
#: Unix times of this size or more are not seconds (1e11 s lie in the year 5138).
_UNITS = ((1e17, 1e9, "nanoseconds"), (1e14, 1e6, "microseconds"), (1e11, 1e3, "milliseconds"))


def seconds_of(ts: NDArray[np.float64]) -> tuple[NDArray[np.float64], str | None]:
    """Convert Unix times of any usual unit to seconds.

    Returns
    -------
    seconds : ndarray
    unit : str or None
        What they were; None if they may be seconds already.
    """
    finite = np.abs(ts[np.isfinite(ts)])
    middle = float(np.median(finite)) if finite.size else 0.0
    for least, factor, unit in _UNITS:
        if middle >= least:
            return ts / factor, unit
    return ts, None


def refuse_jumps(ts: pd.Series, name: str, file: str) -> None:
    """Refuse sorted times that jump by more than a month: the smaller part is taken to be wrong.

    Parameters
    ----------
    ts : Series
        Sorted seconds, indexed by line or row.
    name, file : str
        What the table and its file are called in errors.

    Raises
    ------
    TapeError
        Naming the first row of the part that is off.
    """
    jumps = np.flatnonzero(np.diff(ts.to_numpy()) > JUMP_S)
    if not jumps.size:
        return
    at = int(jumps[0])
    row = 0 if at + 1 <= len(ts) / 2 else int(jumps[-1]) + 1
    what = f"the time {ts.iloc[row]:.15g} is more than a month away from most others"
    mend = "Times are seconds, all on one clock; mend or delete the row"
    raise TapeError([Fault(name, what, mend, column="ts", file=file, **where(ts, row))])


def refuse_sparse(ts: NDArray[np.float64], file: str) -> None:
    """Refuse quotes that are typically more than a minute apart: their times are hardly seconds."""
    if len(ts) < 3 or np.median(np.diff(ts)) <= GAP_S:
        return
    what = f"a quote every {np.median(np.diff(ts)):.0f} s at the median"
    mend = "Times must be seconds (or Unix time in ms, us or ns), and quotes less than a minute apart"
    raise TapeError([Fault("quotes", what, mend, column="ts", file=file)])


def where(table: pd.DataFrame | pd.Series, row: int) -> dict[str, int]:
    """Say where a row of a table is: its line in the file if the table knows it, else its number from 0."""
    return {"line": int(table.index[row])} if table.index.name == LINE else {"row": int(row)}


def sessions_of_quotes(
    ts: NDArray[np.float64], asset: str, closed: Sequence[tuple[float, float]] = ()
) -> tuple[pd.DataFrame | None, Account]:
    """Cut the tape at halts and at stretches of more than a minute without quotes.

    Parameters
    ----------
    ts : ndarray
        Times of the quotes (s), sorted.
    asset : str
        Named in the account.
    closed : sequence of (float, float)
        Halts that the venue announced (s).

    Returns
    -------
    sessions : DataFrame or None
        ``start`` and ``end`` of each stretch that was open; None if there is one only.
    account : Account
        The gaps.
    """
    gaps = np.flatnonzero(np.diff(ts) > GAP_S)
    shut = sorted([*zip(ts[gaps], ts[gaps + 1], strict=True), *closed])
    starts, ends = [float(ts[0])], []
    for start, end in shut:
        if starts[-1] < start < ts[-1]:
            ends.append(float(start))
            starts.append(float(min(end, ts[-1])))
        else:
            starts[-1] = float(min(max(starts[-1], end), ts[-1]))
    account = Account(_gap_lines(ts, gaps, asset))
    if not ends and starts[0] == ts[0]:
        return None, account
    return pd.DataFrame({"start": starts, "end": [*ends, float(ts[-1])]}), account


def _gap_lines(ts: NDArray[np.float64], gaps: NDArray[np.intp], asset: str) -> tuple[str, ...]:
    if not gaps.size:
        return ()
    lost = float((ts[gaps + 1] - ts[gaps]).sum())
    count = "1 gap" if gaps.size == 1 else f"{gaps.size} gaps"
    return (f"{asset}: {count} of more than {GAP_S:.0f} s without quotes, {lost:.0f} s in all; counted as closed",)
