"""What to quote when nothing but the spread matters, and what a wrong quote costs.

A resting order at depth d from the mid fills at rate A e^{-kappa d} and earns d - c when it does, with c the cost of a
fill (maker fee plus expected adverse move). Under a *joint* belief about (A, kappa) the best depth maximises

    G(d) = E[A e^{-kappa d}] (d - c).

Symbols: d, c in bps of mid; kappa per bp; A per second. With A and kappa known the best depth is c + 1/kappa, and the
loss of quoting 1/kappa_hat instead is the fraction 1 - r e^{1 - r} of the edge, r = kappa/kappa_hat.
Source: the first-order condition of Avellaneda and Stoikov (2008) at zero risk aversion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar


@dataclass(frozen=True)
class Market:
    """Joint draws of what decides a quote.

    Attributes
    ----------
    kappa_per_bp : ndarray, shape (S,)
        Decay of the fill intensity, per bp of mid.
    A_per_s : ndarray, shape (S,)
        Fill intensity at the mid, per second and side.
    """

    kappa_per_bp: NDArray[np.float64]
    A_per_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse draws that no intensity can have."""
        if self.kappa_per_bp.shape != self.A_per_s.shape or self.kappa_per_bp.ndim != 1:
            raise ValueError(
                f"draws must be two vectors of one length, got {self.kappa_per_bp.shape}, {self.A_per_s.shape}"
            )
        if not (np.all(self.kappa_per_bp > 0) and np.all(self.A_per_s > 0)):
            raise ValueError("kappa and A must be positive in every draw")

    def fill_rate_per_s(self, depth_bps: ArrayLike) -> NDArray[np.float64]:
        """Expected fill rate E[A e^{-kappa d}] at each depth (bps), in fills per second."""
        d = np.atleast_1d(np.asarray(depth_bps, dtype=float))
        return np.exp(-np.multiply.outer(d, self.kappa_per_bp)) @ self.A_per_s / self.A_per_s.size

    def edge_bps_per_s(self, depth_bps: ArrayLike, cost_bps: float) -> NDArray[np.float64]:
        """Expected edge G(d) in bps per second at each depth (bps), for a cost per fill in bps."""
        d = np.atleast_1d(np.asarray(depth_bps, dtype=float))
        return self.fill_rate_per_s(d) * (d - cost_bps)

    def best_depth_bps(self, cost_bps: float = 0.0) -> float:
        """Depth (bps) that maximises the expected edge under the joint draws.

        Parameters
        ----------
        cost_bps : float
            Cost of a fill, in bps.

        Notes
        -----
        E[A e^{-kappa d}] is a mixture, so G may have more than one peak: a grid finds the highest, Brent polishes it.
        """
        scale = 1.0 / self.kappa_per_bp
        lags = np.geomspace(0.05 * scale.min(), 8.0 * scale.max(), 96)
        edge = self.edge_bps_per_s(cost_bps + lags, cost_bps)
        k = int(np.argmax(edge))
        low, high = lags[max(k - 1, 0)], lags[min(k + 1, lags.size - 1)]
        found = minimize_scalar(
            lambda lag: -float(self.edge_bps_per_s(cost_bps + lag, cost_bps)[0]),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-7 * high},
        )
        return float(cost_bps + found.x)


@dataclass(frozen=True)
class Regret:
    """What a quote loses against the best one.

    Attributes
    ----------
    depth_bps, best_depth_bps : float
        The quoted and the best depth from the mid, in bps.
    loss_bps : float
        Edge lost per unit of volume that the best quote would trade, in bps.
    edge_bps : float
        Edge per fill of the best quote, in bps.
    """

    depth_bps: float
    best_depth_bps: float
    loss_bps: float
    edge_bps: float

    @property
    def fraction(self) -> float:
        """Loss as a fraction of the best edge."""
        return self.loss_bps / self.edge_bps


def regret(depth_bps: float, market: Market, cost_bps: float) -> Regret:
    """Price a quote under a reference belief.

    Parameters
    ----------
    depth_bps : float
        The quote, as distance from the mid in bps.
    market : Market
        Joint draws of the reference.
    cost_bps : float
        Expected cost of a fill under the reference, in bps.
    """
    best = market.best_depth_bps(cost_bps)
    top, got = market.edge_bps_per_s([best, depth_bps], cost_bps)
    rate = float(market.fill_rate_per_s(best)[0])
    return Regret(float(depth_bps), best, max(float(top - got), 0.0) / rate, best - cost_bps)


def plug_in_depth_bps(kappa_per_bp: float, cost_bps: float = 0.0) -> float:
    """Depth (bps) that is best if kappa were known to be this number: c + 1/kappa."""
    if not kappa_per_bp > 0:
        raise ValueError(f"kappa must be positive, got {kappa_per_bp} per bp")
    return cost_bps + 1.0 / kappa_per_bp
