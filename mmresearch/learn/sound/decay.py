"""microprice_decay: how much of the microprice's lead over the mid is left after a second.

    x_i = microprice - mid at tau_i (bps),   D = tau_i - tau_{i-1},   phi = e^-lambda,   w = 1 - phi^(2 D)
    x_i | x_{i-1} ~ N(phi^D x_{i-1}, v w),   v ~ InverseGamma(shape, scale) integrated out:
    p(phi | data) ~ Beta(phi; a, b)  prod w^-1/2  (scale + sum (x_i - phi^D x_{i-1})^2/w / 2)^-(shape + n/2)

A first-order autoregression through zero that knows when its values were quoted; with a quote every whole second it is
the usual one. phi stays in (0, 1). The state holds the two sums for each lambda of a fixed grid (8 % apart), between
which the posterior takes cubic splines. Observations are the last quotes of whole seconds; after a minute without one
the series starts anew. Taken as given: the first value, and that v stands still. phi per second, v in bps^2.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import interpolate

from mmresearch.belief.beta import Beta
from mmresearch.belief.grid import GridBelief
from mmresearch.belief.zoom import POINTS, mass_range, student_mixture
from mmresearch.learn.contract import State
from mmresearch.tape.clock import GAP_S
from mmresearch.tape.resample import Resampler
from mmresearch.tape.schema import Tape

FloatArray = NDArray[np.float64]

#: Logarithms of lambda = -ln phi (1/s) at which the sums are kept.
LOG_RATE = np.linspace(np.log(1e-7), np.log(12.0), 240)
RATE = np.exp(LOG_RATE)
LOG_DET, SQUARES = range(2)


@dataclass(frozen=True)
class DecayState:
    """Two sums for each rate, and the last value.

    Attributes
    ----------
    resampler : Resampler
        Quotes at whole seconds.
    sums : ndarray, shape (2, 240)
        Sum of ln(1 - phi^(2 D)), and of squared residuals over 1 - phi^(2 D) in bps^2.
    n : float
        Steps so far.
    last_s, last_bps : float
        Time (NaN before any) and value of the last observation.
    """

    resampler: Resampler = field(default_factory=lambda: Resampler(1.0))
    sums: FloatArray = field(default_factory=lambda: np.zeros((2, RATE.size)))
    n: float = 0.0
    last_s: float = np.nan
    last_bps: float = np.nan

    @property
    def events(self) -> float:
        """Steps, discounted ones by their weight."""
        return self.n

    def decayed(self, factor: float) -> DecayState:
        """Return the state with its sums multiplied: each step's likelihood raised to the power of its weight."""
        return replace(self, sums=self.sums * factor, n=self.n * factor)


@dataclass(frozen=True)
class MicropriceDecay:
    """Autoregression of microprice minus mid.

    Parameters
    ----------
    a, b : float
        Prior Beta of phi: the catalogue's mean .999 with strength 1000 by default.
    sd_bps, shape : float
        Guess of the sd of microprice minus mid, and how firm it is (half a count): hardly at all. A series shorter than
        its memory shows lambda v only, so what is believed of v is believed of the decay.
    """

    a: float = 999.0
    b: float = 1.0
    sd_bps: float = 0.5
    shape: float = 0.02
    parameter: str = "microprice_decay"
    name: str = "MicropriceDecay"
    reads: str = "trades"
    horizon_s: float | None = None

    def init(self) -> DecayState:
        """Start from the prior."""
        return DecayState()

    def update(self, state: DecayState, tape: Tape) -> DecayState:
        """Add the steps of the slice."""
        resampler, points = state.resampler.step(tape)
        x = points.microprice_gap_bps
        used = points.fresh & np.isfinite(x)
        sums = state.sums.copy()
        n, last_s, last_bps = _regress(x[used], points.quoted_at[used], RATE, sums, state.last_s, state.last_bps)
        return DecayState(resampler, sums, state.n + n, last_s, last_bps)

    def posterior(self, state: State) -> GridBelief:
        """Density of phi, a factor per second."""
        spline = interpolate.CubicSpline(LOG_RATE, state.sums, axis=1)

        def log_density(u: FloatArray) -> FloatArray:
            return self._log_rate_density(u, spline(u), state.n)

        # From the fastest decay to the slowest, so that phi increases.
        low, high = mass_range(log_density, LOG_RATE[0], LOG_RATE[-1])
        u = np.linspace(high, low, POINTS)
        rate = np.exp(u)
        return GridBelief(np.exp(-rate), log_density(u) - u + rate)

    def predictive(self, state: State) -> GridBelief:
        """Return the law of microprice minus mid a second after the last observation, in bps.

        Before any observation it is that of the stationary series.
        """
        weight = self._log_rate_density(LOG_RATE, state.sums, state.n)
        shape = self.shape + 0.5 * state.n
        begun = not np.isnan(state.last_bps)
        left = -np.expm1(-2.0 * RATE) if begun else np.ones(RATE.size)
        width = np.sqrt(left * self._scale(state.sums[SQUARES]) / shape)
        location = np.exp(-RATE) * state.last_bps if begun else np.zeros(RATE.size)
        return student_mixture(2.0 * shape, location, width, np.exp(weight - weight.max()))

    def _log_rate_density(self, u: FloatArray, sums: FloatArray, n: float) -> FloatArray:
        """Log density of ln lambda."""
        phi = np.exp(-np.exp(u))
        spread = np.log(self._scale(sums[SQUARES]) / self._scale(np.zeros(1)))
        return Beta(self.a, self.b).logpdf(phi) - np.exp(u) + u - 0.5 * sums[LOG_DET] - (self.shape + 0.5 * n) * spread

    def _scale(self, squares: FloatArray) -> FloatArray:
        return self.shape * self.sd_bps**2 + 0.5 * squares


@njit(cache=True)
def _regress(x: Any, ts: Any, rate: Any, sums: Any, last_s: float, last: float) -> tuple[float, float, float]:
    """Add steps to the sums, in place; return their number, and time and value of the last observation."""
    count, of_gap = 0.0, np.nan
    left, log_left, kept = np.empty(rate.size), np.empty(rate.size), np.empty(rate.size)
    for i in range(x.size):
        gap = ts[i] - last_s
        if gap <= GAP_S:
            count += 1.0
            if gap != of_gap:  # where a quote comes every second, gaps are the same
                of_gap, left, kept = gap, -np.expm1(-2.0 * rate * gap), np.exp(-rate * gap)
                log_left = np.log(left)
            for k in range(rate.size):
                residual = x[i] - kept[k] * last
                sums[LOG_DET, k] += log_left[k]
                sums[SQUARES, k] += residual * residual / left[k]
        last_s, last = ts[i], x[i]
    return count, last_s, last
