"""Hypothetical orders: what our quotes would have met on a tape that has none of ours.

`at_touch` keeps a one-lot order at both touches; `rotating` keeps one on each side at a depth drawn afresh every few
seconds, so that depth is independent of the market and exposure is known. Both are filled by the first visible market
order of the other side that prints at or through the price:

    bid at p is filled by a sale with farthest print <= p,    ask at p by a buy with farthest print >= p

There is no queue, no latency, and nobody reacts to our quotes, so fills are too many and too kind; a price that the
market jumps over without a trade is not a fill. Hence the provenance "market-proxy", which ranks shortcuts and never
certifies one. Units: seconds, quote currency, depth in bps of the mid when the order is placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS
from mmresearch.tape.mids import FloatArray, mid_at_or_before, quote_arrays

if TYPE_CHECKING:
    from mmresearch.tape.schema import Tape
from mmresearch.tape.walks import farthest_prints, market_orders

#: Rungs of the ladder that `default_depths_bps` proposes.
RUNGS = 6


def at_touch(tape: Tape) -> Tape:
    """Put a one-lot order at both touches.

    An order rests while the touch price stays. When the touch moves it is replaced at the new price; when it is filled,
    a new one comes with the next quote. So at most one fill a side can happen between two quotes.

    Parameters
    ----------
    tape : Tape
        Quotes and trades; orders and fills of its own are replaced.

    Returns
    -------
    Tape
        The same quotes and trades, hypothetical orders and fills, provenance "market-proxy".
    """
    quotes = quote_arrays(tape.quotes)
    settled = np.append(quotes.ts[1:] > quotes.ts[:-1], True)[: len(quotes.ts)]  # of equal times the last prevails
    ts = quotes.ts[settled]
    sides = []
    for side, price in ((1, quotes.bid[settled]), (-1, quotes.ask[settled])):
        hit_ts, hit_price = _aggressors(tape, side)
        filled_at = _first_hit(ts, price, hit_ts, hit_price, side)
        begins = np.append(True, (price[1:] != price[:-1]) | ~np.isnan(filled_at[:-1]))[: len(price)]
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(price))[: len(first)] - 1  # quote interval in which the order ends
        next_ts = np.append(ts[first[1:]], np.nan)[: len(first)]
        sides.append(_orders(side, price[first], ts[first], next_ts, filled_at[last]))
    return _proxy(tape, sides)


def rotating(tape: Tape, depths_bps: Sequence[float] | FloatArray, seconds: float, seed: int) -> Tape:
    """Keep one order a side, at a depth from the mid that is drawn afresh every few seconds.

    The first is placed at the first quote. Prices are rounded to the tick, away from the mid, where the tick is known.
    A filled order is not replaced before the next rotation.

    Parameters
    ----------
    tape : Tape
        Quotes and trades; orders and fills of its own are replaced.
    depths_bps : sequence of float
        Depths to draw from, each with the same probability, in bps of the mid; not negative.
    seconds : float
        Time between rotations.
    seed : int
        Seed of the draws: the same seed gives the same orders.

    Returns
    -------
    Tape
        The same quotes and trades, hypothetical orders and fills, provenance "market-proxy".

    Raises
    ------
    ValueError
        If no depth is given, a depth is negative, or `seconds` is not positive.
    """
    depths = np.asarray(depths_bps, dtype=np.float64)
    if not depths.size or not (depths >= 0).all():
        raise ValueError(f"depths_bps must be a non-empty list of depths >= 0 bps, got {depths_bps}")
    if not seconds > 0:
        raise ValueError(f"seconds between rotations must be positive, got {seconds}")
    quotes = quote_arrays(tape.quotes)
    begin = quotes.ts[0] if len(quotes.ts) else tape.t1
    count = max(int(np.ceil((tape.t1 - begin) / seconds)), 0)
    placed = np.asarray(begin + seconds * np.arange(count), dtype=np.float64)
    placed = placed[placed < tape.t1]
    mid = mid_at_or_before(quotes, placed)
    drawn = np.random.default_rng(seed).choice(depths, size=(len(placed), 2))
    sides = []
    for column, side in enumerate((1, -1)):
        price = _away(mid * (1.0 - side * drawn[:, column] / 1e4), side, tape.meta.tick)
        filled_at = _first_hit(placed, price, *_aggressors(tape, side), side)
        next_ts = np.append(placed[1:], np.nan)[: len(placed)]
        sides.append(_orders(side, price, placed, next_ts, filled_at))
    return _proxy(tape, sides)


def default_depths_bps(tape: Tape) -> FloatArray:
    """Propose a ladder for `rotating`, from the median depth that market orders reach to the 98th percentile.

    Parameters
    ----------
    tape : Tape
        Quotes and trades.

    Returns
    -------
    ndarray, shape (RUNGS,)
        Depths from the mid in bps, ascending, in even steps. Where nearly all orders stop at one depth, the last step
        is twice that depth.

    Raises
    ------
    ValueError
        If no visible market order has a quote before it.
    """
    orders = market_orders(tape.trades, tape.quotes, tape.meta.tick)
    depth = orders.depth_bps[orders.visible]
    depth = depth[depth > 0]
    if not len(depth):
        raise ValueError(f"{tape.asset}: no visible market order with a quote before it, so no ladder can be proposed")
    low, high = np.quantile(depth, [0.5, 0.98])
    return np.linspace(low, high if high > 1.05 * low else 2.0 * low, RUNGS)


def _aggressors(tape: Tape, side: int) -> tuple[FloatArray, FloatArray]:
    """Time and farthest visible print of the market orders that can fill an order of ours on this side."""
    ts, taker, far, _, visible = farthest_prints(tape.trades)
    ours = visible & (taker == -side)
    return ts[ours], far[ours]


def _first_hit(
    begin: FloatArray, price: FloatArray, hit_ts: FloatArray, hit_price: FloatArray, side: int
) -> FloatArray:
    """When each of the orders that rest one after another, in ``(begin[i], begin[i + 1]]``, is first hit; NaN if never.

    Trades precede quotes of equal time, so one stamped ``begin[i]`` meets the order before.
    """
    filled_at = np.full(len(begin), np.nan)
    turn = np.searchsorted(begin, hit_ts, side="left") - 1
    meets = turn >= 0
    turn, hit_ts, hit_price = turn[meets], hit_ts[meets], hit_price[meets]
    hits = side * (hit_price - price[turn]) <= 1e-9 * np.abs(hit_price)
    which, first = np.unique(turn[hits], return_index=True)
    filled_at[which] = hit_ts[hits][first]
    return filled_at


def _away(price: FloatArray, side: int, tick: float | None) -> FloatArray:
    """Round to the tick, away from the mid: a bid down, an ask up; a price on the grid stays."""
    if tick is None:
        return price
    return np.asarray(-side * np.ceil(-side * price / tick - 1e-6) * tick, dtype=np.float64)


def _orders(side: int, price: FloatArray, placed: FloatArray, replaced: FloatArray, filled: FloatArray) -> pd.DataFrame:
    return pd.DataFrame(
        {"side": side, "price": price, "placed": placed, "removed": np.fmin(filled, replaced), "filled": filled}
    )


def _proxy(tape: Tape, sides: list[pd.DataFrame]) -> Tape:
    """Number the orders of both sides by time and derive the fills."""
    size = tape.meta.lot or 1.0
    both = pd.concat(sides).sort_values("placed", kind="stable", ignore_index=True)
    both = both.assign(order_id=np.arange(len(both), dtype=np.int64), size=size, side=both["side"].astype("int64"))
    hit = both[both["filled"].notna()].sort_values("filled", kind="stable", ignore_index=True)
    return replace(
        tape,
        orders=both[list(ORDER_COLUMNS)],
        fills=hit.assign(ts=hit["filled"])[list(FILL_COLUMNS)],
        meta=replace(tape.meta, provenance="market-proxy"),
    )
