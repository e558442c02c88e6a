"""The five families by name, and how a typed-in number becomes a prior of each.

A prior is written as its mean and one number that says how firm it is:

    Beta, Gamma        mean m, strength s      a = m s, b = (1 - m) s;   shape = s, rate = s/m
    Normal             mean m, variance v      N(m, v)
    InverseGamma       mean m, strength s      shape = max(s/2, 2), scale = m (shape - 1)
    LogNormal          mean m, cv c            variance = ln(1 + c^2), mu = ln m - variance/2

Guards, as in the deployed system, move a number that would break its family to the nearest that does not. Mean and
square root of the variance are in the unit of the parameter; strength is a number of pseudo-events; cv = sd/mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma

Family = Beta | Gamma | Normal | NormalInverseGamma | InverseGamma | LogNormal


def beta_from_mean_strength(mean: float, strength: float) -> Beta:
    """Return the Beta with that mean (kept in [.001, .999]) and a + b = `strength`."""
    m = min(max(mean, 0.001), 0.999)
    return Beta(m * strength, (1.0 - m) * strength)


def gamma_from_mean_strength(mean: float, strength: float) -> Gamma:
    """Return the Gamma with that mean (at least .001) and shape `strength`."""
    return Gamma(strength, strength / max(mean, 0.001))


def normal_from_mean_variance(mean: float, variance: float) -> Normal:
    """Return the Normal with that mean and variance (at least 1e-10)."""
    return Normal(mean, max(variance, 1e-10))


def inverse_gamma_from_mean_strength(mean: float, strength: float) -> InverseGamma:
    """Return the inverse gamma with that mean (at least 1e-10) and shape strength/2, at least 2."""
    shape = max(0.5 * strength, 2.0)
    return InverseGamma(shape, max(mean, 1e-10) * (shape - 1.0))


def lognormal_from_mean_cv(mean: float, cv: float) -> LogNormal:
    """Return the log-normal with that mean and ratio of sd to mean (at least .01).

    Raises
    ------
    ValueError
        If the mean is not positive: the deployed rule has no guard here.
    """
    if not mean > 0.0:
        raise ValueError(f"a log-normal of mean {mean!r} was asked for; its mean must be positive")
    variance = math.log1p(max(cv, 0.01) ** 2)
    return LogNormal(math.log(mean) - 0.5 * variance, variance)


#: Name -> class, as the names stand in saved files.
FAMILIES: Mapping[str, type[Family]] = MappingProxyType(
    {"Beta": Beta, "Gamma": Gamma, "Normal": Normal, "InverseGamma": InverseGamma, "LogNormal": LogNormal}
)

#: Name -> (mean, firmness) -> prior.
CONSTRUCTORS: Mapping[str, Callable[[float, float], Family]] = MappingProxyType(
    {
        "Beta": beta_from_mean_strength,
        "Gamma": gamma_from_mean_strength,
        "Normal": normal_from_mean_variance,
        "InverseGamma": inverse_gamma_from_mean_strength,
        "LogNormal": lognormal_from_mean_cv,
    }
)

#: Name -> what its second number is called.
FIRMNESS: Mapping[str, str] = MappingProxyType(
    {"Beta": "strength", "Gamma": "strength", "Normal": "variance", "InverseGamma": "strength", "LogNormal": "cv"}
)


def family_from_mean(family: str, mean: float, firmness: float) -> Family:
    """Return the prior of a named family with that mean.

    Parameters
    ----------
    family : {"Beta", "Gamma", "Normal", "InverseGamma", "LogNormal"}
        Which.
    mean : float
        In the unit of the parameter.
    firmness : float
        Strength, variance or cv: see `FIRMNESS`.

    Raises
    ------
    ValueError
        If there is no such family, or its numbers make no distribution.
    """
    if family not in CONSTRUCTORS:
        raise ValueError(f"there is no family {family!r}; there are {', '.join(CONSTRUCTORS)}")
    return CONSTRUCTORS[family](mean, firmness)
