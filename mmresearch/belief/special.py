"""Special functions that keep their digits for a billion counts and for none.

    ln Gamma(z) = (z - 1/2) ln z - z + ln(2 pi)/2 + remainder(z)
    deviance(k, m) = k ln(k/m) - k + m >= 0
    log_rising(z, k) = ln Gamma(z + k) - ln Gamma(z)

Log densities written with the deviance add terms of one sign (Loader 2000, "Fast and accurate computation of binomial
probabilities"), where differences of ln Gamma lose ten digits at 1e9 counts. From shape 1e5 on the incomplete gamma
function is that of `large_shape`: the series that `scipy.special.gammainc` uses beyond 4.5 standard deviations stops
after 2000 terms, and is 64 % off at shape 1e9 and p = 1e-12. All arguments are pure numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mmresearch.belief.large_shape import LARGE_SHAPE, lower_tail, polished_isf, polished_ppf, upper_tail

LOG_2PI = math.log(2.0 * math.pi)
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_ATANH = np.array([1.0 / (2 * k + 3) for k in range(14)])


def remainder(z: float) -> float:
    """Return what Stirling's formula leaves of ln Gamma(z), for z > 0; about 1/(12 z)."""
    if z < 10.0:
        return math.lgamma(z) - ((z - 0.5) * math.log(z) - z + 0.5 * LOG_2PI)
    square, power, total = 1.0 / (z * z), 1.0 / z, 0.0
    for coefficient in _STIRLING:
        total += coefficient * power
        power *= square
    return total


def log1p_minus(w: ArrayLike) -> NDArray[np.float64]:
    """Return ln(1 + w) - w without cancellation, for w >= -1; an array of at least dimension 0."""
    w = np.asarray(w, dtype=float)
    near = np.abs(w) < 0.3
    small = np.where(near, w, 0.0)
    v = small / (2.0 + small)
    series = np.polynomial.polynomial.polyval(v * v, _ATANH)
    bounded = np.where(near | np.isposinf(w), 0.0, w)
    with np.errstate(divide="ignore"):
        far = np.log1p(bounded) - bounded
    return np.where(near, v * (2.0 * v * v * series - small), np.where(np.isposinf(w), -np.inf, far))


def deviance(k: float, m: ArrayLike) -> NDArray[np.float64]:
    """Return k ln(k/m) - k + m for k > 0 and m >= 0, of the shape of `m`; infinite at m = 0."""
    m = np.asarray(m, dtype=float)
    w = (m - k) / k
    near = np.abs(w) < 0.3
    # Far from k the definition does not cancel, while 1 + w would lose a small m.
    with np.errstate(divide="ignore"):
        far = np.where(np.isposinf(m), np.inf, k * np.log(k / np.where(np.isposinf(m), 1.0, m)) - k + m)
    return np.where(near, -k * log1p_minus(np.where(near, w, 0.0)), far)


def log_rising(z: float, k: float) -> float:
    """Return ln Gamma(z + k) - ln Gamma(z) for z > 0 and k >= 0."""
    if z + k < 50.0:
        return math.lgamma(z + k) - math.lgamma(z)
    gap = remainder(z + k) - remainder(z)
    return (z + k - 0.5) * math.log1p(k / z) + k * (math.log(z) - 1.0) + gap


def gamma_logpdf(u: ArrayLike, shape: float) -> Any:
    """Return the log density of ln U at u, where U ~ Gamma(shape, 1): shape ln u - u - ln Gamma(shape), for u > 0."""
    return 0.5 * (math.log(shape) - LOG_2PI) - remainder(shape) - deviance(shape, u)


def gamma_cdf(u: ArrayLike, shape: float) -> Any:
    """Return the regularised lower incomplete gamma function P(shape, u), for u >= 0."""
    u = np.asarray(u, dtype=float)
    return lower_tail(u, shape) if shape >= LARGE_SHAPE else special.gammainc(shape, u)


def gamma_sf(u: ArrayLike, shape: float) -> Any:
    """Return the regularised upper incomplete gamma function Q(shape, u), for u >= 0."""
    u = np.asarray(u, dtype=float)
    return upper_tail(u, shape) if shape >= LARGE_SHAPE else special.gammaincc(shape, u)


def gamma_ppf(p: ArrayLike, shape: float | NDArray[np.float64]) -> Any:
    """Return u with P(shape, u) = p; NaN outside [0, 1]. Targets and shapes broadcast."""
    p = np.asarray(p, dtype=float)
    found = special.gammaincinv(shape, p)
    return found if isinstance(shape, float) and shape < LARGE_SHAPE else polished_ppf(found, p, shape)


def gamma_isf(q: ArrayLike, shape: float | NDArray[np.float64]) -> Any:
    """Return u with Q(shape, u) = q; NaN outside [0, 1]. Targets and shapes broadcast."""
    q = np.asarray(q, dtype=float)
    found = special.gammainccinv(shape, q)
    return found if isinstance(shape, float) and shape < LARGE_SHAPE else polished_isf(found, q, shape)
