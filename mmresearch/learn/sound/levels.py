"""kalman_q and kalman_r: how fast the latent log price wanders, and how noisily the mid shows it.

    x(t + D) = x(t) + N(0, q D),   y_i = log mid_i = x(tau_i) + N(0, r),   tau_i the time of the i-th observed quote

With rho = q/r the Kalman filter works in units of r: prediction P + rho D, innovation v of variance r S, where S is the
prediction + 1. Under q ~ InverseGamma(a_q, b_q), r ~ InverseGamma(a_r, b_r), r integrates out for each rho:

    r | rho, data ~ InverseGamma(a_q + a_r + n/2,  b_q/rho + b_r + sum v^2/S / 2)
    p(rho | data) ~ rho^-(a_q + 1)  prod S^-1/2  (b_q/rho + b_r + sum v^2/S / 2)^-(a_q + a_r + n/2)

and q given rho is rho r. The state holds, for each rho of a fixed grid, the filter and the two sums; what is between
its points (7 % apart) is taken from cubic splines of the sums. Observations are the last quotes of whole seconds,
seconds without a new quote have none, and after a minute without any the level starts anew, from that quote alone.

r in variance of log price, q per second of it. Sources: Harvey 1989, sections 3.2, 3.4; Durbin and Koopman 2012, 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import interpolate, special

from mmresearch.belief.families import inverse_gamma_from_mean_strength
from mmresearch.belief.grid import GridBelief
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.zoom import POINTS, mass_range, student_mixture
from mmresearch.learn.contract import State
from mmresearch.tape.clock import GAP_S
from mmresearch.tape.resample import Resampler
from mmresearch.tape.schema import Tape

FloatArray = NDArray[np.float64]

#: Logarithms of q/r at which the filter runs.
LOG_RATIO = np.linspace(np.log(1e-7), np.log(1e8), 480)
RATIO = np.exp(LOG_RATIO)
#: Rows of the filter: level, its variance over r, sum of ln S, sum of v^2/S.
LEVEL, VARIANCE, LOG_DET, SQUARES = range(4)


@dataclass(frozen=True)
class LevelState:
    """One filter for each ratio q/r.

    Attributes
    ----------
    resampler : Resampler
        The mid at whole seconds.
    filters : ndarray, shape (4, 480)
        Level (less the origin), its variance over r, sum of ln S, sum of v^2/S.
    n : float
        Innovations so far.
    last_s, origin : float
        Time of the last observation (NaN before any), and the first log mid.
    """

    resampler: Resampler = field(default_factory=lambda: Resampler(1.0))
    filters: FloatArray = field(default_factory=lambda: np.zeros((4, RATIO.size)))
    n: float = 0.0
    last_s: float = np.nan
    origin: float = 0.0

    @property
    def events(self) -> float:
        """Innovations, discounted ones by their weight."""
        return self.n

    def decayed(self, factor: float) -> LevelState:
        """Return the state with its sums multiplied: each innovation's likelihood raised to the power of its weight.

        Level and variance are where the filter stands, no evidence about q and r; they stay.
        """
        filters = self.filters.copy()
        filters[[LOG_DET, SQUARES]] *= factor
        return replace(self, filters=filters, n=self.n * factor)


@dataclass(frozen=True)
class KalmanQ:
    """Variance that the latent log price gains per second.

    Parameters
    ----------
    mean, strength : float
        Prior mean of q and its strength (twice the shape); the catalogue's by default.
    typical : float
        Prior median of r, a nuisance here, about which its prior is wide: inverse gamma of shape 1.
    """

    mean: float = 1e-8
    strength: float = 20.0
    typical: float = 2.5e-9
    parameter: str = "kalman_q"
    name: str = "KalmanQ"
    reads: str = "trades"
    horizon_s: float | None = None

    def init(self) -> LevelState:
        """Start from the prior."""
        return LevelState()

    def update(self, state: LevelState, tape: Tape) -> LevelState:
        """Run the filters through the slice."""
        resampler, points = state.resampler.step(tape)
        fresh = points.fresh
        y, ts = points.log_mid[fresh], points.quoted_at[fresh]
        origin = float(y[0]) if y.size and np.isnan(state.last_s) else state.origin
        filters = state.filters.copy()
        n, last = _filter(y - origin, ts, RATIO, filters, state.last_s)
        return LevelState(resampler, filters, state.n + n, last, origin)

    def posterior(self, state: State) -> GridBelief:
        """Density of q, variance of log price per second."""
        log_ratio, weight, shape, scale = self._mixture(state)
        return _inverse_gammas(shape, scale * np.exp(log_ratio), weight)

    def predictive(self, state: State) -> GridBelief:
        """Return the law of the log mid one second after the last observation.

        Raises
        ------
        ValueError
            If there was no observation: the model does not say where prices start.
        """
        if np.isnan(state.last_s):
            raise ValueError("no quote was observed, and the model does not say where prices start; update first")
        height, shape, scale = self._log_ratio_density(LOG_RATIO, state.filters[[LOG_DET, SQUARES]], state)
        spread = state.filters[VARIANCE] + RATIO + 1.0
        location = state.origin + state.filters[LEVEL]
        return student_mixture(2 * shape, location, np.sqrt(spread * scale / shape), np.exp(height - height.max()))

    def _priors(self) -> tuple[InverseGamma, InverseGamma]:
        """Priors of q and of r."""
        return inverse_gamma_from_mean_strength(self.mean, self.strength), wide_about(self.typical)

    def _log_ratio_density(
        self, log_ratio: FloatArray, sums: FloatArray, state: LevelState
    ) -> tuple[FloatArray, float, FloatArray]:
        """Return the log density of ln(q/r), and shape and scales of the inverse gamma of r given it."""
        q, r = self._priors()
        shape = q.shape + r.shape + 0.5 * state.n
        scale = q.scale * np.exp(-log_ratio) + r.scale + 0.5 * sums[1]
        return -q.shape * log_ratio - 0.5 * sums[0] - shape * np.log(scale / r.scale), shape, scale

    def _mixture(self, state: LevelState) -> tuple[FloatArray, FloatArray, float, FloatArray]:
        """Points of ln(q/r) that hold its mass, their weights, and shape and scales of r given them."""
        spline = interpolate.CubicSpline(LOG_RATIO, state.filters[[LOG_DET, SQUARES]], axis=1)

        def at(log_ratio: FloatArray) -> tuple[FloatArray, float, FloatArray]:
            return self._log_ratio_density(log_ratio, spline(log_ratio), state)

        ends = mass_range(lambda u: at(u)[0], LOG_RATIO[0], LOG_RATIO[-1])
        log_ratio = np.linspace(*ends, POINTS // 2)
        height, shape, scale = at(log_ratio)
        return log_ratio, np.exp(height - height.max()), shape, scale


@dataclass(frozen=True)
class KalmanR(KalmanQ):
    """Variance of one observed log mid about the latent log price.

    Parameters
    ----------
    mean, strength : float
        Prior mean of r and its strength (twice the shape); the catalogue's by default.
    typical : float
        Prior median of q, a nuisance here, about which its prior is wide: inverse gamma of shape 1.
    """

    mean: float = 2.5e-9
    typical: float = 1e-8
    parameter: str = "kalman_r"
    name: str = "KalmanR"

    def posterior(self, state: State) -> GridBelief:
        """Density of r, variance of log price."""
        _, weight, shape, scale = self._mixture(state)
        return _inverse_gammas(shape, scale, weight)

    def _priors(self) -> tuple[InverseGamma, InverseGamma]:
        """Priors of q and of r."""
        return wide_about(self.typical), inverse_gamma_from_mean_strength(self.mean, self.strength)


def wide_about(median: float) -> InverseGamma:
    """Return the inverse gamma of shape 1 with that median: nine tenths within a factor of 4 below and 14 above."""
    return InverseGamma(1.0, median * np.log(2.0))


def _inverse_gammas(shape: float, scale: FloatArray, weight: FloatArray) -> GridBelief:
    """Mix inverse gammas of one shape, on a grid that is even in ln x."""
    used = weight > 1e-12 * weight.max()
    log_scale, log_weight = np.log(scale[used]), np.log(weight[used])
    low = log_scale.min() - np.log(special.gammainccinv(shape, 1e-9))
    high = log_scale.max() - np.log(special.gammaincinv(shape, 1e-9))

    def log_density(u: FloatArray) -> FloatArray:
        ratio = log_scale - u[:, None]
        return special.logsumexp(log_weight + shape * ratio - np.exp(ratio), axis=1)

    u = np.linspace(*mass_range(log_density, low, high), POINTS)
    return GridBelief(np.exp(u), log_density(u) - u)


@njit(cache=True)
def _filter(y: Any, ts: Any, ratio: Any, filters: Any, last: float) -> tuple[float, float]:
    """Run the filters through observations, in place; return the number of innovations and the last time."""
    count = 0.0
    for i in range(y.size):
        gap = ts[i] - last
        anew = not gap <= GAP_S
        for k in range(ratio.size):
            if anew:
                filters[LEVEL, k], filters[VARIANCE, k] = y[i], 1.0
                continue
            predicted = filters[VARIANCE, k] + ratio[k] * gap
            spread = predicted + 1.0
            innovation = y[i] - filters[LEVEL, k]
            filters[LOG_DET, k] += np.log(spread)
            filters[SQUARES, k] += innovation * innovation / spread
            filters[LEVEL, k] += predicted / spread * innovation
            filters[VARIANCE, k] = predicted / spread
        count += 0.0 if anew else 1.0
        last = ts[i]
    return count, last
