"""From the likelihood of event times to the belief about mu, alpha or beta: a marginal of the joint posterior.

    p(mu, n, beta | data) ~ Gamma(mu) Beta(n) Gamma(beta) L(mu, n, beta),     coordinates ln mu, logit n, ln beta

For the marginal of one quantity it is the first coordinate, and the trapezoid rule sums over the two others, in the box
where the density is within 18 nats of its peak: for alpha = n beta the coordinates are ln alpha, logit n, ln mu. All
changes of coordinates keep volume. Rates in 1/s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, special

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.grid import GridBelief
from mmresearch.belief.zoom import POINTS
from mmresearch.learn.sound.hawkes_table import LOG_BETA, Likelihood

FloatArray = NDArray[np.float64]
#: Coordinates (first, logit n, third) -> (ln mu, logit n, ln beta), and back.
Axes = tuple[Callable[..., tuple[FloatArray, FloatArray, FloatArray]], Callable[..., tuple[float, float, float]]]

DEPTH_NATS = 18.0
COARSE, TARGET, OTHERS = 16, 48, 24
ROUNDS = 14
#: Ends of every logarithm of a rate, and of the logit.
_RATES, _LOGITS = (np.log(1e-5), np.log(1e5)), (-12.0, 12.0)


@dataclass(frozen=True)
class HawkesPrior:
    """Independent priors of the three parameters; wide ones, fit for nuisances, by default.

    Parameters
    ----------
    mu_shape, mu_rate : float
        Gamma of mu: mean 2 per second.
    branching_a, branching_b : float
        Beta of n: evenly between 0 and 1, the ends less.
    beta_shape, beta_rate : float
        Gamma of beta: mean 10 per second.
    """

    mu_shape: float = 0.5
    mu_rate: float = 0.25
    branching_a: float = 1.5
    branching_b: float = 1.5
    beta_shape: float = 0.5
    beta_rate: float = 0.05

    def log_density(self, log_mu: FloatArray, logit: FloatArray, log_beta: FloatArray) -> FloatArray:
        """Return the log density of (ln mu, logit n, ln beta).

        Parameters
        ----------
        log_mu, logit, log_beta : ndarray
            Of shapes that broadcast.
        """
        n = special.expit(logit)
        mu = Gamma(self.mu_shape, self.mu_rate).logpdf(np.exp(log_mu)) + log_mu
        beta = Gamma(self.beta_shape, self.beta_rate).logpdf(np.exp(log_beta)) + log_beta
        branching = Beta(self.branching_a, self.branching_b).logpdf(n) + np.log(n) + np.log1p(-n)
        return mu + branching + beta


def _log_n(logit: FloatArray) -> FloatArray:
    return -np.logaddexp(0.0, -logit)


mu_axes: Axes = (lambda a, b, c: (a, b, c), lambda mu, n, beta: (mu, n, beta))
beta_axes: Axes = (lambda a, b, c: (c, b, a), lambda mu, n, beta: (beta, n, mu))
alpha_axes: Axes = (
    lambda a, b, c: (c, b, a - _log_n(b)),
    lambda mu, n, beta: (float(beta + _log_n(np.asarray(n))), n, mu),
)


def marginal(likelihood: Likelihood, prior: HawkesPrior, axes: Axes) -> GridBelief:
    """Return the belief about the first coordinate's rate.

    Parameters
    ----------
    likelihood : Likelihood
        Of the events.
    prior : HawkesPrior
        Of the parameters.
    axes : Axes
        `mu_axes`, `alpha_axes` or `beta_axes`: whose belief.
    """
    to_rates, from_rates = axes

    def log_density(first: FloatArray, logit: FloatArray, third: FloatArray) -> FloatArray:
        log_mu, n, log_beta = to_rates(first, logit, third)
        clipped = np.clip(log_beta, LOG_BETA[0], LOG_BETA[-1])
        return prior.log_density(log_mu, n, clipped) + likelihood(log_mu, special.expit(n), log_beta)

    # Less than one event, or its remainder after much forgetting, has no mode of its own.
    start = likelihood.rough_mode() if likelihood.events >= 1.0 else (np.log(prior.mu_shape / prior.mu_rate), -1.0, 0.0)
    box = _box(log_density, np.array(from_rates(*start)))
    first, logit, third = (np.linspace(a, b, k) for (a, b), k in zip(box, (TARGET, OTHERS, OTHERS), strict=True))
    height = log_density(first[:, None, None], logit[:, None], third)
    log_marginal = special.logsumexp(height.reshape(TARGET, -1), axis=1)
    kept = np.isfinite(log_marginal)
    fine = np.linspace(first[kept][0], first[kept][-1], POINTS)
    value = interpolate.CubicSpline(first[kept], log_marginal[kept])(fine)
    return GridBelief(np.exp(fine), value - fine)


def _box(log_density: Callable[..., FloatArray], centre: FloatArray) -> FloatArray:
    """Find the box in which a density of three coordinates is within `DEPTH_NATS` of its peak; shape (3, 2)."""
    limits = np.array([_RATES, _LOGITS, _RATES])
    box = np.clip(centre[:, None] + np.array([-1.5, 1.5]), limits[:, :1], limits[:, 1:])
    for _ in range(ROUNDS):
        grid = [np.linspace(a, b, COARSE) for a, b in box]
        height = log_density(grid[0][:, None, None], grid[1][:, None], grid[2])
        deep = height > height.max() - DEPTH_NATS
        new = np.array([_ends(grid[i], deep.any(axis=tuple({0, 1, 2} - {i}))) for i in range(3)])
        new = np.clip(new, limits[:, :1], limits[:, 1:])
        settled = bool(np.all(np.abs(new - box) < 0.15 * np.diff(box)))
        box = new
        if settled:
            break
    return box


def _ends(x: FloatArray, deep: NDArray[np.bool_]) -> tuple[float, float]:
    """Ends of the part that is deep enough: one step beyond it, or half a box where it reaches the edge."""
    used, half = np.flatnonzero(deep), 0.5 * (x[-1] - x[0])
    low = x[0] - half if used[0] == 0 else x[used[0] - 1]
    high = x[-1] + half if used[-1] == x.size - 1 else x[used[-1] + 1]
    return float(low), float(high)
