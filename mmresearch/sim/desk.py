"""Our side of a world: one order a side, placed by plan, moved with the touch, pulled after a fill.

Prices are multiples of the tick and never better than the touch when placed. Units: seconds, bps of mid, prices in
quote currency; `sign` is +1 for our bid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from mmresearch.sim.policies import Plan
from mmresearch.sim.truth import Truth

NO_ORDER = -1
_REMOVED = 5


@dataclass(slots=True)
class Side:
    """Our order on one side of the book while the world is played."""

    sign: int
    depths: list[float]
    lives: list[float]
    drawn: int = 0
    row: int = NO_ORDER
    price: float = 0.0
    pegged: bool = False
    until: float = 0.0

    @staticmethod
    def of(sign: int, plan: Plan) -> Side:
        """Start a side with a plan."""
        return Side(sign, plan.depth_bps.tolist(), plan.seconds.tolist())


@dataclass(slots=True)
class Desk:
    """Every order and fill of ours.

    Attributes
    ----------
    truth : Truth
        Tick and lot.
    pause_s : float
        How long nothing of ours rests after a fill.
    pegged : bool
        Whether orders at the touch move with it.
    sides : tuple of Side
        Bid, ask.
    orders, fills : list
        Rows of the tables so far.
    resume : float
        From when on we quote again.
    """

    truth: Truth
    pause_s: float
    pegged: bool
    sides: tuple[Side, Side]
    orders: list[list[float]] = field(default_factory=list)
    fills: list[tuple[float, int, int, float]] = field(default_factory=list)
    resume: float = 0.0

    def quote(self, ts: float, bid: float, ask: float, scale: float) -> None:
        """Bring both orders up to date with the market, unless we pause.

        Parameters
        ----------
        ts : float
            Now, in seconds.
        bid, ask : float
            The touch, in quote currency.
        scale : float
            By which depths are multiplied.
        """
        if ts < self.resume:
            return
        for side in self.sides:
            touch = bid if side.sign > 0 else ask
            if side.row < 0 or ts >= side.until:
                self._redraw(side, ts, touch, 0.5 * (bid + ask), scale)
            elif side.pegged and side.price != touch:
                self._place(side, ts, touch)

    def _redraw(self, side: Side, ts: float, touch: float, mid: float, scale: float) -> None:
        side.drawn = (side.drawn + 1) % len(side.depths)
        side.until = ts + side.lives[side.drawn]
        side.pegged = self.pegged and math.isnan(side.depths[side.drawn])
        self._place(side, ts, self._price(side, touch, mid, scale))

    def _place(self, side: Side, ts: float, price: float) -> None:
        if side.row >= 0:
            self.orders[side.row][_REMOVED] = ts
        side.row, side.price = len(self.orders), price
        self.orders.append([side.row, side.sign, price, self.truth.lot, ts, math.nan])

    def _price(self, side: Side, touch: float, mid: float, scale: float) -> float:
        depth_bps = side.depths[side.drawn]
        if math.isnan(depth_bps):
            return touch
        tick = self.truth.tick
        price = round(mid * (1 - side.sign * depth_bps * scale * 1e-4) / tick) * tick
        return min(price, touch) if side.sign > 0 else max(price, touch)

    def filled(self, side: Side, ts: float) -> None:
        """Book the fill of a side, pull both orders, pause."""
        self.fills.append((ts, side.row, side.sign, side.price))
        for each in self.sides:
            if each.row >= 0:
                self.orders[each.row][_REMOVED] = ts
                each.row = NO_ORDER
        self.resume = ts + self.pause_s
