"""Fills at the touch: the events from which adverse selection is learned.

A fill of ours is at the touch if the price of its order is the best same-side quote strictly before it (within half a
tick, or 1e-9 of the price where no tick is known). A tape without own orders offers a proxy: every visible market order
that printed at or beyond the touch met somebody's order there, and that somebody's side is minus the side of the trade.
The proxy has no queue and no selection by our own quotes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from mmresearch.tape.mids import FloatArray
from mmresearch.tape.orders import FillEvents, OwnOrders
from mmresearch.tape.schema import Tape
from mmresearch.tape.walks import INSIDE, MarketOrders, market_orders, touch_slack

Source = Literal["own", "trades"]


class Touch(NamedTuple):
    """Fills at the touch, in order of time.

    Attributes
    ----------
    ts, side : ndarray, shape (n,)
        Time (s); +1 where the maker bought.
    price : ndarray, shape (n,)
        Price of the maker's order.
    mid : ndarray, shape (n,)
        Mid of the last quote strictly before the fill: the usual reference.
    placed_mid : ndarray, shape (n,)
        Mid when the order was placed; NaN where that is not known (always so for the proxy).
    """

    ts: FloatArray
    side: FloatArray
    price: FloatArray
    mid: FloatArray
    placed_mid: FloatArray

    def fills(self, reference_mid: FloatArray | None = None) -> dict[str, FloatArray]:
        """Return the columns that `PendingMarkouts` takes; the reference is the mid at the fill unless given."""
        return {"ts": self.ts, "side": self.side, "reference_mid": self.mid if reference_mid is None else reference_mid}


def touch_source(tape: Tape) -> Source:
    """Say where the touch fills of a whole tape come from: own orders if it has any, else other people's trades."""
    return "own" if len(tape.orders) or len(tape.fills) else "trades"


@dataclass(frozen=True)
class TouchFills:
    """What must be remembered between slices to find the fills at the touch; `step` returns a new one.

    Attributes
    ----------
    source : {"own", "trades"} or None
        Where fills come from. ``None`` until it is known: a tape of our own (or a synthetic one) means "own"; a
        market-proxy tape is decided by the first slice that has quotes, according to whether it lists orders.
    own : OwnOrders
        Newest quote and resting orders.
    """

    source: Source | None = None
    own: OwnOrders = field(default_factory=OwnOrders)

    def step(self, tape: Tape) -> tuple[TouchFills, Touch]:
        """Take in one slice and return the new state and the touch fills of the slice.

        The cost per slice is independent of what came before. A slice with ``t0 == t1`` changes nothing.
        """
        own, quotes, _, events = self.own.step(tape)
        source = self.source or _decide(tape)
        if source == "trades":
            found = proxy_touch(market_orders(tape.trades, quotes, tape.meta.tick))
        else:
            found = own_touch(events, tape.meta.tick)
        return replace(self, source=source, own=own), found


def own_touch(events: FillEvents, tick: float | None) -> Touch:
    """Select the fill events whose order stood at the best same-side quote just before."""
    best = np.where(events.side > 0, events.bid, events.ask)
    with np.errstate(invalid="ignore"):
        at = np.abs(events.price - best) <= touch_slack(best, tick)  # False where there is no quote
    return Touch(events.ts[at], events.side[at], events.price[at], events.mid[at], events.placed_mid[at])


def proxy_touch(orders: MarketOrders) -> Touch:
    """Turn every visible market order that reached the touch into one fill of the maker there."""
    at = orders.outcome != INSIDE  # an order that met hidden liquidity alone is inside, or not counted
    price = np.where(orders.side > 0, orders.ask, orders.bid)[at]
    return Touch(orders.ts[at], -orders.side[at], price, orders.mid[at], np.full(len(price), np.nan))


def touch_fills(tape: Tape) -> Touch:
    """Fills at the touch of a whole tape, see `touch_source` for where they come from."""
    return TouchFills(source=touch_source(tape)).step(tape)[1]


def _decide(tape: Tape) -> Source | None:
    if tape.meta.provenance != "market-proxy" or touch_source(tape) == "own":
        return "own"
    return "trades" if len(tape.quotes) else None
