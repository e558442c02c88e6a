"""How much weight an old value deserves when a new one comes: one minus the steady-state gain of a local-level filter.

    x_j = x_{j-1} + N(0, q),   y_j = x_j + N(0, r),   rho = q/r
    K = (sqrt(rho^2 + 4 rho) - rho)/2,   w = 1 - K,   rho = (1 - w)^2/w

A series says how fast its level wanders, and so what w is. With v_j the innovations and S_j their variances in units of
r, r integrated out under its scale-free prior and the start unknown,

    p(w | y) ~ p(w) prod S_j^{-1/2} (sum v_j^2/S_j)^{-(n - 1)/2}.

Values may be means over m updates each: then q/r of the values is m^2 times that of the updates. A level that stands
still has w = 1, which no density reaches: the longer the series, the closer. Source: Harvey (1989), section 4.1.2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmresearch.belief.grid import GridBelief

#: Distances from 1 at which a weight is looked at.
FORGOTTEN = np.geomspace(0.95, 1e-7, 800)
#: Values below which nothing wanders.
LEAST_VALUES = 3


def tracking_weight(ratio: ArrayLike) -> NDArray[np.float64]:
    """Weight on the old value, w, for each ratio rho of signal variance per update to noise variance."""
    rho = np.asarray(ratio, dtype=np.float64)
    return 1.0 - 0.5 * (np.sqrt(rho * rho + 4.0 * rho) - rho)


def ratio_of_weight(weight: ArrayLike) -> NDArray[np.float64]:
    """Ratio rho for which a weight in (0, 1] on the old value is best."""
    w = np.asarray(weight, dtype=np.float64)
    return (1.0 - w) ** 2 / w


def tracking_belief(
    values: ArrayLike, log_prior: Callable[[NDArray[np.float64]], NDArray[np.float64]], updates: float = 1.0
) -> GridBelief:
    """Learn from a series which weight on the old value tracks it best.

    Parameters
    ----------
    values : array_like, shape (n,)
        Oldest first, in any unit.
    log_prior : callable
        Log density of the weight per update.
    updates : float
        Updates that each value is the mean of.

    Returns
    -------
    GridBelief
        Of the weight per update; the prior, where there are fewer than three values or all are equal.
    """
    weight = 1.0 - FORGOTTEN
    y = np.asarray(values, dtype=np.float64)
    height = np.asarray(log_prior(weight), dtype=np.float64)
    if y.size >= LEAST_VALUES and np.ptp(y) > 0:
        height = height + level_log_likelihood(y, updates**2 * ratio_of_weight(weight))
    return GridBelief(weight, height)


def level_log_likelihood(values: NDArray[np.float64], ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log likelihood of a local level for each ratio q/r, start unknown and r integrated out.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Oldest first.
    ratio : ndarray, shape (K,)
        Ratios of signal to noise variance.

    Returns
    -------
    ndarray, shape (K,)
        Up to a constant.
    """
    level, variance = np.full(ratio.size, values[0]), np.ones(ratio.size)
    log_det, squares = np.zeros(ratio.size), np.zeros(ratio.size)
    for y in values[1:]:
        predicted = variance + ratio
        spread = predicted + 1.0
        innovation = y - level
        log_det += np.log(spread)
        squares += innovation**2 / spread
        level = level + predicted / spread * innovation
        variance = predicted / spread
    return -0.5 * log_det - 0.5 * (values.size - 1) * np.log(squares)
