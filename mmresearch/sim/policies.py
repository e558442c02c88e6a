"""How we quote in a world: one order a side at a time, at the touch or at a depth from a ladder.

A policy is a frozen value that turns a generator into a plan: depths and lifetimes of the orders to come. After any
fill of ours both orders are pulled and nothing is quoted for `pause_s`, so that no other fill of ours falls into the
markout of the first.

Units: bps of mid, seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Plan:
    """Orders to come on one side.

    Attributes
    ----------
    depth_bps : ndarray, shape (n,)
        Distance from the mid when placed; NaN is at the touch.
    seconds : ndarray, shape (n,)
        How long each is kept, fills aside.
    """

    depth_bps: NDArray[np.float64]
    seconds: NDArray[np.float64]


class Policy(Protocol):
    """What a world needs of a quoting policy."""

    @property
    def pause_s(self) -> float:
        """Pause after a fill."""
        ...

    @property
    def response(self) -> float:
        """Power of the market's activity by which depths are multiplied."""
        ...

    @property
    def pegged(self) -> bool:
        """Whether orders at the touch move with it."""
        ...

    def plan(self, rng: np.random.Generator, n: int) -> Plan:
        """Draw the next n orders of one side."""
        ...


@dataclass(frozen=True)
class Rotating:
    """A depth drawn afresh every few seconds, whatever the market does.

    Parameters
    ----------
    depths_bps : tuple of float
        Ladder, drawn from uniformly.
    touch_share : float
        Share of the orders that are placed at the touch instead.
    seconds : float
        Lifetime of an order.
    pause_s : float
        Pause after a fill.
    response : float
        Power of the market's activity by which depths are multiplied; 0 does not respond.
    pegged : bool
        Move orders at the touch with it, or leave them where they were placed.

    Raises
    ------
    ValueError
        If a depth is negative, there is none, a share is not one, or an order has no lifetime.
    """

    depths_bps: tuple[float, ...] = (2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0, 25.0)
    touch_share: float = 0.4
    seconds: float = 5.0
    pause_s: float = 1.0
    response: float = 0.0
    pegged: bool = True

    def __post_init__(self) -> None:
        if not self.depths_bps or min(self.depths_bps) < 0:
            raise ValueError(f"depths_bps must name depths of at least 0 bps, got {self.depths_bps}")
        if not 0 <= self.touch_share <= 1:
            raise ValueError(f"touch_share is a share between 0 and 1, got {self.touch_share}")
        if not self.seconds > 0:
            raise ValueError(f"orders must live a positive time, got {self.seconds} s")

    def plan(self, rng: np.random.Generator, n: int) -> Plan:
        """Draw the next n orders of one side."""
        depth = rng.choice(np.asarray(self.depths_bps), size=n)
        depth[rng.uniform(size=n) < self.touch_share] = np.nan
        return Plan(depth, np.full(n, self.seconds))


@dataclass(frozen=True)
class Stale(Rotating):
    """Orders that are left for long, so that the mid drifts far between placing and fill."""

    seconds: float = 120.0
    pegged: bool = False

    def plan(self, rng: np.random.Generator, n: int) -> Plan:
        """Draw the next n orders of one side; lifetimes are exponential."""
        plan = super().plan(rng, n)
        return Plan(plan.depth_bps, rng.exponential(self.seconds, n))


@dataclass(frozen=True)
class VolatilityResponsive(Rotating):
    """Depths that grow with the market's activity, as real desks quote: confounds kappa with intensity."""

    response: float = 1.0
