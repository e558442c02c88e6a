"""A density on a grid: linear between its points, and everything else exact for that density.

On [x_i, x_{i+1}] of width h the density runs from f_i to f_{i+1}; the mass is h (f_i + f_{i+1})/2, the cdf a parabola
whose inverse is closed, and the moments are polynomials. Against a smooth density the error of the mean falls like h^2
times its curvature: with 300 points over +-8 sd it is below 1e-5 sd.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mmresearch.belief.contract import Distribution, FloatArray


class GridBelief(Distribution):
    """Distribution with a piecewise linear density.

    Parameters
    ----------
    x : array_like, shape (n,)
        Increasing grid; the density is zero outside.
    logp : array_like, shape (n,)
        Log density on the grid, up to a constant; minus infinity is zero density.

    Raises
    ------
    ValueError
        If the grid does not increase, the shapes differ, or there is no mass.
    """

    __slots__ = ("_cdf", "_mass", "_mean", "_var", "density", "x")

    def __init__(self, x: ArrayLike, logp: ArrayLike):
        self.x = np.asarray(x, dtype=float)
        logp = np.asarray(logp, dtype=float)
        if self.x.ndim != 1 or self.x.size < 2 or self.x.shape != logp.shape:
            raise ValueError(
                f"grid and log density must be vectors of one length >= 2, got {self.x.shape}, {logp.shape}"
            )
        width = np.diff(self.x)
        top = logp.max()
        if not (np.all(width > 0) and np.isfinite(top)):
            raise ValueError("the grid must increase strictly and the log density be finite somewhere")
        f = np.exp(logp - top)
        mass = width * (f[1:] + f[:-1]) / 2
        total = mass.sum()
        self.density = f / total
        self._mass = mass / total
        self._cdf = np.concatenate([[0.0], np.cumsum(self._mass)])
        self._cdf /= self._cdf[-1]
        self._mean, self._var = self._moments(width)

    def _moments(self, width: FloatArray) -> tuple[float, float]:
        """Mean and variance, about the middle of the grid so that nothing cancels."""
        centre = 0.5 * (self.x[0] + self.x[-1])
        a, f, slope = self.x[:-1] - centre, self.density[:-1], np.diff(self.density) / width
        w2, w3, w4 = width**2 / 2, width**3 / 3, width**4 / 4
        first = a * self._mass + f * w2 + slope * w3
        second = a**2 * self._mass + 2 * a * (f * w2 + slope * w3) + f * w3 + slope * w4
        shift = float(first.sum())
        return centre + shift, max(float(second.sum()) - shift**2, 0.0)

    def mean(self) -> float:
        """Expectation."""
        return self._mean

    def var(self) -> float:
        """Variance."""
        return self._var

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density; minus infinity outside the grid."""
        with np.errstate(divide="ignore"):
            return np.log(np.interp(x, self.x, self.density, left=0.0, right=0.0))

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        x = np.clip(np.asarray(x, dtype=float), self.x[0], self.x[-1])
        i = np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, self.x.size - 2)
        step = x - self.x[i]
        slope = (self.density[i + 1] - self.density[i]) / (self.x[i + 1] - self.x[i])
        return np.clip(self._cdf[i] + step * (self.density[i] + slope * step / 2), 0.0, 1.0)[()]

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile; NaN outside [0, 1]."""
        p = np.asarray(p, dtype=float)
        i = np.clip(np.searchsorted(self._cdf, p, side="right") - 1, 0, self.x.size - 2)
        width = self.x[i + 1] - self.x[i]
        f, slope = self.density[i], (self.density[i + 1] - self.density[i]) / width
        rest = np.clip(p - self._cdf[i], 0.0, None)
        root = np.sqrt(np.maximum(f**2 + 2 * slope * rest, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            # 2 rest/(f + root) is the root of the parabola that does not cancel when the slope is small.
            step = np.where(rest > 0, 2 * rest / (f + root), 0.0)
        found = self.x[i] + np.clip(step, 0.0, width)
        return np.where((p >= 0) & (p <= 1), found, np.nan)[()]
