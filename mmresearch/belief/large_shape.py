"""The incomplete gamma function of a large shape, and its quantiles: Temme's expansion, element by element, compiled.

With mu = (u - a)/a and eta = sign(mu) sqrt(2 (mu - ln(1 + mu))) (DLMF 8.12.3-8.12.8),

    P(a, u) = Phi(eta sqrt(a)) - R,   Q(a, u) = Phi(-eta sqrt(a)) + R,
    R = exp(-a eta^2/2)/sqrt(2 pi a) sum_k c_k(eta)/a^k.

A quantile is found by Newton's steps on the log of the smaller tail, u <- u - T ln(T/p)/T'(u), from scipy's, which is
up to a third of an sd off. All are ufuncs: `u`, the target and the shape broadcast. Pure numbers; for a >= 1e5.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, vectorize

#: From this shape on the incomplete gamma function is Temme's.
LARGE_SHAPE = 1e5
#: Standard deviations beyond which a tail is 0 or 1.
REACH = 60.0
STEPS = 6

_LOG_2PI = math.log(2.0 * math.pi)
_ATANH = np.array([1.0 / (2 * k + 3) for k in range(14)])
_C0 = np.array([-1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835, -139 / 777600, 1 / 25515, -571 / 261273600])
_C1 = np.array([-1 / 540, -1 / 288, 1 / 378, -77 / 77760])
_C2 = np.array([25 / 6048, -139 / 51840])


@njit(cache=True)
def _polynomial(x, coefficients):
    total = 0.0
    for k in range(coefficients.size - 1, -1, -1):
        total = total * x + coefficients[k]
    return total


@njit(cache=True, error_model="numpy")
def _eta(u, shape):
    """Temme's variable; mu is at most .19 here, so that the series for ln(1 + mu) - mu serves."""
    reach = REACH / math.sqrt(shape)
    mu = min(max((u - shape) / shape, -reach), reach)
    v = mu / (2.0 + mu)
    root = math.sqrt(max(-2.0 * v * (2.0 * v * v * _polynomial(v * v, _ATANH) - mu), 0.0))
    return root if mu >= 0.0 else -root


@njit(cache=True, error_model="numpy")
def _tail(u, shape, lower):
    if math.isnan(u):
        return math.nan
    eta = _eta(u, shape)
    terms = _polynomial(eta, _C0) + _polynomial(eta, _C1) / shape + _polynomial(eta, _C2) / shape**2
    rest = math.exp(-0.5 * shape * eta**2 - 0.5 * (_LOG_2PI + math.log(shape))) * terms
    sign = 1.0 if lower else -1.0
    return 0.5 * math.erfc(-sign * eta * math.sqrt(0.5 * shape)) - sign * rest


@njit(cache=True, error_model="numpy")
def _quantile(first, target, shape, lower):
    if not 0.0 < target < 1.0 or shape < LARGE_SHAPE:
        return first
    small = target <= 0.5
    goal = target if small else 1.0 - target
    left = small == lower
    at = first
    for _ in range(STEPS):
        tail = _tail(at, shape, left)
        # u times the density, but for Stirling's rest, which is below 1e-6: a Newton step need not know it.
        slope = math.exp(-0.5 * shape * _eta(at, shape) ** 2) * math.sqrt(shape) / math.sqrt(2.0 * math.pi)
        step = tail * math.log(tail / goal) * at / slope
        at = at - step if left else at + step
        if abs(step) <= 1e-16 * at:
            break
    return at if math.isfinite(at) else first


@vectorize(cache=True)
def lower_tail(u: float, shape: float) -> float:
    """P(shape, u), for a shape of at least `LARGE_SHAPE`."""
    return _tail(u, shape, True)


@vectorize(cache=True)
def upper_tail(u: float, shape: float) -> float:
    """Q(shape, u), for a shape of at least `LARGE_SHAPE`."""
    return _tail(u, shape, False)


@vectorize(cache=True)
def polished_ppf(first: float, p: float, shape: float) -> float:
    """Return u with P(shape, u) = p; the first guess itself for a smaller shape and for p at an end."""
    return _quantile(first, p, shape, True)


@vectorize(cache=True)
def polished_isf(first: float, q: float, shape: float) -> float:
    """Return u with Q(shape, u) = q; the first guess itself for a smaller shape and for q at an end."""
    return _quantile(first, q, shape, False)
