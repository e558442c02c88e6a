"""Market orders of a trade tape: how far each one walked past the touch.

All trades with the same time and side are one market order; its depth is its farthest visible print. With the touch of
the last quote strictly before it,

    excess = side * (farthest price - touch),      touch = ask for a buy, bid for a sell (quote currency)

and the outcome is *inside* (excess < 0), *at* (excess = 0) or *beyond* (excess > 0), equality meaning within half a
tick, or within 1e-9 of the price where no tick is known. Prints against undisplayed liquidity (``hidden``) say nothing
about depth; an order that met nothing else counts as inside if all its prints are strictly inside the touch, and not
at all otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.tape.mids import FloatArray, QuoteArrays, float_columns, index_before, quote_arrays

if TYPE_CHECKING:
    from mmresearch.tape.schema import Tape

INSIDE, AT, BEYOND = -1, 0, 1


@dataclass(frozen=True)
class MarketOrders:
    """Other people's market orders against the quote strictly before them, in order of time.

    Attributes
    ----------
    ts, side : ndarray, shape (n,)
        Time (s); +1 = a buy.
    price : ndarray, shape (n,)
        Farthest visible print; of an order without one, its farthest print.
    bid, ask : ndarray, shape (n,)
        Touch strictly before, in quote currency.
    outcome : ndarray of int, shape (n,)
        `INSIDE`, `AT` or `BEYOND`.
    excess_bps : ndarray, shape (n,)
        Depth beyond the touch in bps of the mid; negative inside.
    visible : ndarray of bool, shape (n,)
        Whether any print met displayed liquidity.
    """

    ts: FloatArray
    side: FloatArray
    price: FloatArray
    bid: FloatArray
    ask: FloatArray
    outcome: NDArray[np.int64]
    excess_bps: FloatArray
    visible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def mid(self) -> FloatArray:
        """Mid before the order, in quote currency."""
        return 0.5 * (self.bid + self.ask)

    @property
    def half_spread_bps(self) -> FloatArray:
        """Half the spread before the order, in bps of the mid."""
        return 0.5 * (self.ask - self.bid) / self.mid * 1e4

    @property
    def depth_bps(self) -> FloatArray:
        """Distance of the farthest print from the mid, in bps; positive on the side of the aggressor."""
        return self.side * (self.price - self.mid) / self.mid * 1e4


def market_orders(trades: pd.DataFrame, quotes: pd.DataFrame | QuoteArrays, tick: float | None = None) -> MarketOrders:
    """Group trades into market orders and compare them with the touch.

    Parameters
    ----------
    trades : DataFrame
        ``ts, price, size, side`` sorted by ``ts``; an optional column ``hidden``.
    quotes : DataFrame or QuoteArrays
        Quotes sorted by ``ts``, the one that prevailed before the first trade in front.
    tick : float or None
        Price step in quote currency.

    Returns
    -------
    MarketOrders
        Orders with a quote before them; undecidable hidden ones (see the module) are left out.
    """
    arrays = quote_arrays(quotes)
    ts, side, far, near, visible = farthest_prints(trades)
    at = index_before(arrays, ts)
    bid, ask = (column[at] if len(column) else np.full(len(at), np.nan) for column in (arrays.bid, arrays.ask))
    mid = 0.5 * (bid + ask)
    excess = side * (far - np.where(side > 0, ask, bid))
    slack = touch_slack(mid, tick)
    outcome = np.where(excess > slack, BEYOND, np.where(excess < -slack, INSIDE, AT)).astype(np.int64)
    outcome[~visible] = INSIDE
    within = (np.minimum(far, near) > bid) & (np.maximum(far, near) < ask)
    orders = MarketOrders(ts, side, far, bid, ask, outcome, excess / mid * 1e4, visible)
    keep = (at >= 0) & (visible | within)
    return orders if keep.all() else _rows(orders, keep)


def farthest_prints(
    trades: pd.DataFrame,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """Group trades by (ts, side), in order of time.

    Returns
    -------
    ts, side, farthest, nearest, visible : ndarray
        Farthest and nearest price of the visible prints (of all prints where none is visible), seen from the
        aggressor: a buy walks up, a sell walks down.
    """
    ts, price, side = float_columns(trades, "ts", "price", "side")
    if "hidden" in trades:
        hidden = np.asarray(trades["hidden"].to_numpy(), dtype=bool)
    else:
        hidden = np.zeros(len(ts), dtype=bool)
    groups = [_one_side(ts[m], price[m], hidden[m], s) for s in (1.0, -1.0) for m in (np.sign(side) == s,)]
    columns = [np.concatenate(pair) for pair in zip(*groups, strict=True)]
    order = np.lexsort((-columns[1], columns[0]))
    ts, side, far, near, seen = (c[order] for c in columns)
    return ts, side, far, near, seen.astype(bool)


def _one_side(ts: FloatArray, price: FloatArray, hidden: NDArray[np.bool_], side: float) -> tuple[FloatArray, ...]:
    if not len(ts):
        return (np.empty(0),) * 5
    first = np.flatnonzero(np.append(True, ts[1:] != ts[:-1]))
    seen = np.maximum.reduceat((~hidden).astype(np.float64), first)
    # Where an order has visible prints, its hidden ones are pushed out of both extremes.
    masked = hidden & (np.repeat(seen, np.diff(np.append(first, len(ts)))) > 0)
    walk = side * price
    far = side * np.maximum.reduceat(np.where(masked, -np.inf, walk), first)
    near = side * np.minimum.reduceat(np.where(masked, np.inf, walk), first)
    return ts[first], np.full(len(first), side), far, near, seen


def touch_slack(price: FloatArray, tick: float | None) -> FloatArray:
    """How far from the touch still is the touch: half a tick, or 1e-9 of the price where no tick is known."""
    return 1e-9 * np.abs(price) if tick is None else np.full(np.shape(price), 0.5 * tick)


def infer_tick(quotes: pd.DataFrame | QuoteArrays) -> float | None:
    """Guess the price step from the quoted prices.

    The typical distance between neighbouring prices, taken over those distances that are near the smallest ones, so
    that neither a few odd prices nor levels never visited matter. It scales with the unit of price.

    Returns
    -------
    float or None
        Quote currency; ``None`` if fewer than two prices were quoted.
    """
    arrays = quote_arrays(quotes)
    prices = np.unique(np.concatenate([arrays.bid, arrays.ask]))
    steps = np.diff(prices)
    steps = steps[steps > 1e-10 * prices[1:]]
    if not len(steps):
        return None
    return float(np.median(steps[steps <= 1.5 * np.quantile(steps, 0.05)]))


def with_tick(tape: Tape) -> Tape:
    """Return the tape with its tick filled in from the quotes, if it did not say one."""
    if tape.meta.tick is not None:
        return tape
    return replace(tape, meta=replace(tape.meta, tick=infer_tick(tape.quotes)))


def _rows(orders: MarketOrders, keep: NDArray[np.bool_]) -> MarketOrders:
    return MarketOrders(*(getattr(orders, name)[keep] for name in MarketOrders.__dataclass_fields__))
