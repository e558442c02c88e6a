"""How wide an interval will be after n more events, expected over what they may be: exact for three families.

    Beta    sum_k P(k) width(Beta(a + k, b + n - k)),   k beta-binomial
    Gamma   mean times the width of Gamma(shape + n, rate = shape + n)
    Normal-inverse-gamma   width of t_{2a + n} times sqrt(E'/((a + n/2)(count + n))),
                           sqrt(E') = E sqrt(scale') = sqrt(scale) B(a - 1/2, n/2)/B(a, n/2),   a the shape

For the Gamma the shape after n events is no chance, and the mean is a martingale. For the Normal-inverse-gamma
scale/scale' ~ Beta(a, n/2), since 2 (scale' - scale) is chi-squared with n degrees of freedom times the variance.
Widths in the unit of the parameter. Reference for the idea: DeGroot, Optimal Statistical Decisions (1970), chapter 9.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.normal import NormalInverseGamma

Conjugate = Beta | Gamma | NormalInverseGamma
#: Beyond this many labels the beta-binomial sum is taken over that many strata of equal probability.
STRATA = 2048


def expected_width(belief: Conjugate, n: int, level: float = 0.9) -> float:
    """Return the width of the equal-tailed interval after `n` more independent events, expected over what they may be.

    Parameters
    ----------
    belief : Beta, Gamma or NormalInverseGamma
        What is believed now.
    n : int
        Further labels, events of the rate, or observations.
    level : float
        Probability that the interval holds.

    Raises
    ------
    ValueError
        If the belief is of another kind, `n` negative, or the level outside (0, 1).
    """
    if n < 0:
        raise ValueError(f"further events cannot be {n}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
    tails = np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level])
    if isinstance(belief, Beta):
        return _beta_width(belief, n, tails)
    if isinstance(belief, Gamma):
        low, high = Gamma(belief.shape + n, belief.shape + n).ppf(tails)
        return float((high - low) * belief.mean())
    if isinstance(belief, NormalInverseGamma):
        return _t_width(belief, n, tails)
    raise ValueError(
        f"no exact answer for a {type(belief).__name__}; "
        "give the Gamma, Beta or NormalInverseGamma with its mean and sd"
    )


def _beta_width(belief: Beta, n: int, tails: NDArray[np.float64]) -> float:
    successes, weight = np.arange(n + 1), np.ones(1)
    if n:
        weight = stats.betabinom.pmf(successes, n, belief.a, belief.b)
    if n > STRATA:
        middle = (np.arange(STRATA) + 0.5) / STRATA
        successes = np.searchsorted(np.cumsum(weight) / weight.sum(), middle)
        weight = np.full(STRATA, 1 / STRATA)
    low, high = special.betaincinv(belief.a + successes, belief.b + n - successes, tails[:, None])
    return float(weight @ (high - low) / weight.sum())


def _t_width(belief: NormalInverseGamma, n: int, tails: NDArray[np.float64]) -> float:
    a, half = belief.shape, 0.5 * n
    if not a > 0.5:
        return math.inf
    growth = math.exp(special.betaln(a - 0.5, half) - special.betaln(a, half)) if n else 1.0
    spread = math.sqrt(belief.scale / (a + half) / (belief.count + n)) * growth
    low, high = special.stdtrit(2 * (a + half), tails)
    return float((high - low) * spread)
