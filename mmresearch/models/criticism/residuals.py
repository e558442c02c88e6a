"""Quantile residuals of rows, and what they ought to look like.

    z_m = Phi^-1(u_m),  u_m uniform on [P(Y < y_m), P(Y <= y_m)] given the past and the draw

At the right draw residuals are independent standard Normals (Rosenblatt 1952; randomised for counts: Dunn and Smyth
1996). A test quantity T(z) of the data at a draw is compared with T of data replicated at that draw, and of these the
law is known without simulating the model: T of independent standard Normals. The posterior predictive p-value is the
share of draws and replicates in which the replicate is the larger (Gelman, Meng and Stern 1996), doubled to two sides.
Since the draws have seen the data it errs towards 1/2: small values mean more than they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from mmresearch.models.criticism.rows import FloatArray, Part, Quantity

#: Replicates of a test quantity, least residuals for one, and values that are looked at together.
REPLICATES, LEAST = 2000, 8
_TOGETHER = 2_000_000
#: Expected waiting times in a block of rescaled counts.
_BLOCK = 10.0
_LEVEL = 0.95
#: Replicates beyond the data from which on their number is their chance.
_COUNTED = 5
_EDGE = 1e-15


@dataclass(frozen=True)
class Check:
    """A test quantity of residuals z, shape (R, M) -> (R,), and what a value above or below the replicates means."""

    function: Callable[[FloatArray], FloatArray]
    high: str
    low: str


@dataclass(frozen=True)
class Found:
    """A test quantity beside its replicates: mean over draws, 95 % interval of replicates, two-sided p."""

    value: float
    low: float
    high: float
    p: float


def _centred(z: FloatArray) -> FloatArray:
    return z - z.mean(axis=1, keepdims=True)


def _dispersion(z: FloatArray) -> FloatArray:
    return z.var(axis=1)


def _kurtosis(z: FloatArray) -> FloatArray:
    d2 = _centred(z) ** 2
    return (d2**2).mean(axis=1) / np.maximum(d2.mean(axis=1) ** 2, 1e-300)


def _autocorrelation(z: FloatArray) -> FloatArray:
    d = _centred(z)
    return (d[:, 1:] * d[:, :-1]).sum(axis=1) / np.maximum((d**2).sum(axis=1), 1e-300)


def _clustering(z: FloatArray) -> FloatArray:
    return _autocorrelation(np.abs(z))


def _rescaled_counts(z: FloatArray) -> FloatArray:
    """Variance over mean of the counts in blocks of rescaled time; all complete blocks."""
    times = np.cumsum(-special.log_ndtr(-z), axis=1)
    found = np.empty(len(z))
    for r, t in enumerate(times):
        counts = np.bincount((t / _BLOCK).astype(int))[:-1]
        found[r] = counts.var() / counts.mean() if counts.size > 1 and counts.any() else 1.0
    return found


#: Key -> how residuals are looked at.
CHECKS: Mapping[str, Check] = {
    "dispersion": Check(_dispersion, "values scatter more than the model says", "values scatter less than it says"),
    "kurtosis": Check(_kurtosis, "tails are heavier than the model's", "tails are lighter than the model's"),
    "autocorrelation": Check(
        _autocorrelation, "values follow the ones before them", "values turn back after the ones before them"
    ),
    "clustering": Check(_clustering, "large values come in clusters", "large values keep apart"),
    "rescaled counts": Check(
        _rescaled_counts, "events still come in bursts once time is rescaled", "events come too evenly in rescaled time"
    ),
}


def residuals(part: Part, rng: np.random.Generator, every: int = 1) -> FloatArray:
    """Return the residuals of the values that are not censored, at every so manieth draw; shape (S, M).

    Parameters
    ----------
    part : Part
        Values with their probabilities at each draw.
    rng : Generator
        Randomises those of counts.
    every : int
        Draws that are stepped over, plus one.
    """
    known = np.isfinite(part.upto).all(axis=0)
    below, upto = part.below[::every, known], part.upto[::every, known]
    u = below if part.below is part.upto else below + rng.random(below.shape) * (upto - below)
    return special.ndtri(np.clip(u, _EDGE, 1 - 1e-15))


def checked(part: Part, rng: np.random.Generator, seed: int) -> dict[str, Found]:
    """Compare the test quantities of a part with their replicates.

    Parameters
    ----------
    part : Part
        Values that are continuous, or counts.
    rng : Generator
        Randomises counts.
    seed : int
        Of the replicates.
    """
    if not part.checks or part.simulated:
        return {}
    every = max(int(np.ceil(part.upto.size / _TOGETHER)), 1)
    z = residuals(part, rng, every)
    if z.shape[1] < LEAST:
        return {}
    return {key: _compared(CHECKS[key].function(z), _replicates(key, z.shape[1], seed)) for key in part.checks}


@lru_cache(maxsize=64)
def _replicates(key: str, size: int, seed: int) -> FloatArray:
    """Sorted test quantities of independent standard Normals."""
    rng, step = np.random.default_rng([seed, size]), max(_TOGETHER // size, 1)
    found = [
        CHECKS[key].function(rng.standard_normal((min(step, REPLICATES - i), size))) for i in range(0, REPLICATES, step)
    ]
    return np.sort(np.concatenate(found))


def _compared(observed: FloatArray, replicated: FloatArray) -> Found:
    """Two-sided p over all pairs of a draw and a replicate; `replicated` sorted."""
    n = replicated.size
    above = float((n - np.searchsorted(replicated, observed, side="left")).mean())
    under = float(np.searchsorted(replicated, observed, side="right").mean())
    distance = (observed.mean() - replicated.mean()) / np.hypot(observed.std(), replicated.std())
    return _found(observed, replicated, min(above, under), n, float(distance))


def _found(observed: FloatArray, replicated: FloatArray, beyond: float, n: int, distance: float) -> Found:
    """Share of replicates beyond the data; by a Normal tail where they are too few to be counted."""
    p = (beyond + 1) / (n + 1) if beyond >= _COUNTED else special.ndtr(-abs(distance))
    low, high = np.quantile(replicated, [0.5 - _LEVEL / 2, 0.5 + _LEVEL / 2])
    return Found(float(observed.mean()), float(low), float(high), float(min(1.0, 2 * p)))


def paired(quantity: Quantity) -> Found:
    """Compare a test quantity with replicates, draw by draw.

    Parameters
    ----------
    quantity : Quantity
        Of data and of replicates at the same draws.
    """
    off = quantity.observed - quantity.replicated
    beyond = min(float((off <= 0).sum()), float((off >= 0).sum()))
    distance = off.mean() / off.std() if off.std() > 0 else 0.0
    return _found(quantity.observed, quantity.replicated, beyond, off.size, float(distance))
