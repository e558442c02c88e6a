"""The risk aversion that a target half-spread implies: the half-spread of the quote, solved for gamma.

With x = gamma/kappa, u = kappa d (the target) and w = (kappa sigma)^2 T/2, the quoted half-spread

    d = (1/gamma) ln(1 + gamma/kappa) + gamma sigma^2 T/2        becomes        F(x) = ln(1 + x)/x + w x - u = 0.

F is convex with F(0) = 1 - u. Its first term *falls* from 1, so the quote without its volatility term stays below
1/kappa: no risk aversion widens it beyond. The second term makes it rise again. So there are, for x > 0,

    none or two roots if u < 1 and w < 1/2 (one where they meet),  none if u <= 1 and w >= 1/2,  one otherwise.

Of two, the smaller is returned: the same quote with less inventory risk taken off the table. Newton's method from the
side on which a convex function lies above zero never oversteps its root, which makes the search safe for all draws at
once. Symbols: d fraction of price (fee not included); kappa, gamma 1/(fraction of price); sigma fraction of price per
sqrt(s); T holding time in s. Source: Avellaneda and Stoikov (2008), section 3; Gueant, Lehalle and Fernandez-Tapia
(2013) for the first term, whose own second term is in `risk_aversion_glft`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmresearch.quote.quantities import Values, formula

#: Below this the closed forms of the slopes cancel, and their series is used.
SMALL = 0.02
STEPS = 400
#: Below this, w counts as none: its second branch lies beyond the range of floats.
NO_VOLATILITY = 1e-250
_POWERS = np.arange(12)

type Curve = Callable[[NDArray[np.float64], NDArray[np.intp]], NDArray[np.float64]]


class NoSolutionError(ValueError):
    """No risk aversion gives the wanted half-spread."""


@dataclass(frozen=True)
class RiskAversion:
    """Solutions for gamma, and where there are none.

    Attributes
    ----------
    roots : number, array or DataArray
        How many risk aversions give the half-spread: 0, 1 or 2; under the closed form of GLFT up to 3.
    smallest : number, array or DataArray
        The smallest of them, 1/(fraction of price); NaN where `roots` is 0. Read `gamma` or `solved` instead.
    least_half_spread_fraction : number, array or DataArray
        The least half-spread that any gamma gives, fraction of price; 0 without the volatility term.
    neutral_half_spread_fraction : number, array or DataArray
        The half-spread without risk aversion, 1/kappa, fraction of price.
    """

    roots: Values
    smallest: Values
    least_half_spread_fraction: Values
    neutral_half_spread_fraction: Values

    @property
    def share_without_solution(self) -> float:
        """Share of the draws, in [0, 1], for which no gamma gives the half-spread."""
        return float(np.mean(np.asarray(self.roots) == 0))

    @property
    def gamma(self) -> Values:
        """The smallest solution of every draw, 1/(fraction of price), of the kind of the inputs.

        Raises
        ------
        NoSolutionError
            If some draw has none. `solved` has the others, whose law is then conditional on there being one.
        """
        if self.share_without_solution > 0:
            raise NoSolutionError(self._why())
        return self.smallest

    def _why(self) -> str:
        none = np.asarray(self.roots) == 0
        least = 1e4 * np.asarray(self.least_half_spread_fraction)[none]
        neutral = 1e4 * np.asarray(self.neutral_half_spread_fraction)[none]
        draws = "" if np.ndim(self.roots) == 0 else f" in {self.share_without_solution:.2%} of the draws"
        capped = "without the volatility term it stays below 1/kappa"
        room = f"{capped}, {_span(neutral)} bps" if np.all(least == 0) else f"it is at least {_span(least)} bps there"
        return f"no gamma gives this half-spread{draws}: {room}. Change the target, or read `solved` and the share"

    @property
    def solved(self) -> NDArray[np.float64]:
        """Solutions of the draws that have one, shape (n,): their law is conditional on that, so report the share."""
        return np.asarray(self.smallest, dtype=float)[np.asarray(self.roots) > 0]


@formula("fraction of price")
def half_spread(gamma: Values, kappa: Values, sigma_per_sqrt_s: Values, horizon_s: Values) -> Values:
    """Half-spread that the quote has before the fee, (1/gamma) ln(1 + gamma/kappa) + gamma sigma^2 T/2.

    Parameters
    ----------
    gamma, kappa : number, array or DataArray
        Risk aversion and decay of the fill intensity, 1/(fraction of price).
    sigma_per_sqrt_s : number, array or DataArray
        Volatility, fraction of price per sqrt(s).
    horizon_s : number, array or DataArray
        Holding time T, s.
    """
    return first_term(gamma / kappa) / kappa + 0.5 * gamma * sigma_per_sqrt_s**2 * horizon_s


@formula("roots, 1/(fraction of price), fraction of price, fraction of price")
def solve_gamma(
    target_half_spread_fraction: Values, kappa: Values, sigma_per_sqrt_s: Values = 0.0, horizon_s: Values = 0.0
) -> RiskAversion:
    """Find the risk aversions that give a half-spread.

    Parameters
    ----------
    target_half_spread_fraction : number, array or DataArray
        Wanted half-spread without the fee, fraction of price.
    kappa : number, array or DataArray
        Decay of the fill intensity, 1/(fraction of price).
    sigma_per_sqrt_s : number, array or DataArray
        Volatility, fraction of price per sqrt(s); 0 leaves the first term alone.
    horizon_s : number, array or DataArray
        Holding time T, s.

    Returns
    -------
    RiskAversion
        Solutions, their number, and the share of the draws without one.
    """
    wanted, tight = target_half_spread_fraction * kappa, 0.5 * (kappa * sigma_per_sqrt_s) ** 2 * horizon_s
    tight = np.where(tight > NO_VOLATILITY, tight, 0.0)
    shape = np.broadcast_shapes(wanted.shape, tight.shape)
    u, w = (np.broadcast_to(a, shape).ravel() for a in (wanted, tight))
    bottom = _bottom(w)
    least = np.where(w > 0, first_term(bottom) + w * bottom, 0.0)
    falls = (u < 1) & (w < 0.5) & (least <= u)
    rises = (w > 0) & ((u > 1) | ((u == 1) & (w < 0.5)))

    def above(x: NDArray[np.float64], i: NDArray[np.intp]) -> NDArray[np.float64]:
        return first_term(x) + w[i] * x - u[i]

    def steepness(x: NDArray[np.float64], i: NDArray[np.intp]) -> NDArray[np.float64]:
        return first_term_slope(x) + w[i]

    left = _newton(above, steepness, np.zeros_like(u), falls)
    # Right of the root: there w x alone reaches the target.
    right = _newton(above, steepness, u / np.where(w > 0, w, 1.0), rises)
    x = np.where(falls, left, np.where(rises, right, np.nan))
    # Without the volatility term there is no second branch, and where the two meet there is one root.
    roots = np.where(falls, np.where((w > 0) & (least < u), 2.0, 1.0), rises.astype(float))
    neutral = np.broadcast_to(1.0 / kappa, shape)
    return RiskAversion(roots.reshape(shape), x.reshape(shape) * kappa, least.reshape(shape) / kappa, neutral)


@formula("1/(fraction of price)")
def gamma_from_glft(
    target_half_spread_fraction: Values, kappa: Values, sigma_per_sqrt_s: Values = 0.0, horizon_s: Values = 0.0
) -> Values:
    """Smallest risk aversion that gives a half-spread; an error where there is none.

    Parameters
    ----------
    target_half_spread_fraction, kappa, sigma_per_sqrt_s, horizon_s : number, array or DataArray
        As for `solve_gamma`, which does not raise but counts the draws without a solution.

    Raises
    ------
    NoSolutionError
        If some draw has no solution.
    """
    return solve_gamma(target_half_spread_fraction, kappa, sigma_per_sqrt_s, horizon_s).gamma


def _span(values: NDArray[np.float64]) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def first_term(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """First term of the half-spread times kappa, ln(1 + x)/x, x = gamma/kappa: falls from 1 at 0 to 0."""
    safe = np.where(x > 0, x, 1.0)
    return np.where(x > 0, np.log1p(safe) / safe, 1.0)


def first_term_slope(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivative of ln(1 + x)/x at x >= 0: from -1/2 at 0 to 0."""
    safe = np.where(x > SMALL, x, 1.0)
    closed = (safe / (1.0 + safe) - np.log1p(safe)) / safe / safe
    return np.where(x > SMALL, closed, _series(x, -(_POWERS + 1.0) / (_POWERS + 2.0)))


def _bend(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Second derivative of ln(1 + x)/x: from 2/3 at 0 to 0."""
    safe = np.where(x > SMALL, x, 1.0)
    share = safe / (1.0 + safe)
    closed = (2.0 * (np.log1p(safe) - share) - share**2) / safe / safe / safe
    return np.where(x > SMALL, closed, _series(x, (_POWERS + 1.0) * (_POWERS + 2.0) / (_POWERS + 3.0)))


def _series(x: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of sizes[j] (-x)^j, near 0."""
    near = np.where(x > SMALL, 0.0, x)
    return np.asarray(np.polynomial.polynomial.polyval(-near, sizes), dtype=float)


def _bottom(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where F is least: its slope, which rises and is concave, crosses zero; 0 where it rises throughout."""
    there = (w > 0) & (w < 0.5)
    return _newton(lambda x, i: first_term_slope(x) + w[i], lambda x, _: _bend(x), np.zeros_like(w), there)


def _newton(value: Curve, slope: Curve, start: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Newton's method from the safe side, for the elements in `where`, until rounding carries it past the root."""
    out, moving = start.copy(), np.flatnonzero(where)
    sign = np.sign(value(out, np.arange(out.size)))
    for _ in range(STEPS):
        x = out[moving]
        height, rate = value(x, moving), slope(x, moving)
        ahead = (height * sign[moving] > 0) & (rate != 0)
        moved = x - np.where(ahead, height, 0.0) / np.where(ahead, rate, 1.0)
        out[moving] = moved
        moving = moving[moved != x]
        if not moving.size:
            break
    return out
