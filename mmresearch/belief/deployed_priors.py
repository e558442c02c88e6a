"""Priors by mean and strength, with the guards of the deployed parameterisation.

Beta            a = m s,  b = (1 - m) s              m in [.001, .999]
Gamma           shape s,  rate s/m                   m >= .001
InverseGamma    a = max(s/2, 2),  b = m (a - 1)      m >= 1e-10
LogNormal       L = ln(1 + cv^2),  mu = ln m - L/2   cv >= .01
"""

from __future__ import annotations

import numpy as np

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal


def beta_from_mean_strength(mean: float, strength: float) -> Beta:
    """Beta whose pseudo-counts add up to the strength."""
    m = float(np.clip(mean, 0.001, 0.999))
    return Beta(m * strength, (1 - m) * strength)


def gamma_from_mean_strength(mean: float, strength: float) -> Gamma:
    """Gamma whose shape is the strength."""
    return Gamma(float(strength), strength / max(mean, 0.001))


def inverse_gamma_from_mean_strength(mean: float, strength: float) -> InverseGamma:
    """Inverse-gamma whose shape is half the strength, at least 2."""
    shape = max(strength / 2, 2.0)
    return InverseGamma(shape, max(mean, 1e-10) * (shape - 1))


def lognormal_from_mean_cv(mean: float, cv: float) -> LogNormal:
    """Log-normal with the given mean and coefficient of variation."""
    variance = float(np.log1p(max(cv, 0.01) ** 2))
    return LogNormal(float(np.log(mean)) - variance / 2, variance)
