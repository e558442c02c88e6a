"""Beta: a belief about a probability, updated by successes and failures.

    theta ~ Beta(a, b),    k of n successes:  theta ~ Beta(a + k, b + n - k)

Log marginal likelihood of a sequence with those counts: ln B(a + k, b + n - k) - ln B(a, b), as rising factorials, so
that one label after a billion keeps its digits. Counts may be fractions: forgetting makes them so.
Reference: Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_counts, require_positive
from mmresearch.belief.special import LOG_2PI, deviance, log_rising, remainder


@dataclass(frozen=True)
class Beta(Distribution):
    """Beta distribution over a probability.

    Parameters
    ----------
    a, b : float
        Pseudo-counts of successes and failures.
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(a=self.a, b=self.b)

    def mean(self) -> float:
        """A / (a + b)."""
        return self.a / (self.a + self.b)

    def var(self) -> float:
        """Variance."""
        n = self.a + self.b
        return (self.a / n) * (self.b / n) / (n + 1)

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        return special.betainc(self.a, self.b, np.clip(x, 0.0, 1.0))

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        return special.betaincinv(self.a, self.b, np.asarray(p, dtype=float))

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density per unit of probability; minus infinity outside [0, 1]."""
        x = np.asarray(x, dtype=float)
        inside = (x > 0) & (x < 1)
        safe = np.where(inside, x, 0.5)
        a, b, n = self.a, self.b, self.a + self.b
        constant = 0.5 * (math.log(a) + math.log(b / n) - LOG_2PI) + remainder(n) - remainder(a) - remainder(b)
        value = constant - deviance(a, n * safe) - deviance(b, n * (1 - safe)) - np.log(safe * (1 - safe))
        edge = np.where(x == 0, _at_edge(a, b), np.where(x == 1, _at_edge(b, a), -np.inf))
        return np.where(inside, value, np.where(np.isnan(x), np.nan, edge))[()]

    def update(self, successes: float, failures: float) -> Beta:
        """Return the belief after the given counts (fractions are allowed: forgetting discounts them)."""
        require_counts(successes=successes, failures=failures)
        return Beta(self.a + successes, self.b + failures)

    @staticmethod
    def log_likelihood(theta: ArrayLike, successes: float, failures: float) -> Any:
        """Log probability of one sequence with these counts, given theta."""
        theta = np.asarray(theta, dtype=float)
        return special.xlogy(successes, theta) + special.xlog1py(failures, -theta)

    def log_marginal(self, successes: float, failures: float) -> float:
        """Log probability of one sequence with these counts, theta integrated out."""
        require_counts(successes=successes, failures=failures)
        both = log_rising(self.a + self.b, successes + failures)
        return log_rising(self.a, successes) + log_rising(self.b, failures) - both

    def predictive(self, n: int = 1) -> Any:
        """Successes among the next n trials: beta-binomial (frozen scipy distribution)."""
        return stats.betabinom(n, self.a, self.b)


def _at_edge(near: float, far: float) -> float:
    """Log density at the edge that the count `near` governs: finite only for a count of one."""
    return math.log(far) if near == 1 else math.copysign(math.inf, 1 - near)
