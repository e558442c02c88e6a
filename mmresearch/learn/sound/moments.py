"""Sums that add: moments of one and of two variables, and what they say about a mean or a slope of unknown noise.

Of y_j = a + b x_j + e_j with e_j ~ N(0, s^2), S.. sums of products of deviations from the means, and a flat in a:

    p(data | b, s^2) ~ s^-(n-1) exp(-(RSS + Sxx (b - b_hat)^2)/(2 s^2)),   b_hat = Sxy/Sxx,  RSS = Syy - Sxy^2/Sxx
    s^2 ~ InverseGamma(shape, scale),   b ~ N(m, v) independent of s^2:
    p(b | data) ~ N(b; m, v) (scale + (RSS + Sxx (b - b_hat)^2)/2)^-(shape + (n-1)/2)

A mean is the same with Sxx = n, b_hat = mean, RSS = M2, and n in place of n - 1. The prior of b is not tied to the
noise, as the Normal-inverse-gamma's is, so the belief is a density on a grid: Normal times Student-t. Symbols in the
units of the data. Reference: Gelman et al., Bayesian Data Analysis, 3rd edition, sections 3.3 and 14.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.grid import GridBelief
from mmresearch.belief.zoom import student_mixture, zoomed

FloatArray = NDArray[np.float64]


class Fit(NamedTuple):
    """A least-squares fit as its likelihood sees it.

    Attributes
    ----------
    estimate : float
        Mean or slope.
    information : float
        n, or the sum of squares of the regressor: the estimate's precision times the variance of the noise.
    residual : float
        Sum of squared residuals.
    freedom : float
        Observations less the constants fitted beside the estimate: 0, or 1 for an intercept.
    """

    estimate: float = 0.0
    information: float = 0.0
    residual: float = 0.0
    freedom: float = 0.0


@dataclass(frozen=True)
class PairMoments:
    """Number, means and sums of products of deviations of two variables; they add exactly by Chan's rule."""

    n: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def add(self, x: FloatArray, y: FloatArray) -> PairMoments:
        """Return the moments of these and the given pairs together."""
        if not x.size:
            return self
        mean_x, mean_y, n = float(x.mean()), float(y.mean()), self.n + x.size
        gap_x, gap_y, weight = mean_x - self.x, mean_y - self.y, self.n * x.size / n
        dx, dy = x - mean_x, y - mean_y
        return PairMoments(
            n,
            self.x + gap_x * x.size / n,
            self.y + gap_y * x.size / n,
            self.xx + float(dx @ dx) + gap_x * gap_x * weight,
            self.xy + float(dx @ dy) + gap_x * gap_y * weight,
            self.yy + float(dy @ dy) + gap_y * gap_y * weight,
        )

    def decayed(self, factor: float) -> PairMoments:
        """Return the moments of the same pairs, each with its weight multiplied: the means stay."""
        n = self.n * factor
        kept = replace(self, n=n, xx=self.xx * factor, xy=self.xy * factor, yy=self.yy * factor)
        # Where the count underflows, products may not: nothing deviates from nothing.
        return kept if n > 1e-200 else PairMoments()

    def slope(self) -> Fit:
        """Return the fit of y on x with an intercept; nothing if x has not varied.

        The intercept takes a whole observation, or all there is where the weights do not sum to one.
        """
        if self.xx <= 0.0:
            return Fit()
        slope = self.xy / self.xx
        return Fit(slope, self.xx, max(self.yy - slope * self.xy, 0.0), max(self.n - 1.0, 0.0))


@dataclass(frozen=True)
class NormalStudent:
    """A mean or slope with a Normal prior, and noise of unknown variance with an inverse-gamma prior.

    Parameters
    ----------
    mean, sd : float
        Prior of the mean or slope.
    shape, scale : float
        Prior of the variance of the noise.
    """

    mean: float
    sd: float
    shape: float
    scale: float

    def log_density(self, b: FloatArray, fit: Fit) -> FloatArray:
        """Return the log posterior density of the mean or slope, up to a constant, of the shape of `b`."""
        spread = np.log(self._scale(b, fit) / self.scale)
        return -0.5 * ((b - self.mean) / self.sd) ** 2 - (self.shape + 0.5 * fit.freedom) * spread

    def posterior(self, fit: Fit) -> GridBelief:
        """Return the belief about the mean or slope."""
        low, high = self.mean - 9.0 * self.sd, self.mean + 9.0 * self.sd
        if fit.information > 0.0:
            error = np.sqrt((self.scale + 0.5 * fit.residual) / (self.shape + 0.5 * fit.freedom) / fit.information)
            reach = 12.0 * min(error, self.sd)  # beyond it the prior leaves nothing, however little the data say
            low, high = min(low, fit.estimate - reach), max(high, fit.estimate + reach)
        return zoomed(lambda b: self.log_density(b, fit), low, high)

    def predictive(self, fit: Fit, offset: float = 0.0, at: float = 1.0) -> GridBelief:
        """Return the law of ``offset + at b + noise``: the next observation, its parameters integrated out.

        Parameters
        ----------
        fit : Fit
            What has been seen.
        offset : float
            Constant, in the unit of the observation.
        at : float
            Regressor of the next observation; 1 for a mean.
        """
        belief = self.posterior(fit)
        shape = self.shape + 0.5 * fit.freedom
        width = np.sqrt(self._scale(belief.x, fit) / shape)
        return student_mixture(2.0 * shape, offset + at * belief.x, width, belief.density)

    def _scale(self, b: FloatArray, fit: Fit) -> FloatArray:
        return self.scale + 0.5 * (fit.residual + fit.information * (b - fit.estimate) ** 2)
