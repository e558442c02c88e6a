"""The table of depths that maximises the expected objective under joint draws of the market.

    J(depths) = mean over draws s of the long-run growth of the certainty equivalent under market s.

The growth is -z_s/gamma, z_s the leading eigenvalue of the tilted generator W_s of `long_run`, and its slope in a
depth is that of W_s between the left and the right eigenvector, so J climbs by quasi-Newton steps (L-BFGS) from the
quotes of one market. Beliefs are held as they are: what the quotes would teach is not part of the objective.
Without risk and without inventory J is the expected edge of `mmresearch.quote.edge`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

from mmresearch.quote.glft.long_run import long_run
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import tilted
from mmresearch.quote.glft.policy import Policy, fills
from mmresearch.quote.glft.tridiagonal import leading

Floats = NDArray[np.float64]

#: How far a depth may move from where it starts, in units of 1/k: beyond it no fill is to be had.
_REACH = 5.0
#: An inventory with less weight than this is never held.
_NOTHING = 1e-300


def expected_growth(quoted: Policy, markets: Model) -> float:
    """Mean over markets of the long-run growth of the certainty equivalent, price x size/s.

    Parameters
    ----------
    quoted : Policy
        Depths that do not depend on time.
    markets : Model
        Draws: parameters are numbers or arrays of shape (S, 1).
    """
    return float(np.mean(long_run(quoted.bid, quoted.ask, markets).certainty_equivalent_per_s))


def best_table(markets: Model, start: Policy) -> Policy:
    """Return the table of depths that maximises the expected growth.

    Parameters
    ----------
    markets : Model
        Draws: parameters are numbers or arrays of shape (S, 1); gamma one number above 0.
    start : Policy
        Where the climb begins: the quotes of some market near the middle of the draws.

    Raises
    ------
    ValueError
        If gamma is not one number above 0.
    """
    if np.ndim(markets.gamma) or not markets.gamma > 0:
        raise ValueError("the expected growth needs one gamma above 0 for all draws")
    n = start.bid.size
    scale = 1.0 / float(np.mean(markets.k))
    floor = abs(expected_growth(start, markets))

    def loss(x: Floats) -> tuple[float, Floats]:
        value, slope = growth_and_slope(*_tables(x * scale, n), markets)
        return -value / floor, -slope * scale / floor

    x0 = np.concatenate([start.bid[:-1], start.ask[1:]]) / scale
    # Depths at inventories that are hardly ever reached matter little; the tolerances are on the growth.
    options = {"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-9}
    bounds = Bounds(x0 - _REACH, x0 + _REACH)
    found = minimize(loss, x0, jac=True, bounds=bounds, method="L-BFGS-B", options=options)  # type: ignore[call-overload]
    return Policy(*_tables(found.x * scale, n))


def growth_and_slope(bid: Floats, ask: Floats, markets: Model) -> tuple[float, Floats]:
    """Return the expected growth, and its slope in the depths that are quoted: the bids, then the asks.

    Parameters
    ----------
    bid, ask : ndarray, shape (2 Q + 1,)
        Depths, price.
    markets : Model
        Draws, of shape (S, 1).
    """
    met = fills(bid, ask, markets)
    shape = met.bid_rate.shape
    diagonal, lower, upper = (np.broadcast_to(x, shape).copy() for x in tilted(bid, ask, markets))
    right, value = leading(*(np.atleast_2d(x) for x in (diagonal, lower, upper)))
    right = right.reshape(shape)
    # W is symmetric under the weights pi, so the left vector is pi times the right one.
    log_pi = np.cumsum(np.log(upper[..., :-1]) - np.log(lower[..., 1:]), axis=-1)
    log_left = np.log(np.maximum(right, _NOTHING)) + np.concatenate([np.zeros((*shape[:-1], 1)), log_pi], axis=-1)
    left = np.exp(log_left - log_left.max(axis=-1, keepdims=True))
    left = left / np.sum(left * right, axis=-1, keepdims=True)
    steep = markets.k + markets.gamma * markets.lot
    bid_slope = markets.k * met.bid_rate * right - steep * upper * np.roll(right, -1, axis=-1)
    ask_slope = markets.k * met.ask_rate * right - steep * lower * np.roll(right, 1, axis=-1)
    slopes = [(left * s).reshape(-1, shape[-1]).mean(axis=0) for s in (bid_slope, ask_slope)]
    return float(-value.mean() / markets.gamma), -np.concatenate([slopes[0][:-1], slopes[1][1:]]) / markets.gamma


def _tables(x: Floats, n: int) -> tuple[Floats, Floats]:
    """Return bid and ask tables of n inventories from the depths that are quoted."""
    return np.append(x[: n - 1], np.inf), np.concatenate([[np.inf], x[n - 1 :]])
