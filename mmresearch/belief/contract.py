"""What a belief is: a distribution with five methods. A frozen `scipy.stats` distribution qualifies."""

from __future__ import annotations

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


class Distribution:
    """What the families share: everything that follows from ``mean``, ``var``, ``cdf`` and ``ppf``."""

    def mean(self) -> float:
        """Expectation."""
        raise TypeError(f"{type(self).__name__} must define mean")

    def var(self) -> float:
        """Variance."""
        raise TypeError(f"{type(self).__name__} must define var")

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        raise TypeError(f"{type(self).__name__} must define ppf")

    def std(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.var()))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Equal-tailed interval that holds the given probability.

        Raises
        ------
        ValueError
            If the level is not strictly between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
        low, high = self.ppf(np.array([(1 - level) / 2, (1 + level) / 2]))
        return float(low), float(high)

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
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be finite and positive, got {value}")


def require_counts(**numbers: float) -> None:
    """Refuse evidence that is negative or not finite.

    Raises
    ------
    ValueError
        Naming the first one that is.
    """
    for name, value in numbers.items():
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and not negative, got {value}")
