"""Gamma: a belief about a rate or a positive number, updated by counts and exposure.

    theta ~ Gamma(s, r) (rate form),   n events in exposure E:  theta ~ Gamma(s + n, r + E)

The same algebra serves Poisson counts (E = time) and exponential observations (E = their sum).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_counts, require_positive


@dataclass(frozen=True)
class Gamma(Distribution):
    """Gamma distribution over a positive number.

    Parameters
    ----------
    shape : float
        Pseudo-count of events.
    rate : float
        Pseudo-exposure, in the inverse unit of the parameter.
    """

    shape: float
    rate: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(shape=self.shape, rate=self.rate)

    def mean(self) -> float:
        """Shape over rate."""
        return self.shape / self.rate

    def var(self) -> float:
        """Variance."""
        return self.shape / self.rate**2

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        return special.gammainc(self.shape, self.rate * np.maximum(x, 0.0))

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        return special.gammaincinv(self.shape, p) / self.rate

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density; minus infinity at negative numbers."""
        return stats.gamma.logpdf(x, self.shape, scale=1 / self.rate)

    def update(self, count: float, exposure: float) -> Gamma:
        """Return the belief after `count` events in `exposure`."""
        require_counts(count=count, exposure=exposure)
        return Gamma(self.shape + count, self.rate + exposure)

    def log_marginal(self, count: float, exposure: float) -> float:
        """Log marginal likelihood of exponential observations, or of event times in an exposure.

        For a Poisson *count* add ``count ln(exposure) - ln(count!)``: see `log_marginal_count`.
        """
        require_counts(count=count, exposure=exposure)
        after = self.shape + count
        return float(
            self.shape * np.log(self.rate)
            - after * np.log(self.rate + exposure)
            + special.gammaln(after)
            - special.gammaln(self.shape)
        )

    def log_marginal_count(self, count: float, exposure: float) -> float:
        """Log probability of a Poisson count in an exposure, the rate integrated out."""
        return self.log_marginal(count, exposure) + float(special.xlogy(count, exposure) - special.gammaln(count + 1))

    def predictive(self, exposure: float = 1.0):
        """Poisson count in the next exposure: negative binomial (frozen scipy distribution)."""
        require_positive(exposure=exposure)
        return stats.nbinom(self.shape, self.rate / (self.rate + exposure))

    def predictive_exponential(self):
        """Return the law of the next exponential observation: Lomax (frozen scipy distribution)."""
        return stats.lomax(self.shape, scale=self.rate)
