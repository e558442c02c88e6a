"""The likelihood of event times under an exponential Hawkes process, as a table that grows event by event.

    log L(mu, n, beta) = N ln mu + G(beta, n/mu) - mu T - n C(beta)
    G(beta, c) = sum_i ln(1 + c beta A_i(beta)),    C(beta) = N - A_T(beta) = sum_i (1 - e^-beta(T - t_i))

G and C are exact at the nodes of a fixed grid, even in ln beta and ln c, and smooth: bicubic splines in between are
within .01 nats for some thousand events. Sixteen factors of a node are multiplied before their logarithm is taken, by
number of events, so that cutting a tape changes nothing. beta in 1/s, c in s.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import interpolate, ndimage

FloatArray = NDArray[np.float64]

LOG_BETA = np.linspace(np.log(2e-4), np.log(2e3), 72)
LOG_GAIN = np.linspace(np.log(1e-5), np.log(1e4), 84)
BETA, GAIN = np.exp(LOG_BETA), np.exp(LOG_GAIN)
#: Factors that are multiplied before their logarithm is taken.
FOLD = 16


class Likelihood:
    """Log likelihood of event times at any parameters within the grid.

    Parameters
    ----------
    table : ndarray, shape (72, 84)
        G at the nodes.
    caused : ndarray, shape (72,)
        C at the nodes of beta.
    events, seconds : float
        N and T.
    """

    def __init__(self, table: FloatArray, caused: FloatArray, events: float, seconds: float):
        self.events, self.seconds = events, seconds
        self._table = ndimage.spline_filter(table, order=3, mode="mirror")
        self._caused = interpolate.CubicSpline(LOG_BETA, caused)

    def __call__(self, log_mu: FloatArray, branching: FloatArray, log_beta: FloatArray) -> FloatArray:
        """Return the log likelihood; minus infinity outside the grid.

        Parameters
        ----------
        log_mu, branching, log_beta : ndarray
            ln mu (1/s), n, and ln beta (1/s), of shapes that broadcast.
        """
        log_gain = np.log(branching) - log_mu
        inside = (log_beta >= LOG_BETA[0]) & (log_beta <= LOG_BETA[-1])
        inside = inside & (log_gain >= LOG_GAIN[0]) & (log_gain <= LOG_GAIN[-1])
        if not self.events:
            value = -np.exp(log_mu) * self.seconds + 0.0 * log_gain * log_beta
        else:
            excited = self._excited(log_beta, log_gain)
            caused = branching * self._caused(log_beta)
            value = self.events * log_mu + excited - np.exp(log_mu) * self.seconds - caused
        return np.where(inside, value, -np.inf)

    def _excited(self, log_beta: FloatArray, log_gain: FloatArray) -> FloatArray:
        """G by the bicubic spline through the nodes."""
        row = (log_beta - LOG_BETA[0]) / (LOG_BETA[1] - LOG_BETA[0])
        column = (log_gain - LOG_GAIN[0]) / (LOG_GAIN[1] - LOG_GAIN[0])
        at = np.stack(np.broadcast_arrays(row, column))
        flat = ndimage.map_coordinates(self._table, at.reshape(2, -1), order=3, mode="mirror", prefilter=False)
        return flat.reshape(at.shape[1:])

    def rough_mode(self) -> tuple[float, float, float]:
        """Return ln mu, logit n and ln beta of the best node, mu by N = mu T + n C(beta) for each beta and n."""
        logit = np.linspace(-4.0, 4.0, 33)
        n = 1.0 / (1.0 + np.exp(-logit))
        caused = self._caused(LOG_BETA)[:, None]
        mu = np.maximum(self.events - n * caused, 0.5) / self.seconds
        height = self(np.log(mu), n[None, :], LOG_BETA[:, None])
        b, k = np.unravel_index(int(np.argmax(height)), height.shape)
        return float(np.log(mu[b, k])), float(logit[k]), float(LOG_BETA[b])


def add_events(
    times: FloatArray, table: FloatArray, factors: FloatArray, excitation: FloatArray, seen: int, last_s: float
) -> None:
    """Add events to the table, in place.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Distinct event times in seconds, ascending, after `last_s`.
    table, factors : ndarray, shape (72, 84)
        Sums of logarithms, and the product not yet folded into them.
    excitation : ndarray, shape (72,)
        A just after the last event.
    seen, last_s : float
        Number of earlier events, and the time of the last one.
    """
    _add(times, BETA, GAIN, table, factors, excitation, seen, last_s)


@njit(cache=True)
def _add(times: Any, beta: Any, gain: Any, table: Any, factors: Any, excitation: Any, seen: int, last: float) -> None:
    for i in range(times.size):
        gap = times[i] - last if seen else 0.0
        for b in range(beta.size):
            before = excitation[b] * np.exp(-beta[b] * gap)
            jump = beta[b] * before
            for k in range(gain.size):
                factors[b, k] *= 1.0 + gain[k] * jump
            excitation[b] = before + 1.0
        seen += 1
        last = times[i]
        if seen % FOLD == 0:
            for b in range(beta.size):
                for k in range(gain.size):
                    table[b, k] += np.log(factors[b, k])
                    factors[b, k] = 1.0
