"""How far the effects of moves and costs are centred: w = tau0^2/(tau0^2 + se^2), see `mmresearch.models.centring`.

Any weight gives the same law, only at another speed. The standard errors are those of least squares: of a log sd
1/sqrt(2 f) with f degrees of freedom, of a mean or slope the residual sd over the root of the information.
"""

from __future__ import annotations

import numpy as np

from mmresearch.models.feature_data import HourData
from mmresearch.models.features import FloatArray, Foretold, Moves

#: Small but plausible spreads between assets: of a log sd, of a slope or mean in its own unit, of a cost in bps.
LOG_SPREAD, SLOPE_SPREAD, COST_SPREAD = 0.4, 0.4, 1.0


def scale_weights(freedom: FloatArray) -> FloatArray:
    """Weights of log sds that so many degrees of freedom tell; shape (assets,).

    Parameters
    ----------
    freedom : ndarray, shape (assets,)
        Degrees of freedom.
    """
    return LOG_SPREAD**2 / (LOG_SPREAD**2 + 0.5 / np.maximum(freedom, 1e-3))


def move_weights(moves: tuple[Moves, ...]) -> FloatArray:
    """Weights of the log sd of moves; shape (assets,)."""
    return scale_weights(np.array([m.n for m in moves]))


def slope_weights(series: tuple[Foretold, ...], guess: float) -> tuple[FloatArray, FloatArray]:
    """Weights of slope (or mean) and of the log scale of its noise; shape (assets,) each.

    Parameters
    ----------
    series : tuple of Foretold
        One per asset.
    guess : float
        Sd of the noise where the asset does not tell it.
    """
    information, residual, freedom = (
        np.array([getattr(s.fit, name) for s in series]) for name in ("information", "residual", "freedom")
    )
    variance = (guess**2 + residual) / np.maximum(freedom, 1.0)
    weight = SLOPE_SPREAD**2 * information / (SLOPE_SPREAD**2 * information + variance)
    return weight, scale_weights(np.maximum(freedom - 1.0, 0.0))


def hour_weights(data: HourData, guess: float, spread: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Weights of cost, of what toxic hours add, and of the log sds of both; shape (assets,) each.

    Parameters
    ----------
    data : HourData
        Costs by asset and hour.
    guess : float
        Sd of one fill's cost where there is no other.
    spread : float
        Sd between hours, as a fraction of one fill's sd.
    """
    variance = np.where(data.dof > 0, data.m2_bps2, guess**2) / np.maximum(data.dof, 1.0)
    fills, hours = data.by_kind(data.n), np.maximum(data.by_kind(data.n > 0), 1.0)
    with np.errstate(divide="ignore"):
        se2 = variance * (1.0 / fills + spread**2 / hours)
    mean, ratio = COST_SPREAD**2 / (COST_SPREAD**2 + se2), scale_weights(data.dof)
    return mean[:, 0], np.minimum(mean[:, 0], mean[:, 1]), ratio[:, 0], np.minimum(ratio[:, 0], ratio[:, 1])
