"""Policies as tables of depths, by inventory or by inventory and time, and what they meet in a market.

A bid at depth delta and inventory q = D j, filled at rate A e^{-k delta}, gains at once

    D (delta - cost) - (q + D) impact,        an ask   D (delta - cost) + (q - D) impact,

in marks to the mid: the mid moves against the whole inventory that is held after the fill. Between fills the inventory
gains q dS. An infinite depth is no quote.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.quotes import Method, Quotes, table

Floats = NDArray[np.float64]

#: Methods of which the quotes do not depend on time.
TIMELESS = ("asymptotic", "closed", "symmetric")
#: Intervals of a policy that does: quotes are constant on each, those of its middle.
INTERVALS = 2000
#: How far beyond the mid a quote may lie, in units of 1/k: its fill rate is e to that times A.
MOST_E_FOLDS = 12.0


@dataclass(frozen=True)
class Policy:
    """Depths by inventory from -Q to Q lots, and by interval of time where they depend on it.

    Attributes
    ----------
    bid, ask : ndarray, shape (2 Q + 1,) or (m, 2 Q + 1)
        Depths, price; infinite for no quote.
    edges_s : ndarray, shape (m + 1,), or None
        Where the intervals begin and end, s from the start; None for depths that do not depend on time.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a side is quoted that would lead beyond the largest inventory.
    """

    bid: Floats
    ask: Floats
    edges_s: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse tables that are none."""
        wanted = 1 if self.edges_s is None else 2
        if self.bid.shape != self.ask.shape or self.bid.ndim != wanted or self.bid.shape[-1] % 2 == 0:
            raise ValueError(f"depths must be two tables of {wanted} axes, the last odd, got {self.bid.shape}")
        if self.edges_s is not None and not (
            len(self.edges_s) == len(self.bid) + 1 and self.edges_s[0] == 0 and np.all(np.diff(self.edges_s) > 0)
        ):
            raise ValueError(f"{len(self.bid)} intervals need {len(self.bid) + 1} rising edges from 0")
        if np.any(np.isfinite(self.bid[..., -1])) or np.any(np.isfinite(self.ask[..., 0])):
            raise ValueError("the bid at the largest and the ask at the smallest inventory must be infinite: no quote")

    @property
    def Q(self) -> int:  # noqa: N802
        """Largest inventory, lots."""
        return self.bid.shape[-1] // 2

    def by_interval(self, horizon_s: float) -> tuple[Floats, Floats, Floats]:
        """Return depths of bid and ask, shape (m, 2 Q + 1), and lengths of the intervals up to a horizon, shape (m,).

        Raises
        ------
        ValueError
            If the table ends before the horizon or goes on after it.
        """
        if self.edges_s is None:
            return self.bid[None], self.ask[None], np.array([horizon_s])
        if not np.isclose(self.edges_s[-1], horizon_s, rtol=1e-12):
            raise ValueError(f"the table ends at {self.edges_s[-1]:g} s, the market at {horizon_s:g} s")
        return self.bid, self.ask, np.diff(self.edges_s)


def policy(model: Model, method: Method = "exact", intervals: int = INTERVALS) -> Policy:
    """Return the table of a method.

    Parameters
    ----------
    model : Model
        Parameters that the maker believes, numbers.
    method : {"exact", "asymptotic", "closed", "as2008", "symmetric"}
        How it quotes.
    intervals : int
        Number of intervals of a method that depends on time. They are short near the horizon, where quotes change
        fast; what the moments miss of the quotes that change at every moment falls with the square of the number.
    """
    if method in TIMELESS:
        found = table(model, method)
        return Policy(np.asarray(found.bid), np.asarray(found.ask))
    left = float(model.T) * np.linspace(1.0, 0.0, intervals + 1) ** 2
    found = table(model, method, 0.5 * (left[1:] + left[:-1]))
    return Policy(found.bid, found.ask, left[0] - left)


def constant_policy(depth: float, Q: int) -> Policy:
    """Return the policy that quotes both sides at one depth (price), up to Q lots."""
    bid, ask = np.full(2 * Q + 1, float(depth)), np.full(2 * Q + 1, float(depth))
    bid[-1] = ask[0] = np.inf
    return Policy(bid, ask)


@dataclass(frozen=True)
class Fills:
    """What a policy meets in a market, by inventory.

    Attributes
    ----------
    bid_rate, ask_rate : ndarray
        Fill rates, 1/s.
    bid_gain, ask_gain : ndarray
        Gain in marks to the mid when filled, price x size; 0 where there is no quote.
    """

    bid_rate: Floats
    ask_rate: Floats
    bid_gain: Floats
    ask_gain: Floats


def fills(bid: Floats, ask: Floats, market: Model) -> Fills:
    """Return rates and gains.

    Parameters
    ----------
    bid, ask : ndarray, shape (..., 2 Q + 1)
        Depths, price.
    market : Model
        The truth; its parameters may be arrays of shape (..., 1).

    Raises
    ------
    ValueError
        If a quote lies so far beyond the mid that its fill rate is absurd.
    """
    _require_followable(bid, ask, market)
    q = market.lot * market.lots()
    inside = Quotes(np.where(np.isfinite(bid), bid, 0.0), np.where(np.isfinite(ask), ask, 0.0))
    bought = market.lot * (inside.bid - market.cost) - (q + market.lot) * market.impact
    sold = market.lot * (inside.ask - market.cost) + (q - market.lot) * market.impact
    return Fills(
        np.where(np.isfinite(bid), market.A * np.exp(-market.k * inside.bid), 0.0),
        np.where(np.isfinite(ask), market.A * np.exp(-market.k * inside.ask), 0.0),
        np.where(np.isfinite(bid), bought, 0.0),
        np.where(np.isfinite(ask), sold, 0.0),
    )


def _require_followable(bid: Floats, ask: Floats, market: Model) -> None:
    """Refuse depths so far beyond the mid that time stands still between fills: nobody quotes them."""
    steepest = -np.min(market.k * np.minimum(bid, ask))
    if steepest > MOST_E_FOLDS:
        raise ValueError(
            f"a quote lies {steepest:.3g}/k on the wrong side of the mid; its fill rate is no rate. Lower Q or gamma"
        )
