"""Predictive laws of single values: log density, P(Y < y), P(Y <= y), elementwise over draws and values.

How each distribution function is found:

    beta-binomial      sum of probabilities from the nearer end, each from the one before by its ratio
    negative binomial  mean m and size a, variance m + m^2/a; regularised incomplete beta function
    mixtures           weights along the last axis
"""

from __future__ import annotations

import numpy as np
from scipy import special

from mmresearch.models.criticism.rows import FloatArray, Law

_HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)


def normal(y: FloatArray, mean: FloatArray, sd: FloatArray) -> Law:
    """Normal of a mean and an sd."""
    z = (y - mean) / sd
    cdf = special.ndtr(z)
    return -0.5 * z**2 - np.log(sd) - _HALF_LOG_TAU, cdf, cdf


def student_t(y: FloatArray, nu: FloatArray, mean: FloatArray, scale: FloatArray) -> Law:
    """Student-t of a location and a scale.

    Parameters
    ----------
    y : ndarray
        Values.
    nu, mean, scale : ndarray
        Degrees of freedom, location and scale, broadcast against the values.
    """
    z = (y - mean) / scale
    constant = special.gammaln(0.5 * (nu + 1)) - special.gammaln(0.5 * nu) - 0.5 * np.log(np.pi * nu)
    cdf = special.stdtr(nu, z)
    return constant - np.log(scale) - 0.5 * (nu + 1) * np.log1p(z**2 / nu), cdf, cdf


def poisson(k: FloatArray, mean: FloatArray) -> Law:
    """Poisson of a mean."""
    log_pmf = special.xlogy(k, mean) - mean - special.gammaln(k + 1)
    return _discrete(log_pmf, special.pdtr(k, mean))


def negative_binomial(k: FloatArray, mean: FloatArray, size: FloatArray) -> Law:
    """Negative binomial of a mean and a size."""
    constant = special.gammaln(k + size) - special.gammaln(size) - special.gammaln(k + 1)
    log_pmf = constant - size * np.log1p(mean / size) + special.xlogy(k, mean / (mean + size))
    return _discrete(log_pmf, special.betainc(size, k + 1, size / (size + mean)))


def binomial(k: FloatArray, n: FloatArray, p: FloatArray) -> Law:
    """Binomial of a number and a probability."""
    constant = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    log_pmf = constant + special.xlogy(k, p) + special.xlog1py(n - k, -p)
    return _discrete(log_pmf, special.bdtr(k, np.asarray(n, dtype=int), p))


def beta_binomial(k: float, n: float, a: FloatArray, b: FloatArray) -> Law:
    """Beta-binomial of one count at many draws.

    Parameters
    ----------
    k, n : float
        Count, and out of how many.
    a, b : ndarray, shape (S,)
        Of the Beta.
    """
    log_c = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    log_pmf = log_c + special.betaln(k + a, n - k + b) - special.betaln(a, b)
    if 2 * k <= n:
        return _discrete(log_pmf, _lower(k, n, a, b) + np.exp(log_pmf))
    return _discrete(log_pmf, 1.0 - _lower(n - k, n, b, a))


def _lower(k: float, n: float, a: FloatArray, b: FloatArray) -> FloatArray:
    """P(Y < k) of a beta-binomial."""
    if k == 0:
        return np.zeros_like(a)
    j = np.arange(k - 1)
    ratio = np.log(n - j) - np.log(j + 1) + np.log(j + a[:, None]) - np.log(n - j - 1 + b[:, None])
    first = special.betaln(a, n + b) - special.betaln(a, b)
    return np.exp(first) + np.exp(first[:, None] + np.cumsum(ratio, axis=1)).sum(axis=1)


def stacked(laws: list[Law], draws: int) -> Law:
    """Put laws of single values, each of shape (S,), beside each other."""
    if not laws:
        none = np.zeros((draws, 0))
        return none, none, none
    density, below, upto = (np.stack(column, axis=1) for column in zip(*laws, strict=True))
    return density, below, upto


def mixture(law: Law, log_weight: FloatArray) -> Law:
    """Mix laws along their last axis, weights broadcast against them."""
    log_density, below, upto = law
    weight = np.exp(log_weight)
    mixed = special.logsumexp(log_density + log_weight, axis=-1)
    low = (below * weight).sum(axis=-1)
    return mixed, low, low if upto is below else (upto * weight).sum(axis=-1)


def _discrete(log_pmf: FloatArray, upto: FloatArray) -> Law:
    upto = np.clip(upto, 0.0, 1.0)
    return log_pmf, np.clip(upto - np.exp(log_pmf), 0.0, 1.0), upto
