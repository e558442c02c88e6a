"""The prevailing quote: which bid, ask and mid were known at a time, as plain arrays.

    M = (bid + ask) / 2        (quote currency)

At equal time stamps trades and fills precede quotes, so a fill at ``t`` knows the last quote strictly before
``t``, and an order placed at ``t`` the last quote at or before ``t``. Of several quotes with one time stamp the last
prevails afterwards. Times in seconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class QuoteArrays(NamedTuple):
    """Best bid and ask through time as plain arrays: what every step through a tape works on.

    Attributes
    ----------
    ts : ndarray, shape (n,)
        Times in seconds, ascending; equal times are allowed, the last of them prevails.
    bid, ask : ndarray, shape (n,)
        Prices in quote currency.
    """

    ts: FloatArray
    bid: FloatArray
    ask: FloatArray

    @property
    def mid(self) -> FloatArray:
        """Half the sum of bid and ask, in quote currency."""
        return 0.5 * (self.bid + self.ask)

    def last(self) -> QuoteArrays:
        """Return the newest quote alone (no row if there is none): what a slice hands to the next one."""
        return QuoteArrays(self.ts[-1:].copy(), self.bid[-1:].copy(), self.ask[-1:].copy())


NO_QUOTES = QuoteArrays(np.empty(0), np.empty(0), np.empty(0))


def quote_arrays(quotes: pd.DataFrame | QuoteArrays, before: QuoteArrays = NO_QUOTES) -> QuoteArrays:
    """Return the quotes as arrays, with the quote that prevailed before them (if any) in front."""
    if isinstance(quotes, pd.DataFrame):
        quotes = QuoteArrays(*float_columns(quotes, "ts", "bid", "ask"))
    if not len(before.ts):
        return quotes
    return QuoteArrays(*(np.concatenate(pair) for pair in zip(before, quotes, strict=True)))


def index_before(quotes: QuoteArrays, ts: ArrayLike) -> NDArray[np.intp]:
    """Return the row of the last quote strictly before each time; -1 where there is none."""
    return np.searchsorted(quotes.ts, np.asarray(ts, dtype=np.float64), side="left") - 1


def mid_before(quotes: pd.DataFrame | QuoteArrays, ts: ArrayLike) -> FloatArray:
    """Mid of the last quote strictly before each time.

    Parameters
    ----------
    quotes : DataFrame or QuoteArrays
        Quotes sorted by ``ts``.
    ts : array_like, shape (n,)
        Times in seconds, in any order.

    Returns
    -------
    ndarray, shape (n,)
        Mids in quote currency; NaN where no quote came before.
    """
    arrays = quote_arrays(quotes)
    return pick(arrays.mid, index_before(arrays, ts))


def mid_at_or_before(quotes: pd.DataFrame | QuoteArrays, ts: ArrayLike) -> FloatArray:
    """Mid of the last quote at or before each time (what an order placed at ``ts`` could see); NaN if none."""
    arrays = quote_arrays(quotes)
    return pick(arrays.mid, np.searchsorted(arrays.ts, np.asarray(ts, dtype=np.float64), side="right") - 1)


def mid_at_or_after(quotes: pd.DataFrame | QuoteArrays, ts: ArrayLike) -> FloatArray:
    """Mid of the first quote at or after each time; NaN where the data end before.

    Of several quotes with that same time stamp the first is taken.
    """
    arrays = quote_arrays(quotes)
    after = np.searchsorted(arrays.ts, np.asarray(ts, dtype=np.float64), side="left")
    return pick(arrays.mid, np.where(after < len(arrays.ts), after, -1))


def pick(values: FloatArray, rows: NDArray[np.intp]) -> FloatArray:
    """Return the values at the rows, NaN at row -1."""
    if not len(values):
        return np.full(np.shape(rows), np.nan)
    return np.where(rows >= 0, values[rows], np.nan)


def float_columns(table: pd.DataFrame, *names: str) -> list[FloatArray]:
    """Return columns of a table as float arrays.

    Slices of a few rows are read in one go: taking columns out of a table one by one costs about 10 microseconds each,
    which is most of the time of a step.
    """
    if len(table) <= 2048:
        values = table.to_numpy()
        if values.dtype != object:
            return [values[:, table.columns.get_loc(name)].astype(np.float64, copy=False) for name in names]
    return [np.asarray(table[name].to_numpy(), dtype=np.float64) for name in names]
