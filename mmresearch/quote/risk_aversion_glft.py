"""The risk aversion that a target half-spread implies under the closed-form quotes of GLFT, at zero inventory.

With x = gamma/kappa, u = kappa d (the target) and s = kappa sigma/(2 sqrt(2 A)), the half-spread

    d = (1/gamma) ln(1 + gamma/kappa) + c/2,
    c = sqrt(sigma^2 gamma/(2 kappa A) (1 + gamma/kappa)^{1 + kappa/gamma}),

becomes F(x) = ln(1 + x)/x + s R(x) - u = 0 with R(x) = sqrt(x (1 + x)^{1 + 1/x}). From 1/kappa at gamma = 0 it rises
like a square root, may then fall, and rises again: up to three roots. It falls between the two points at which the
ratio of the slopes of its terms is s; that ratio has one peak, .1938 at x = .325, and where s is above it the
half-spread rises throughout, so that no risk aversion quotes below 1/kappa. The smallest root is returned.

Symbols: d fraction of price (fee not included); gamma, kappa 1/(fraction of price); sigma fraction of price per
sqrt(s); A fills per second and side at the mid. Source: Gueant, Lehalle and Fernandez-Tapia (2013), section 4.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mmresearch.quote.quantities import Values, formula
from mmresearch.quote.risk_aversion import RiskAversion, first_term, first_term_slope

#: Where the ratio of the slopes has its peak, and the peak.
PEAK_X, PEAK = 0.3251402, 0.1937655419
#: Below this, s counts as none: the last branch lies beyond what floats can tell.
NO_VOLATILITY = 1e-60
SMALLEST_X = 1e-30
BISECTIONS = 90


@formula("fraction of price")
def closed_form_half_spread(gamma: Values, kappa: Values, sigma_per_sqrt_s: Values, A_per_s: Values) -> Values:
    """Half-spread of the closed form at zero inventory, before the fee, fraction of price.

    Parameters
    ----------
    gamma, kappa : number, array or DataArray
        Risk aversion and decay of the fill intensity, 1/(fraction of price).
    sigma_per_sqrt_s : number, array or DataArray
        Volatility, fraction of price per sqrt(s).
    A_per_s : number, array or DataArray
        Fill intensity at the mid, 1/s per side.
    """
    x = gamma / kappa
    return (first_term(x) + _volatility(kappa, sigma_per_sqrt_s, A_per_s) * _rising(x)) / kappa


@formula("roots, 1/(fraction of price), fraction of price, fraction of price")
def solve_gamma_closed_form(
    target_half_spread_fraction: Values, kappa: Values, sigma_per_sqrt_s: Values, A_per_s: Values
) -> RiskAversion:
    """Find the risk aversions that give a half-spread under the closed form.

    Parameters
    ----------
    target_half_spread_fraction : number, array or DataArray
        Wanted half-spread without the fee, fraction of price.
    kappa : number, array or DataArray
        Decay of the fill intensity, 1/(fraction of price).
    sigma_per_sqrt_s : number, array or DataArray
        Volatility, fraction of price per sqrt(s).
    A_per_s : number, array or DataArray
        Fill intensity at the mid, 1/s per side.

    Returns
    -------
    RiskAversion
        Solutions, their number (0 to 3), and the share of the draws without one.
    """
    u, s, k = np.broadcast_arrays(
        target_half_spread_fraction * kappa, _volatility(kappa, sigma_per_sqrt_s, A_per_s), kappa
    )
    s = np.where(s > NO_VOLATILITY, s, 0.0)
    moved = np.where(s > 0, s, 1.0)
    dips = (s > 0) & (s < PEAK)
    far = np.maximum(moved ** (-2 / 3), PEAK_X)
    top = _crossing(lambda x: s - _ratio(x), np.full_like(s, SMALLEST_X), np.full_like(s, PEAK_X))
    dip = _crossing(lambda x: _ratio(x) - s, np.full_like(s, PEAK_X), far)
    at_top, at_dip = (np.where(dips, first_term(x) + s * _rising(x), 1.0) for x in (top, dip))
    # Without volatility there is neither top nor end of the fall; where it rises throughout, all is the first branch.
    rises = (u > 1) & (s > 0) & (~dips | (u <= at_top))
    falls = np.where(s > 0, dips & (u < at_top) & (u >= at_dip), u < 1)
    rises_again = dips & (u > at_dip)

    def below(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return u - first_term(x) - s * _rising(x)

    # s R(x) > s x and ln(1 + x)/x < 2/sqrt(x): the target is passed on either way.
    end = np.maximum(np.where(s > 0, u / moved, 0.0), 4.0 / u**2)
    first = _crossing(below, np.full_like(s, SMALLEST_X), np.where(dips, top, end))
    second = _crossing(lambda x: -below(x), np.where(dips, top, SMALLEST_X), np.where(dips, dip, end))
    third = _crossing(below, dip, np.maximum(end, dip))
    x = np.select([rises, falls, rises_again], [first, second, third], np.nan)
    roots = rises.astype(float) + falls + rises_again
    least = np.where(s > 0, np.minimum(at_dip, 1.0), 0.0)
    return RiskAversion(roots, x * k, least / k, 1.0 / k)


def _volatility(kappa: Values, sigma_per_sqrt_s: Values, A_per_s: Values) -> Values:
    """Return s = kappa sigma/(2 sqrt(2 A)), which weighs the second term."""
    return kappa * sigma_per_sqrt_s / (2.0 * np.sqrt(2.0 * A_per_s))


def _rising(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """R(x) = sqrt(x (1 + x)^{1 + 1/x}): like sqrt(e x) at 0, like x far out."""
    return np.exp(0.5 * (np.log(x) + (1.0 + 1.0 / x) * np.log1p(x)))


def _ratio(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """How fast the first term falls, in units of how fast R rises."""
    slope = _rising(x) * (1.0 - 0.5 * first_term(x)) / x
    return -first_term_slope(x) / slope


def _crossing(
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bisect in log x between a `low` where `value` is positive and a `high` where it is not."""
    left, right = np.log(low), np.log(high)
    for _ in range(BISECTIONS):
        middle = 0.5 * (left + right)
        positive = value(np.exp(middle)) > 0
        left, right = np.where(positive, middle, left), np.where(positive, right, middle)
    return np.exp(0.5 * (left + right))
