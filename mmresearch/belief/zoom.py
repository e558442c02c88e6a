"""Beliefs whose density is known up to a constant: a grid that finds their mass, and mixtures of Student-t's.

    p(x) ~ e^{log_density(x)}            looked for on [low, high], narrowed to where it is within 30 nats of its peak
    p(y) = sum_k w_k t_nu(y; m_k, s_k)   the next observation, when what its law hangs on is itself uncertain

x, y, m, s in the unit of the parameter or of the observation; w and nu are pure numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mmresearch.belief.grid import GridBelief

Array = NDArray[np.float64]
LogDensity = Callable[[Array], Array]

POINTS = 400
#: Log density below the peak at which a grid may end.
DEPTH_NATS = 30.0
#: Ends of the components of a mixture.
_TAILS = np.array([1e-6, 1e-4, 0.01, 0.99, 1 - 1e-4, 1 - 1e-6])


def zoomed(log_density: LogDensity, low: float, high: float, positive: bool = False) -> GridBelief:
    """Normalise a log density on a grid that finds its mass.

    Parameters
    ----------
    log_density : callable
        Vectorised log density per unit of the parameter, up to a constant; one peak, or peaks that 400 points between
        `low` and `high` do not miss.
    low, high : float
        Where to look first, in the unit of the parameter.
    positive : bool
        Whether to look on the log scale, for a positive parameter that may lie anywhere over many decades.

    Returns
    -------
    GridBelief
        Of 400 points, evenly spaced on the scale on which was looked.
    """
    if positive:
        start, end = mass_range(lambda u: log_density(np.exp(u)) + u, np.log(low), np.log(high))
        x = np.exp(np.linspace(start, end, POINTS))
    else:
        start, end = mass_range(log_density, low, high)
        x = np.linspace(start, end, POINTS)
    return GridBelief(x, log_density(x))


def mass_range(log_density: LogDensity, low: float, high: float, rounds: int = 6) -> tuple[float, float]:
    """Find between which points a log density is within 30 nats of its peak.

    Parameters
    ----------
    log_density : callable
        Vectorised.
    low, high : float
        Where to look first.
    rounds : int
        How often to look closer, at most.
    """
    for _ in range(rounds):
        x = np.linspace(low, high, POINTS)
        heights = log_density(x)
        used = np.flatnonzero(heights > heights.max() - DEPTH_NATS)
        narrow = float(x[max(used[0] - 1, 0)]), float(x[min(used[-1] + 1, POINTS - 1)])
        done = narrow[1] - narrow[0] > 0.5 * (high - low)
        low, high = narrow
        if done:
            break
    return low, high


def student_mixture(df: float, location: Array, width: Array, weight: Array) -> GridBelief:
    """Mix Student-t distributions of equal degrees of freedom.

    Parameters
    ----------
    df : float
        Degrees of freedom; infinite for Normals.
    location, width, weight : ndarray, shape (K,)
        Centre and scale of each component, in the unit of the observation, and its weight, not negative.

    Returns
    -------
    GridBelief
        Their mixture, cut where no component of weight has more than 1e-6 of its mass.
    """
    used = weight > 1e-12 * weight.max()
    location, width, weight = location[used], width[used], weight[used]
    ends = location[:, None] + width[:, None] * stats.t.ppf(_TAILS, df)
    # Steps in proportion to the distance from the centre: fine where the mass is, sparse along heavy tails.
    centre, spread = float(weight @ location / weight.sum()), float(width.min())
    half = max(ends.max() - centre, centre - ends.min(), 8 * spread)
    reach = np.arcsinh(half / spread)
    y = centre + spread * np.sinh(np.linspace(-reach, reach, POINTS))
    density = stats.t.pdf((y[:, None] - location) / width, df) / width
    return GridBelief(y, np.log(np.maximum(density @ weight, 1e-300)))
