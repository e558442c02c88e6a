"""How far the effects of series are centred: w = tau0^2/(tau0^2 + se^2), see `mmresearch.models.centring`.

Any weight gives the same law and the same posterior, only at another speed, so a rough standard error will do. Each is
c/sqrt(n) with n the number of points, c from the information of a long series of ordinary parameters.
"""

from __future__ import annotations

import numpy as np

from mmresearch.models.segments import Runs
from mmresearch.models.series import FloatArray, SeriesEvidence

#: Small but plausible spread between assets of any logarithm or logit here.
SPREAD = 0.4
#: c^2 of the log flow, of logit n and of log beta; of log q and log r; of log lambda and log diffusion.
FLOW, BRANCHING, DECAY = 3.0, 20.0, 40.0
VARIANCE, FORGETTING, DIFFUSION = 10.0, 400.0, 2.0
#: c^2 of the logit of staying: 1/(p (1 - p)) where regimes are seen, three times that where they are hidden.
STAYING = 60.0
#: Changepoints that a second without reports is worth: the catalogue's rate, half of them seen.
UNREPORTED = 0.002


def weights(points: FloatArray, square: float, spread: float = SPREAD) -> FloatArray:
    """Weights of effects that are known to a variance of `square`/points; shape (assets,).

    Parameters
    ----------
    points : ndarray, shape (assets,)
        Points of each series.
    square : float
        Variance that one point would leave.
    spread : float
        Small but plausible spread between assets; where they are not pooled, the sd of their fixed prior.
    """
    return spread**2 / (spread**2 + square / (points + 0.5))


def flow_weights(
    evidence: SeriesEvidence, mu: float = SPREAD, n: float = SPREAD, beta: float = SPREAD
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of log mu (sampled as log flow), logit n and log beta.

    Parameters
    ----------
    evidence : SeriesEvidence
        Events.
    mu, n, beta : float
        Spreads between assets.
    """
    events = np.array([float(e.ts.size) for e in evidence.events])
    return weights(events, FLOW, mu), weights(events, BRANCHING, n), weights(events, DECAY, beta)


def level_weights(evidence: SeriesEvidence, q: float = SPREAD, r: float = SPREAD) -> tuple[FloatArray, FloatArray]:
    """Weights of log q and log r."""
    n = np.array([float(s.steps) for s in evidence.level])
    return weights(n, VARIANCE, q), weights(n, VARIANCE, r)


def hazard_weights(evidence: SeriesEvidence, spread: float = SPREAD) -> FloatArray:
    """Weights of the log hazard: a changepoint is a point."""
    return weights(np.array([c.changes for c in evidence.changes]), 1.0, spread)


def lead_weights(evidence: SeriesEvidence, rate: float = SPREAD, v: float = SPREAD) -> tuple[FloatArray, FloatArray]:
    """Weights of log lambda and of log v (sampled as log diffusion)."""
    n = np.array([float(s.steps) for s in evidence.lead])
    return weights(n, FORGETTING, rate), weights(n, DIFFUSION, v)


def regime_weights(evidence: SeriesEvidence, spread: float = SPREAD) -> FloatArray:
    """Weights of the logit of staying."""
    return weights(np.array([float(r.gap_s.size) for r in evidence.regimes]), STAYING, spread)


def run_weights(runs: tuple[Runs, ...], spread: float = SPREAD) -> FloatArray:
    """Weights of the log hazard where no changepoint is reported."""
    return weights(UNREPORTED * np.array([float(r.gap_s.size) for r in runs]), 1.0, spread)
