"""Evidence: a tape reduced to the sufficient statistics of the three parameters, window by window.

    alpha_touch        informed, total                 labels of touch fills
    spread_floor_bps   n, mean, sum of squares          signed adverse moves of touch fills after 500 ms (bps)
    kappa              order-seconds, depth, fills      own orders; or, for trade tapes, inside / at / beyond the touch

Windows of ``window_s`` seconds begin at ``t0``; the last may be shorter. They exist because intensities wander: a model
may give each its own effect, or add them up. Counts and moments add, so merging two stretches is adding their evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.tape.exposure import DepthTotals, open_seconds, order_exposure, sessions_of
from mmresearch.tape.labels import INTENDED
from mmresearch.tape.markouts import signed_adverse_bps
from mmresearch.tape.mids import FloatArray, QuoteArrays, quote_arrays
from mmresearch.tape.orders import OwnOrders
from mmresearch.tape.quiet import QuietMoves
from mmresearch.tape.schema import Tape
from mmresearch.tape.touch import Touch, own_touch, proxy_touch, touch_source
from mmresearch.tape.walks import AT, BEYOND, INSIDE, MarketOrders, infer_tick, market_orders


@dataclass(frozen=True)
class LabelCounts:
    """Touch fills and how many of them the intended label calls informed.

    Attributes
    ----------
    informed, total : ndarray, shape (W,)
        Labels that fired, and all labels.
    false_positive : float
        Chance that noise alone fires the label: how often the mid moves as far when nobody filled us.
    """

    asset: str
    informed: FloatArray
    total: FloatArray
    false_positive: float = 0.0


@dataclass(frozen=True)
class MarkoutMoments:
    """Signed adverse moves of touch fills 500 ms later, in bps, positive against us.

    Attributes
    ----------
    n, mean_bps, m2 : ndarray, shape (W,)
        Count, mean (0 where n is 0), and sum of squared deviations from it (bps^2).
    fee_bps : float
        Maker fee of the tape.
    values_bps : ndarray, shape (N,)
        The moves themselves, in order of time.
    window : ndarray of int, shape (N,)
        Window of each.
    """

    asset: str
    n: FloatArray
    mean_bps: FloatArray
    m2: FloatArray
    fee_bps: float
    values_bps: FloatArray
    window: NDArray[np.intp]


@dataclass(frozen=True)
class DepthCounts:
    """Own orders: fills against exposure, by window and depth bin (bins that no order ever visited left out).

    Attributes
    ----------
    exposure_s : ndarray, shape (W, K)
        Order-seconds.
    depth_bps : ndarray, shape (W, K)
        Exposure-weighted mean depth from the mid; where a window has no exposure, the mean over all windows.
    fills : ndarray, shape (W, K)
        Fill events; never without exposure.
    """

    asset: str
    exposure_s: FloatArray
    depth_bps: FloatArray
    fills: FloatArray


@dataclass(frozen=True)
class WalkCounts:
    """Market orders of a trade tape and how far they walked; all arrays of shape (W,).

    Attributes
    ----------
    seconds : ndarray
        Open seconds of the window after the first quote.
    inside, at, beyond : ndarray
        Orders by outcome.
    excess_bps : ndarray
        Sum over the orders beyond the touch of (depth beyond the touch - one tick), not below zero, in bps.
    tick_bps, half_spread_bps : ndarray
        Tick, and mean half-spread before the market orders (of all windows, where one has no order), in bps of the mid.
    """

    asset: str
    seconds: FloatArray
    inside: FloatArray
    at: FloatArray
    beyond: FloatArray
    excess_bps: FloatArray
    tick_bps: FloatArray
    half_spread_bps: FloatArray


@dataclass(frozen=True)
class Evidence:
    """Everything the models of the three parameters read, one entry per asset, in the order of the tapes."""

    alpha_touch: tuple[LabelCounts, ...]
    spread_floor_bps: tuple[MarkoutMoments, ...]
    kappa: tuple[DepthCounts | WalkCounts, ...]

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return tuple(counts.asset for counts in self.alpha_touch)


def evidence(tapes: Iterable[Tape] | Tape, window_s: float = 300.0) -> Evidence:
    """Reduce tapes to sufficient statistics.

    Parameters
    ----------
    tapes : Tape or iterable of Tape
        One tape per asset. A tape with own orders (or fills) speaks through them; one without, through other people's
        trades: the maker side of trades at the touch, and the depths that market orders reached.
    window_s : float
        Length of the windows in seconds.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        If the window length is not positive.
    """
    if not window_s > 0:
        raise ValueError(f"window_s must be positive, got {window_s} s")
    parts = [_evidence_of(tape, window_s) for tape in ([tapes] if isinstance(tapes, Tape) else tapes)]
    return Evidence(*(tuple(column) for column in zip(*parts, strict=True))) if parts else Evidence((), (), ())


def window_edges(t0: float, t1: float, window_s: float) -> FloatArray:
    """Return the edges of the windows of ``[t0, t1)``, in seconds: at least one window, the last at most full."""
    count = max(int(np.ceil((t1 - t0) / window_s - 1e-9)), 1)
    return np.append(t0 + window_s * np.arange(count), t1)


def _evidence_of(tape: Tape, window_s: float) -> tuple[LabelCounts, MarkoutMoments, DepthCounts | WalkCounts]:
    edges = window_edges(tape.t0, tape.t1, window_s)
    quotes = quote_arrays(tape.quotes)
    kappa: DepthCounts | WalkCounts
    if touch_source(tape) == "own":
        _, _, resting, events = OwnOrders().step(tape)
        touch = own_touch(events, tape.meta.tick)
        kappa = _depth_counts(tape.asset, order_exposure(quotes, resting, events, edges, sessions_of(tape)))
    else:
        orders = market_orders(tape.trades, quotes, tape.meta.tick)
        touch = proxy_touch(orders)
        kappa = _walk_counts(tape, orders, quotes, edges)
    moves, window = _moves(quotes, touch, edges)
    return _label_counts(tape, touch, moves, window, edges), _moments(tape, moves, window, edges), kappa


def _moves(quotes: QuoteArrays, touch: Touch, edges: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
    """Known moves of the touch fills at the horizon of the intended label, and the window of each fill."""
    moves = signed_adverse_bps(quotes, touch.ts, touch.side, touch.mid, INTENDED.horizon_s)
    known = ~np.isnan(moves)
    return moves[known], _window(touch.ts[known], edges)


def _window(ts: FloatArray, edges: FloatArray) -> NDArray[np.intp]:
    return np.clip(np.searchsorted(edges, ts, side="right") - 1, 0, len(edges) - 2)


def _label_counts(
    tape: Tape, touch: Touch, moves: FloatArray, window: NDArray[np.intp], edges: FloatArray
) -> LabelCounts:
    count = len(edges) - 1
    informed = np.bincount(window, INTENDED(moves), minlength=count)
    total = np.bincount(window, minlength=count).astype(np.float64)
    return LabelCounts(tape.asset, informed, total, _noise(tape, touch))


def _noise(tape: Tape, touch: Touch) -> float:
    """Chance that the intended label fires on noise, from the mid when none of the fills is near."""
    quiet = QuietMoves(INTENDED.threshold_bps, INTENDED.horizon_s)
    near = tape.fills if touch_source(tape) == "own" else pd.DataFrame({"ts": touch.ts})
    return quiet.step(replace(tape, fills=near)).false_positive()


def _moments(tape: Tape, moves: FloatArray, window: NDArray[np.intp], edges: FloatArray) -> MarkoutMoments:
    count = len(edges) - 1
    n = np.bincount(window, minlength=count).astype(np.float64)
    mean = np.bincount(window, moves, minlength=count) / np.maximum(n, 1.0)
    m2 = np.bincount(window, (moves - mean[window]) ** 2, minlength=count)
    return MarkoutMoments(tape.asset, n, mean, m2, tape.meta.fee_bps, moves, window)


def _depth_counts(asset: str, totals: DepthTotals) -> DepthCounts:
    visited = totals.exposure_s.sum(axis=0) > 0
    exposure, depth_s, fills = (a[:, visited] for a in (totals.exposure_s, totals.depth_s_bps, totals.fills))
    overall = np.broadcast_to(depth_s.sum(axis=0) / exposure.sum(axis=0), exposure.shape)
    depth = np.divide(depth_s, exposure, out=overall.copy(), where=exposure > 0)
    return DepthCounts(asset, exposure, depth, fills)


def _walk_counts(tape: Tape, orders: MarketOrders, quotes: QuoteArrays, edges: FloatArray) -> WalkCounts:
    window, count = _window(orders.ts, edges), len(edges) - 1
    inside, at, beyond = (
        np.bincount(window[orders.outcome == o], minlength=count).astype(np.float64) for o in (INSIDE, AT, BEYOND)
    )
    tick = tape.meta.tick if tape.meta.tick is not None else infer_tick(quotes)
    tick_each = np.full(len(orders), np.nan) if tick is None else tick / orders.mid * 1e4
    walked = np.where(orders.outcome == BEYOND, np.maximum(orders.excess_bps - tick_each, 0.0), 0.0)
    return WalkCounts(
        tape.asset,
        observed_seconds(tape, quotes, edges),
        inside,
        at,
        beyond,
        np.bincount(window, walked, minlength=count),
        _mean(tick_each, window, count),
        _mean(orders.half_spread_bps, window, count),
    )


def observed_seconds(tape: Tape, quotes: QuoteArrays, edges: FloatArray) -> FloatArray:
    """Open seconds in each window from the first quote on: the time in which a market order would have been seen."""
    start = quotes.ts[0] if len(quotes.ts) else edges[-1]
    return np.diff(open_seconds(np.maximum(edges, start), sessions_of(tape)))


def _mean(values: FloatArray, window: NDArray[np.intp], count: int) -> FloatArray:
    """Mean in each window; the overall mean where a window is empty, NaN if all are."""
    n = np.bincount(window, minlength=count)
    overall = values.mean() if len(values) else np.nan
    return np.where(n > 0, np.bincount(window, values, minlength=count) / np.maximum(n, 1), overall)
