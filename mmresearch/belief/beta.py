"""Beta: a belief about a probability, updated by successes and failures.

    theta ~ Beta(a, b),    k of n successes:  theta ~ Beta(a + k, b + n - k)

Log marginal likelihood of a sequence with those counts: ln B(a + k, b + n - k) - ln B(a, b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_counts, require_positive


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
        return self.a * self.b / (n * n * (n + 1))

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        return special.betainc(self.a, self.b, np.clip(x, 0.0, 1.0))

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        return special.betaincinv(self.a, self.b, p)

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density; minus infinity outside (0, 1)."""
        return stats.beta.logpdf(x, self.a, self.b)

    def update(self, successes: float, failures: float) -> Beta:
        """Return the belief after the given counts (fractions are allowed: forgetting discounts them)."""
        require_counts(successes=successes, failures=failures)
        return Beta(self.a + successes, self.b + failures)

    def log_marginal(self, successes: float, failures: float) -> float:
        """Log probability of one sequence with these counts, theta integrated out."""
        require_counts(successes=successes, failures=failures)
        return float(special.betaln(self.a + successes, self.b + failures) - special.betaln(self.a, self.b))

    def predictive(self, n: int = 1):
        """Successes among the next n trials: beta-binomial (frozen scipy distribution)."""
        return stats.betabinom(n, self.a, self.b)
