"""How much a desk may lose: limits on the day's loss and on the drawdown with a stated probability of being exceeded.

With the price a martingale of daily volatility s and the position q(t) as a multiple of equity, a day's profit has
variance s^2 E[q^2]; so what counts is the *root-mean-square* exposure e:

    P(day's loss > L) = p    at    L = -Phi^{-1}(p) e s x equity.

The drawdown over H days is max over t of (running maximum - value). By Levy's theorem that of a Brownian motion has the
law of max |B|, so that

    P(drawdown > D) = p   at   D = s sqrt(H) c(p),   P(max_{t<=1} |B_t| > c) = p,   E[drawdown] = sqrt(pi/2) s sqrt(H).

At p = .01, c = 2.807: the 2.33 of a Normal's end point is exceeded on the way there by 4 % of paths. Both limits leave
out drift (what a desk earns makes them conservative) and fat tails (which make them optimistic: simulate then).
Sources: Levy (1948); Magdon-Ismail, Atiya, Pratap and Abu-Mostafa (2004) for the expected drawdown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mmresearch.quote.quantities import Values, formula

#: Terms of the two series of max |B|; with 12 each is exact to rounding on its side of 1.
TERMS = np.arange(12)
BISECTIONS = 60


@formula("$")
def max_daily_loss(
    account_usd: Values, rms_exposure_fraction: Values, daily_volatility: Values, exceedance_probability: Values = 0.01
) -> Values:
    """Loss that a day exceeds with a stated probability, $.

    Parameters
    ----------
    account_usd : number, array or DataArray
        Equity, $.
    rms_exposure_fraction : number, array or DataArray
        Root-mean-square position over the day, as a multiple of equity. A Kelly fraction is no exposure: it is the
        share of equity lost when a bet is lost, so divide it by the loss per unit of position first.
    daily_volatility : number, array or DataArray
        Sd of the asset's daily return.
    exceedance_probability : number, array or DataArray
        Share of the days, without drift, on which the limit ends trading by chance.
    """
    quantile = np.maximum(-ndtri(exceedance_probability), 0.0)
    return account_usd * rms_exposure_fraction * daily_volatility * quantile


@formula("fraction of equity")
def max_drawdown(daily_volatility: Values, horizon_days: Values, exceedance_probability: Values = 0.01) -> Values:
    """Drawdown that a horizon exceeds with a stated probability, fraction of the equity at its start.

    Parameters
    ----------
    daily_volatility : number, array or DataArray
        Sd of the desk's daily profit, as a fraction of equity.
    horizon_days : number, array or DataArray
        Horizon H, days.
    exceedance_probability : number, array or DataArray
        Probability that H days without drift exceed the drawdown.
    """
    return daily_volatility * np.sqrt(horizon_days) * _quantile_of_range(exceedance_probability)


def drawdown_exceedance(drawdown_sds: Values) -> NDArray[np.float64]:
    """P(drawdown > c s sqrt(H)) for each c = `drawdown_sds` >= 0, without drift."""
    c = np.asarray(drawdown_sds, dtype=float)[..., None]
    odd, sign = 2.0 * TERMS + 1.0, (-1.0) ** TERMS
    far = 4.0 * np.sum(sign * ndtr(-odd * c), axis=-1)
    safe = np.maximum(c, 1e-3)
    near = 1.0 - 4.0 / np.pi * np.sum(sign / odd * np.exp(-((odd * np.pi / safe) ** 2) / 8.0), axis=-1)
    return np.where(c[..., 0] > 1.0, far, near)


def _quantile_of_range(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The c that max |B| over [0, 1] exceeds with probability p, by bisection."""
    low, high = np.zeros_like(p), 1.0 - ndtri(np.minimum(p, 0.5) / 4.0)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        beyond = drawdown_exceedance(middle) > p
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    return 0.5 * (low + high)
