"""The member of a family that is nearest to draws: the one that gives them the greatest likelihood.

It minimises KL(draws || family), the nats that a reader of the draws loses by believing the family, and for an
exponential family it is where the expected sufficient statistics agree:

    Gamma         E x,  E ln x                 shape: ln a - psi(a) = ln E x - E ln x,   rate = a/E x
    InverseGamma  E 1/x,  E ln x               1/x is Gamma
    Beta          E ln x,  E ln(1 - x)         psi(a) - psi(a + b) = E ln x,  psi(b) - psi(a + b) = E ln(1 - x)
    Normal        E x,  E x^2
    LogNormal     E ln x,  E (ln x)^2
    NormalInverseGamma (mean m, variance v)    E 1/v,  E ln v,  E m/v,  E m^2/v

Draws in the unit of the parameter. References: Bishop 2006, section 10.7 (moment projection); Minka 2002 (estimating a
Gamma).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from mmresearch.belief.beta import Beta
from mmresearch.belief.contract import Distribution
from mmresearch.belief.families import FAMILIES, Family
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma

FloatArray = NDArray[np.float64]

#: Least shape of an inverse gamma, as the deployed system guards it: its mean must exist.
LEAST_SHAPE = 2.0
#: Shapes between which a solution is looked for.
_SHAPES = (1e-6, 1e12)


class ProjectionError(ValueError):
    """Draws that no member of the family is nearest to."""


def project(family: str, draws: ArrayLike) -> Family:
    """Return the nearest member of a family.

    Parameters
    ----------
    family : {"Beta", "Gamma", "Normal", "InverseGamma", "LogNormal"}
        Which. An inverse gamma has a shape of at least `LEAST_SHAPE`; where that binds, the scale is the best for it.
    draws : array_like
        At least two different ones, in the unit of the parameter.

    Raises
    ------
    ProjectionError
        If there is no such family, if the draws are not finite or all the same, or lie where the family cannot.
    """
    x = np.asarray(draws, dtype=np.float64).ravel()
    if family not in FAMILIES:
        raise ProjectionError(f"there is no family {family!r}; there are {', '.join(FAMILIES)}")
    if x.size < 2 or not np.isfinite(x).all() or np.ptp(x) == 0:
        raise ProjectionError(f"a {family} needs finite draws that differ, got {x.size} of them")
    if family != "Normal" and (x.min() <= 0 or (family == "Beta" and x.max() >= 1)):
        raise ProjectionError(f"a {family} cannot hold draws from {x.min():.6g} to {x.max():.6g}")
    if family == "Normal":
        return Normal(float(x.mean()), float(x.var()))
    if family == "LogNormal":
        return LogNormal(float(np.log(x).mean()), float(np.log(x).var()))
    if family == "Beta":
        return _beta(float(np.log(x).mean()), float(np.log1p(-x).mean()))
    if family == "Gamma":
        shape = _gamma_shape(x)
        return Gamma(shape, shape / float(x.mean()))
    shape = max(_gamma_shape(1 / x), LEAST_SHAPE)
    return InverseGamma(shape, shape / float((1 / x).mean()))


def project_mean_and_variance(means: ArrayLike, variances: ArrayLike) -> NormalInverseGamma:
    """Return the normal-inverse-gamma that is nearest to joint draws of a mean and a variance.

    Parameters
    ----------
    means : array_like
        Draws of the mean, in the unit of the data.
    variances : array_like
        Draws of the variance of one observation that belong to them, positive, in squared units.

    Raises
    ------
    ProjectionError
        If they differ in number, or a variance is not positive.
    """
    m, v = (np.asarray(x, dtype=np.float64).ravel() for x in (means, variances))
    if m.size != v.size or not (v > 0).all():
        raise ProjectionError(f"each mean needs a positive variance, got {m.size} means and {v.size} variances")
    shape, precision = _gamma_shape(1 / v), float((1 / v).mean())
    location = float((m / v).mean()) / precision
    return NormalInverseGamma(location, 1 / float(((m - location) ** 2 / v).mean()), shape, shape / precision)


def divergence(draws: ArrayLike, log_density: ArrayLike, belief: Distribution) -> tuple[float, float]:
    """Estimate KL(p || belief) from draws of p and the log density of p at them.

    Parameters
    ----------
    draws : array_like, shape (S,)
        Independent draws of p.
    log_density : array_like, shape (S,)
        ln p at them, per unit of the parameter.
    belief : Distribution
        What is believed in the place of p.

    Returns
    -------
    value, error : float
        In nats, and its Monte Carlo standard error.
    """
    loss = np.asarray(log_density, dtype=np.float64) - np.asarray(belief.logpdf(draws), dtype=np.float64)
    return float(loss.mean()), float(loss.std(ddof=1) / np.sqrt(loss.size))


def _gamma_shape(x: FloatArray) -> float:
    """Return the shape at which ln a - psi(a) is what the draws say."""
    wanted = float(np.log(x.mean()) - np.log(x).mean())

    def gap(log_shape: float) -> float:
        shape = np.exp(log_shape)
        return float(np.log(shape) - special.digamma(shape)) - wanted

    low, high = np.log(_SHAPES)
    if gap(low) < 0 or gap(high) > 0:
        raise ProjectionError(f"no Gamma is nearest to draws from {x.min():.6g} to {x.max():.6g}")
    return float(np.exp(optimize.brentq(gap, low, high, xtol=1e-13)))


def _beta(log_mean: float, log_mean_of_rest: float) -> Beta:
    """Newton's method on the log scale of (a, b); the likelihood has one maximum."""
    wanted = np.array([log_mean, log_mean_of_rest])

    def gap(logs: FloatArray) -> Any:
        counts = np.exp(logs)
        return special.digamma(counts) - special.digamma(counts.sum()) - wanted

    def slope(logs: FloatArray) -> Any:
        counts = np.exp(logs)
        return (np.diag(special.polygamma(1, counts)) - special.polygamma(1, counts.sum())) * counts

    share = np.exp(wanted) / np.exp(wanted).sum()
    spread = max(1.0 - float(np.exp(wanted).sum()), 1e-12)
    start = np.log(np.maximum(share * (0.5 + 0.5 / spread), 1e-3))
    found = optimize.root(gap, start, jac=slope, tol=1e-12)
    if np.abs(gap(found.x)).max() > 1e-8:
        raise ProjectionError(
            f"no Beta is nearest to draws with E ln x {log_mean:.6g}, E ln(1-x) {log_mean_of_rest:.6g}"
        )
    a, b = np.exp(found.x)
    return Beta(float(a), float(b))
