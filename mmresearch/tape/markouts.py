"""Markouts: how far the mid moves against us in the seconds after a fill.

    adverse_bps = -side * (M(t + h) - M_ref) / M_ref * 1e4

``t`` is the time of the fill (s), ``h`` the horizon (s), ``side`` +1 for our buy and -1 for our sell, ``M_ref`` the
reference mid (quote currency; by default the mid at the fill: the last quote strictly before ``t``) and ``M(t + h)``
the mid of the first quote at or after ``t + h``. Positive is against us.

At equal time stamps trades and fills precede quotes, so a quote stamped ``t`` is never known to a fill stamped ``t``.
A move whose horizon lies beyond the last quote is not known yet. `PendingMarkouts` keeps such fills until it is, so
that a tape read slice by slice gives exactly the moves of the tape read at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mmresearch.tape.mids import (
    NO_QUOTES,
    FloatArray,
    QuoteArrays,
    index_before,
    mid_at_or_after,
    mid_at_or_before,
    mid_before,
    pick,
    quote_arrays,
)

__all__ = [
    "HORIZONS_S",
    "PendingMarkouts",
    "Resolved",
    "adverse_bps",
    "markouts",
    "mid_at_or_after",
    "mid_at_or_before",
    "mid_before",
    "signed_adverse_bps",
]

#: Horizons at which markouts are reported, in seconds.
HORIZONS_S = (0.5, 2.0, 10.0, 60.0, 180.0, 600.0)


def signed_adverse_bps(
    quotes: pd.DataFrame | QuoteArrays,
    ts: ArrayLike,
    side: ArrayLike,
    reference_mid: ArrayLike,
    horizon_s: float,
) -> FloatArray:
    """Signed adverse move of the mid after each fill, in bps of the reference.

    Parameters
    ----------
    quotes : DataFrame or QuoteArrays
        Quotes sorted by ``ts``.
    ts : array_like, shape (n,)
        Times of the fills, in seconds.
    side : array_like, shape (n,)
        +1 where we bought, -1 where we sold.
    reference_mid : array_like, shape (n,)
        What the move is measured from, in quote currency: `mid_before` for the mid at the fill.
    horizon_s : float
        Seconds after the fill; not negative.

    Returns
    -------
    ndarray, shape (n,)
        Bps, positive = against us. NaN while the horizon lies beyond the last quote, or without a reference.

    Raises
    ------
    ValueError
        If the horizon is negative.
    """
    if not horizon_s >= 0:
        raise ValueError(f"the horizon of a markout must not be negative, got {horizon_s} s")
    later = mid_at_or_after(quotes, np.asarray(ts, dtype=np.float64) + horizon_s)
    return adverse_bps(side, reference_mid, later)


def adverse_bps(side: ArrayLike, reference_mid: ArrayLike, later_mid: ArrayLike) -> FloatArray:
    """Return ``-side (later - reference)/reference`` in bps: the equation of this module."""
    reference = np.asarray(reference_mid, dtype=np.float64)
    return -np.asarray(side, dtype=np.float64) * (np.asarray(later_mid) - reference) / reference * 1e4


@dataclass(frozen=True)
class Resolved:
    """Fills whose markouts have become known, oldest first.

    Attributes
    ----------
    ts, side, reference_mid : ndarray, shape (n,)
        Time (s), +1 buy or -1 sell, reference (quote currency).
    adverse_bps : ndarray, shape (n, H)
        Signed adverse move, one column for each horizon; NaN for a fill that no quote preceded.
    payload : mapping of str to ndarray
        The other columns of the fills, unchanged.
    horizons_s : tuple of float
        Horizons of the columns, in seconds.
    """

    ts: FloatArray
    side: FloatArray
    reference_mid: FloatArray
    adverse_bps: FloatArray
    payload: Mapping[str, NDArray]
    horizons_s: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.ts)

    def frame(self) -> pd.DataFrame:
        """Return one row per fill: ts, side, reference_mid, payload, and ``adverse_bps_<h>s`` per horizon."""
        moves = {f"adverse_bps_{h:g}s": self.adverse_bps[:, k] for k, h in enumerate(self.horizons_s)}
        return pd.DataFrame(
            {"ts": self.ts, "side": self.side, "reference_mid": self.reference_mid, **self.payload, **moves}
        )


@dataclass(frozen=True)
class PendingMarkouts:
    """Fills that wait for their horizons, and the last quote: the state that makes slices equal the whole.

    A value: `step` and `step_arrays` return a new one. A fill is resolved when quotes have arrived at or after all of
    its horizons; fills leave in the order in which they came.

    Attributes
    ----------
    horizons_s : tuple of float
        Horizons in seconds.
    max_pending : int or None
        Length of the queue; when one more fill comes, the oldest waiting one is dropped and never resolved (the
        deployed queue holds 5000). ``None``: nothing is ever dropped.
    last : QuoteArrays
        The newest quote of the earlier slices.
    ts, side, reference_mid : ndarray, shape (n,)
        The waiting fills.
    later_mid : ndarray, shape (n, H)
        Mids at the horizons already reached, NaN for the others.
    payload : mapping of str to ndarray
        Further columns that travel with the fills.
    dropped : int
        Fills that the queue has lost so far.
    """

    horizons_s: tuple[float, ...] = (0.5,)
    max_pending: int | None = None
    last: QuoteArrays = NO_QUOTES
    ts: FloatArray = field(default_factory=lambda: np.empty(0))
    side: FloatArray = field(default_factory=lambda: np.empty(0))
    reference_mid: FloatArray = field(default_factory=lambda: np.empty(0))
    later_mid: FloatArray = field(default_factory=lambda: np.empty((0, 1)))
    payload: Mapping[str, NDArray] = field(default_factory=dict)
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.ts)

    def step(
        self, quotes: pd.DataFrame | QuoteArrays, fills: pd.DataFrame | Mapping[str, ArrayLike]
    ) -> tuple[PendingMarkouts, pd.DataFrame]:
        """Take in one slice and return the new state and the fills that it resolved, as a table.

        See `step_arrays`, which does the same without building a table.
        """
        state, resolved = self.step_arrays(quotes, fills)
        return state, resolved.frame()

    def step_arrays(
        self, quotes: pd.DataFrame | QuoteArrays, fills: pd.DataFrame | Mapping[str, ArrayLike]
    ) -> tuple[PendingMarkouts, Resolved]:
        """Take in one slice of quotes and fills.

        Parameters
        ----------
        quotes : DataFrame or QuoteArrays
            Quotes of this slice only (``tape.quotes``).
        fills : DataFrame or mapping of str to array
            Fills of this slice, sorted by ``ts``: ``ts``, ``side``, optionally ``reference_mid`` (default: the mid at
            the fill), and any further columns, which come back with the resolved fills. The columns must be the
            same in every slice that has fills.

        Returns
        -------
        state : PendingMarkouts
        resolved : Resolved

        Raises
        ------
        ValueError
            If the further columns differ from those of an earlier slice.
        """
        known = quote_arrays(quotes, self.last)
        waiting = self._joined(known, fills)
        if not len(waiting):
            return replace(waiting, last=known.last()), _resolve(waiting)
        waiting, done, done_at = waiting._reached(known)
        lost = _lost(waiting.ts, np.where(done, done_at, np.inf), self.max_pending)
        state = replace(waiting._rows(~done & ~lost), last=known.last(), dropped=self.dropped + int(lost.sum()))
        return state, _resolve(waiting._rows(done & ~lost))

    def _reached(self, known: QuoteArrays) -> tuple[PendingMarkouts, NDArray[np.bool_], FloatArray]:
        """Fill in the mids that these quotes know; say which fills are complete, and when they became so."""
        later = np.array(self.later_mid)
        done_at = np.full(len(self.ts), -np.inf)
        mid, ends = known.mid, len(known.ts)
        for k, horizon in enumerate(self.horizons_s):
            row = np.searchsorted(known.ts, self.ts + horizon, side="left")
            found = np.flatnonzero((row < ends) & np.isnan(later[:, k]))
            later[found, k] = mid[row[found]]
            done_at[found] = np.maximum(done_at[found], known.ts[row[found]])
        return replace(self, later_mid=later), ~np.isnan(later).any(axis=1), done_at

    def _joined(self, known: QuoteArrays, fills: pd.DataFrame | Mapping[str, ArrayLike]) -> PendingMarkouts:
        """Return this state with the new fills at its end."""
        later = self.later_mid.reshape(-1, len(self.horizons_s))
        ts = np.asarray(fills["ts"], dtype=np.float64)
        extra = {str(c): np.asarray(fills[str(c)]) for c in fills if c not in ("ts", "side", "reference_mid")}
        if not len(ts):
            return replace(self, later_mid=later, payload=self.payload or extra)
        if self.payload and set(extra) != set(self.payload):
            raise ValueError(f"the fills of a later slice have columns {sorted(extra)}, not {sorted(self.payload)}")
        if "reference_mid" in fills:
            reference = np.asarray(fills["reference_mid"], dtype=np.float64)
        else:
            reference = pick(known.mid, index_before(known, ts))
        return replace(
            self,
            ts=np.concatenate([self.ts, ts]),
            side=np.concatenate([self.side, np.asarray(fills["side"], dtype=np.float64)]),
            reference_mid=np.concatenate([self.reference_mid, reference]),
            later_mid=np.concatenate([later, np.full((len(ts), len(self.horizons_s)), np.nan)]),
            payload={c: np.concatenate([self.payload[c], v]) if len(self.ts) else v for c, v in extra.items()},
        )

    def _rows(self, keep: NDArray[np.bool_]) -> PendingMarkouts:
        return replace(
            self,
            ts=self.ts[keep],
            side=self.side[keep],
            reference_mid=self.reference_mid[keep],
            later_mid=self.later_mid[keep],
            payload={c: v[keep] for c, v in self.payload.items()},
        )


def markouts(
    quotes: pd.DataFrame | QuoteArrays,
    fills: pd.DataFrame | Mapping[str, ArrayLike],
    horizons_s: Sequence[float] = HORIZONS_S,
) -> FloatArray:
    """Signed adverse moves of all fills at all horizons, from the mid at the fill.

    Returns
    -------
    ndarray, shape (n, H)
        Bps, positive = against us; NaN where the horizon lies beyond the data.
    """
    arrays = quote_arrays(quotes)
    ts, side = np.asarray(fills["ts"], dtype=np.float64), np.asarray(fills["side"], dtype=np.float64)
    reference = mid_before(arrays, ts)
    columns = [signed_adverse_bps(arrays, ts, side, reference, h) for h in horizons_s]
    return np.stack(columns, axis=1) if columns else np.empty((len(ts), 0))


def _resolve(done: PendingMarkouts) -> Resolved:
    moves = adverse_bps(done.side[:, None], done.reference_mid[:, None], done.later_mid)
    return Resolved(done.ts, done.side, done.reference_mid, moves, done.payload, done.horizons_s)


def _lost(ts: FloatArray, reached_at: FloatArray, max_pending: int | None) -> NDArray[np.bool_]:
    """Fill i is lost if the fill `max_pending` places later came while i still waited.

    Fills leave in order of arrival, so all between them are still waiting then; a fill precedes a quote of equal time.
    """
    lost = np.zeros(len(ts), dtype=bool)
    if max_pending is not None and len(ts) > max_pending:
        count = len(ts) - max_pending
        lost[:count] = ts[max_pending:] <= reached_at[:count]
    return lost
