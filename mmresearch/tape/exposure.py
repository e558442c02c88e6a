"""Exposure: how long our orders rested at which depth, and how often they were filled there.

    depth_bps = side * (M - price) / M * 1e4

``M`` is the prevailing mid (quote currency), ``side`` +1 for a bid. The mid is piecewise constant between quotes, so
an order contributes one stretch of seconds to one depth bin per change of the mid. Exposure runs from
``max(placed, t0)`` to ``min(removed, exhausted, t1)``, counted whole while any of the order is left, and only from
the first quote on, for without a mid there is no depth. A fill event falls into the bin of its depth from the mid
strictly before it, the bin in which its order rested at that moment. Where the market has sessions, only time inside
them counts.

Bins: number 0 is depth <= 1/64 bp (negative included), then 24 per octave, ``(lo, lo * 2**(1/24)]``, up to 1024 bps,
and one for everything deeper. The exposure-weighted mean depth is kept beside each bin, so the bins cost no precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmresearch.tape.mids import FloatArray, QuoteArrays
from mmresearch.tape.orders import FillEvents, OwnOrders, Resting
from mmresearch.tape.schema import Tape

_BINS_PER_OCTAVE, _LOWEST_OCTAVE, _OCTAVES = 24, -6, 16
#: Number of depth bins, the two open ones included.
DEPTH_BINS = _BINS_PER_OCTAVE * _OCTAVES + 2
_CHUNK = 1 << 21  # stretches expanded at once: bounds the memory of long-lived orders on busy books


def depth_bin_edges_bps() -> FloatArray:
    """Return the upper edges of all bins but the last, in bps: 1/64, ..., 1024."""
    return 2.0 ** (_LOWEST_OCTAVE + np.arange(DEPTH_BINS - 1) / _BINS_PER_OCTAVE)


def depth_bin(depth_bps: FloatArray) -> NDArray[np.intp]:
    """Return the bin of each depth (bps), from 0 to `DEPTH_BINS` - 1."""
    octave = np.log2(np.maximum(depth_bps, 2.0**_LOWEST_OCTAVE)) - _LOWEST_OCTAVE
    return np.minimum(np.ceil(_BINS_PER_OCTAVE * octave), DEPTH_BINS - 1).astype(np.intp)


@dataclass(frozen=True)
class DepthTotals:
    """Order-seconds and fills by depth bin, for each window.

    Attributes
    ----------
    exposure_s : ndarray, shape (W, DEPTH_BINS)
        Order-seconds.
    depth_s_bps : ndarray, shape (W, DEPTH_BINS)
        Integral of depth over those seconds (bps s): divided by the exposure it is the mean depth.
    fills : ndarray, shape (W, DEPTH_BINS)
        Fill events.
    """

    exposure_s: FloatArray
    depth_s_bps: FloatArray
    fills: FloatArray


@dataclass(frozen=True)
class ExposureState:
    """What must be remembered between slices: the newest quote and the resting orders."""

    own: OwnOrders = field(default_factory=OwnOrders)


def order_exposure_step(state: ExposureState, tape: Tape) -> tuple[ExposureState, DepthTotals]:
    """Take in one slice; totals have one window, the slice. Sums over slices equal the whole tape.

    Parameters
    ----------
    state : ExposureState
    tape : Tape
        The slice that follows the earlier ones.

    Returns
    -------
    state : ExposureState
    totals : DepthTotals
        Arrays of shape (1, DEPTH_BINS).
    """
    own, quotes, resting, events = state.own.step(tape)
    edges = np.array([tape.t0, tape.t1])
    return ExposureState(own), order_exposure(quotes, resting, events, edges, sessions_of(tape))


def order_exposure(
    quotes: QuoteArrays,
    resting: Resting,
    events: FillEvents,
    edges: FloatArray,
    sessions: FloatArray | None = None,
) -> DepthTotals:
    """Spread the stretches in which orders rested over windows and depth bins.

    Parameters
    ----------
    quotes : QuoteArrays
        Quotes, the one that prevailed before the first edge (if any) in front.
    resting, events : Resting, FillEvents
        From `OwnOrders.step`.
    edges : ndarray, shape (W + 1,)
        Edges of the windows, in seconds, ascending. An exposure at an edge belongs to neither; a fill at an edge to the
        window before, in which its order had rested.
    sessions : ndarray, shape (S, 2), optional
        Start and end of the stretches that count (see `sessions_of`).

    Returns
    -------
    DepthTotals
        Arrays of shape (W, DEPTH_BINS).
    """
    breaks, mids = _breaks(quotes, edges)
    shape = (len(edges) - 1, DEPTH_BINS)
    exposure, depth = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1])
    if len(breaks):
        window = np.clip(np.searchsorted(edges, breaks, side="right") - 1, 0, shape[0] - 1)
        for order, stretch in _stretches(breaks, resting):
            start = np.maximum(breaks[stretch], resting.start[order])
            end = np.minimum(np.append(breaks, np.inf)[stretch + 1], resting.end[order])
            seconds = open_seconds(end, sessions) - open_seconds(start, sessions)
            mid = mids[stretch]
            deep = resting.side[order] * (mid - resting.price[order]) / mid * 1e4
            cell = window[stretch] * DEPTH_BINS + depth_bin(deep)
            exposure += np.bincount(cell, seconds, minlength=len(exposure))
            depth += np.bincount(cell, seconds * deep, minlength=len(depth))
    fills = _fill_counts(events, edges, sessions, shape)
    return DepthTotals(exposure.reshape(shape), depth.reshape(shape), fills)


def sessions_of(tape: Tape) -> FloatArray | None:
    """Return the sessions of a tape as an array of shape (S, 2) in seconds, or None if the market never closed."""
    if tape.sessions is None:
        return None
    return np.asarray(tape.sessions[["start", "end"]].to_numpy(), dtype=np.float64)


def open_seconds(ts: FloatArray, sessions: FloatArray | None) -> FloatArray:
    """Return a clock that runs only while the market is open: differences of it are open seconds."""
    if sessions is None:
        return ts
    elapsed = np.concatenate([[0.0], np.cumsum(sessions[:, 1] - sessions[:, 0])])
    return np.interp(ts, sessions.ravel(), np.repeat(elapsed, 2)[1:-1])


def _breaks(quotes: QuoteArrays, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Times at which the mid changes or a window begins, with the mid from then on."""
    mid = quotes.mid
    if not len(mid):
        return np.empty(0), np.empty(0)
    moves = np.flatnonzero(np.append(True, mid[1:] != mid[:-1]))
    ts, mid = quotes.ts[moves], mid[moves]
    inner = edges[1:-1]
    inner = inner[inner > ts[0]]
    if not len(inner):
        return ts, mid
    ts_all = np.concatenate([ts, inner])
    mid_all = np.concatenate([mid, mid[np.searchsorted(ts, inner, side="right") - 1]])
    order = np.argsort(ts_all, kind="stable")
    return ts_all[order], mid_all[order]


def _stretches(breaks: FloatArray, resting: Resting) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield blocks of pairs (order, stretch between breaks) that overlap."""
    start = np.maximum(resting.start, breaks[0])
    first = np.searchsorted(breaks, start, side="right") - 1
    count = np.where(resting.end > start, np.searchsorted(breaks, resting.end, side="left") - first, 0)
    block = np.cumsum(count) // _CHUNK
    for rows in np.split(np.arange(len(count)), np.flatnonzero(np.diff(block)) + 1):
        many = count[rows]
        order = np.repeat(rows, many)
        offset = np.arange(len(order)) - np.repeat(np.cumsum(many) - many, many)
        yield order, first[order] + offset


def _fill_counts(
    events: FillEvents, edges: FloatArray, sessions: FloatArray | None, shape: tuple[int, int]
) -> FloatArray:
    """Count fill events of orders that had rested for some open time since the last quote: those with exposure."""
    since = np.fmax(events.quoted_at, events.placed)
    rested = open_seconds(events.ts, sessions) > open_seconds(since, sessions)
    counts = events.known & ~np.isnan(events.quoted_at) & rested
    mid, side, price = events.mid[counts], events.side[counts], events.price[counts]
    window = np.clip(np.searchsorted(edges, events.ts[counts], side="left") - 1, 0, shape[0] - 1)
    cell = window * DEPTH_BINS + depth_bin(side * (mid - price) / mid * 1e4)
    return np.bincount(cell, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
