"""What a belief is: a distribution with five methods. A frozen `scipy.stats` distribution qualifies.

    P(theta <= x) = cdf(x),   cdf(ppf(p)) = p,   interval(c) = [ppf((1 - c)/2), ppf((1 + c)/2)]

theta and x are in the unit of the parameter that is believed about. The families and the grid of this room offer more:
variance, log density and exact equal-tailed intervals.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Seed = int | np.random.Generator | None


@runtime_checkable
class Belief(Protocol):
    """A probability distribution over one number, in the unit of its parameter."""

    def mean(self) -> float:
        """Expectation."""
        ...

    def std(self) -> float:
        """Standard deviation."""
        ...

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        ...

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile: the inverse of `cdf`."""
        ...

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Draws."""
        ...


class Distribution(ABC):
    """What the families and the grid share: everything that follows from mean, variance, cdf and quantiles."""

    @abstractmethod
    def mean(self) -> float:
        """Expectation; NaN where it does not exist, infinite where it diverges."""

    @abstractmethod
    def var(self) -> float:
        """Variance, in squared units; infinite where it diverges."""

    @abstractmethod
    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x), of the shape of `x`."""

    @abstractmethod
    def ppf(self, p: ArrayLike) -> Any:
        """Quantiles at `p`, of its shape; NaN outside [0, 1]."""

    @abstractmethod
    def logpdf(self, x: ArrayLike) -> Any:
        """Log density per unit at `x`, of its shape; minus infinity outside the support."""

    def std(self) -> float:
        """Standard deviation."""
        return math.sqrt(self.var())

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Equal-tailed interval that holds the given probability, by exact quantiles.

        Raises
        ------
        ValueError
            If the level is not strictly between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
        tail = (1 - level) / 2
        return float(self.ppf(tail)), float(self.ppf(1 - tail))

    def rvs(self, size: Any = None, random_state: Seed = None) -> Any:
        """Draws by inversion, so that equal seeds give equal quantiles in every family."""
        return self.ppf(np.random.default_rng(random_state).uniform(size=size))


def require_positive(**numbers: float) -> None:
    """Refuse parameters that are not finite and positive.

    Raises
    ------
    ValueError
        Naming the first one that is not.
    """
    for name, value in numbers.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be finite and positive, got {value}")


def require_finite(**numbers: float) -> None:
    """Refuse parameters that are not finite.

    Raises
    ------
    ValueError
        Naming the first one that is not.
    """
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")


def require_counts(**numbers: float) -> None:
    """Refuse evidence that is negative or not finite.

    Raises
    ------
    ValueError
        Naming the first one that is.
    """
    for name, value in numbers.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be finite and not negative, got {value}")


def require_moments(n: float, mean: float, m2: float = 0.0) -> bool:
    """Refuse moments that no data have, and say whether there are any data; `mean` is not read where `n` is 0.

    Raises
    ------
    ValueError
        If `n` or `m2` is negative, `m2` positive without data, or the mean of some data not finite.
    """
    require_counts(n=n, m2=m2)
    if n == 0 and m2 > 0:
        raise ValueError(f"m2 is {m2} although n is 0: nothing deviates from nothing")
    if n > 0 and not math.isfinite(mean):
        raise ValueError(f"mean must be finite where n is positive, got {mean}")
    return n > 0
