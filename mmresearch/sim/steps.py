"""What holds for one second each: drift, volatility, spread, and the signals that are read on the second.

With a_k = e^{-reversion 1 s} the drift of momentum over second k is c m_k, where

    c = slope (1 - a) / (1 - a^10),   so that   E[move over 10 s | m_k] = c m_k (1 + a + ... + a^9) = slope m_k;

after a changepoint the mid drifts by move_sigmas sigma / sqrt(10 s) per second for 10 s, once however many fall into
them, so that the move from any changepoint on is move_sigmas standard deviations on average; sigma is the root mean
square of the volatility over regimes.

Units: seconds, log price per second, contracts. Moves are of the log price, which differs from the move in bps by less
than 1e-3 bps here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mmresearch.sim.dynamics import stream
from mmresearch.sim.features import FORETELLS_S, MINUTE_S, Changepoints, Momentum, OpenInterest, Regimes
from mmresearch.sim.truth import Truth
from mmresearch.tape.mids import FloatArray


@dataclass(frozen=True)
class Steps:
    """What holds during each second.

    Attributes
    ----------
    ts : ndarray, shape (K,)
        When each second begins.
    drift_per_s, volatility, spread : ndarray, shape (K,)
        Drift of the log mid, and by what volatility and half-spread are multiplied.
    signals : mapping of str to ndarray, shape (K,)
        What is read when the second begins, by name of the column.
    """

    ts: FloatArray
    drift_per_s: FloatArray
    volatility: FloatArray
    spread: FloatArray
    signals: Mapping[str, FloatArray]


def draw_steps(truth: Truth, seconds: float, seed: int | Sequence[int]) -> Steps | None:
    """Draw what holds for a second each; None if no feature needs it.

    Parameters
    ----------
    truth : Truth
        Which features are on.
    seconds : float
        Length of the tape.
    seed : int or sequence of int
        Seed of the world; every feature draws from a generator of its own.
    """
    has = truth.dynamics
    if not has.by_second:
        return None
    n = math.ceil(seconds)
    drift, ones, signals = np.zeros(n), np.ones(n), {}
    lively = np.zeros(n, dtype=bool)
    if has.momentum:
        signals["momentum"] = draw_momentum(has.momentum, n, stream(seed, "momentum"))
        drift += drift_of_momentum(has.momentum) * signals["momentum"]
    if has.changepoints:
        signals["changepoint"] = _draw_changepoints(has.changepoints, n, stream(seed, "changepoints"))
        drift += drift_of_changepoints(truth) * _within_reach(signals["changepoint"])
    if has.regimes:
        lively = draw_regimes(has.regimes, n, stream(seed, "regimes"))
    if has.open_interest:
        signals["open_interest"], fall = draw_open_interest(has.open_interest, n, stream(seed, "open_interest"))
        drift -= fall
    ratios = has.regimes or Regimes(volatility_ratio=1.0, spread_ratio=1.0)
    volatility, spread = (np.where(lively, r, ones) for r in (ratios.volatility_ratio, ratios.spread_ratio))
    return Steps(np.arange(float(n)), drift, volatility, spread, signals)


def drift_of_momentum(momentum: Momentum) -> float:
    """Drift of the log mid per second and unit of the signal."""
    a = math.exp(-momentum.reversion_per_s)
    return momentum.slope_bps * 1e-4 * (1 - a) / (1 - a**FORETELLS_S)


def drift_of_changepoints(truth: Truth) -> float:
    """Drift of the log mid per second while a changepoint reaches."""
    changepoints = truth.dynamics.changepoints
    return changepoints.move_sigmas * rms_volatility_bps(truth) * 1e-4 / math.sqrt(FORETELLS_S) if changepoints else 0.0


def rms_volatility_bps(truth: Truth) -> float:
    """Root mean square of the volatility over regimes, bps/sqrt(s)."""
    ratio = truth.dynamics.regimes.volatility_ratio if truth.dynamics.regimes else 1.0
    return truth.sigma_bps_per_sqrt_s * math.sqrt((1 + ratio**2) / 2)


def draw_momentum(momentum: Momentum, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw the signal second by second, stationary from the start; shape (n,)."""
    return autoregression(np.full(n, math.exp(-momentum.reversion_per_s)), rng.standard_normal(n))


def _draw_changepoints(changepoints: Changepoints, n: int, rng: np.random.Generator) -> FloatArray:
    return (rng.uniform(size=n) < changepoints.hazard_per_s).astype(float)


def _within_reach(happens: FloatArray) -> NDArray[np.bool_]:
    """Whether a changepoint fell into this second or one of the nine before."""
    return np.convolve(happens, np.ones(int(FORETELLS_S)))[: happens.size] > 0.5


def draw_regimes(regimes: Regimes, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw whether each second is lively: a stationary chain; shape (n,)."""
    moves = rng.uniform(size=n) >= regimes.stay
    moves[:1] = rng.uniform() < 0.5
    return np.cumsum(moves) % 2 == 1


def draw_open_interest(interest: OpenInterest, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw open interest (contracts) and how fast the log mid falls (1/s), second by second; each of shape (n,).

    It falls evenly through the even minutes, counted from zero, and recovers through the odd ones, in which the mid
    falls if at all: the change over a minute that ends with an even one is the fraction that was drawn.
    """
    pairs = -(-n // (2 * MINUTE_S)) + 1
    size = interest.threshold * np.exp(interest.drop_log_sd * rng.standard_normal(pairs))
    size = np.minimum(size, 0.9) * (rng.uniform(size=pairs) < interest.drop_share)
    bad = rng.uniform(size=pairs) < np.where(size > interest.threshold, 1 - interest.miss, interest.false)
    move = rng.normal(interest.move_bps, interest.move_sd_bps, pairs) * 1e-4 * (bad & (size > 0))
    pair, phase = np.divmod(np.arange(n), 2 * MINUTE_S)
    gone = size[pair] * np.minimum(phase, 2 * MINUTE_S - phase) / MINUTE_S
    noise = interest.noise_ratio * interest.threshold * rng.standard_normal(n)
    return interest.contracts * (1 - gone) * np.exp(noise), np.where(phase >= MINUTE_S, move[pair], 0.0) / MINUTE_S


def autoregression(factor: FloatArray, z: FloatArray) -> FloatArray:
    """Gaussian series of unit variance whose neighbours k - 1 and k have correlation factor_k.

    Parameters
    ----------
    factor : ndarray, shape (n,)
        Correlations between 0 and 1; the first is not used.
    z : ndarray, shape (n,)
        Standard Normal draws.

    Returns
    -------
    ndarray, shape (n,)
    """
    return _autoregression(factor, np.sqrt(1 - factor**2) * z, z)


@njit(cache=True)
def _autoregression(factor, kick, z):
    x = z.copy()
    for k in range(1, x.size):
        x[k] = factor[k] * x[k - 1] + kick[k]
    return x
