"""What a policy gains per second in the long run: leading eigenvalues instead of a horizon.

Far from the horizon, E[e^{-gamma PnL}] of a policy that does not depend on time falls like e^{z t}, z the leading
eigenvalue of the tilted generator of `moments`; the certainty equivalent grows by -z/gamma a second. No policy grows
faster than that of the asymptotic quotes under the true parameters. Fills come at the rate of the stationary law of
the inventory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import tilted
from mmresearch.quote.glft.policy import Fills, fills
from mmresearch.quote.glft.tridiagonal import leading

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LongRun:
    """Rates of policies that do not depend on time.

    Attributes
    ----------
    certainty_equivalent_per_s : ndarray, shape (...)
        Growth of the certainty equivalent, price x size/s; at gamma = 0 that of the mean.
    mean_per_s : ndarray, shape (...)
        Growth of the mean PnL, price x size/s.
    volume_per_s : ndarray, shape (...)
        Size traded per second, both sides.
    sd_q : ndarray, shape (...)
        Sd of the inventory, size.
    """

    certainty_equivalent_per_s: Floats
    mean_per_s: Floats
    volume_per_s: Floats
    sd_q: Floats


def long_run(bid: Floats, ask: Floats, market: Model) -> LongRun:
    """Return the rates of tables of depths.

    Parameters
    ----------
    bid, ask : ndarray, shape (..., 2 Q + 1)
        Depths, price; infinite for no quote.
    market : Model
        The truth; its parameters may be arrays of shape (..., 1), which broadcast with the tables.
    """
    met = fills(bid, ask, market)
    shape, q = met.bid_rate.shape, market.lot * market.lots()
    p = stationary(met)
    gained = market.mu * q + met.bid_rate * met.bid_gain + met.ask_rate * met.ask_gain
    mean = np.sum(p * gained, axis=-1)
    volume = np.sum(p * market.lot * (met.bid_rate + met.ask_rate), axis=-1)
    centre = np.sum(p * q, axis=-1, keepdims=True)
    sd_q = np.sqrt(np.sum(p * (q - centre) ** 2, axis=-1))
    gamma = np.broadcast_to(np.asarray(market.gamma, dtype=float), shape)[..., 0]
    risky = np.broadcast_to(gamma > 0, shape[:-1])
    if not risky.any():
        return LongRun(mean, mean, volume, sd_q)
    entries = (np.broadcast_to(x, shape).reshape(-1, shape[-1]).copy() for x in tilted(bid, ask, market))
    value = leading(*entries)[1].reshape(shape[:-1])
    worth = np.where(risky, -value / np.where(risky, gamma, 1.0), mean)
    return LongRun(worth, mean, volume, sd_q)


def stationary(met: Fills) -> Floats:
    """Return the stationary law of the inventory, shape (..., 2 Q + 1), by the balance of neighbours.

    Raises
    ------
    ValueError
        If some neighbour is not reached: a side that is not quoted inside the limits.
    """
    up, down = met.bid_rate[..., :-1], met.ask_rate[..., 1:]
    if not (np.all(up > 0) and np.all(down > 0)):
        raise ValueError("the long run needs both sides quoted at every inventory within the limits")
    log_p = np.cumsum(np.log(up) - np.log(down), axis=-1)
    log_p = np.concatenate([np.zeros((*log_p.shape[:-1], 1)), log_p], axis=-1)
    p = np.exp(log_p - log_p.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)
