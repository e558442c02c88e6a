"""Series, one step ahead: waiting times of trades, innovations of a level, what is left of a lead.

    hawkes             waiting time w_j: lambda(t_j) e^{-L_j},  L_j the integral of lambda over it; P(W <= w) = 1 - e^-L
                       The last row is the silence until observation ends: e^{-L}, censored.
    local_level        innovation v_t ~ N(0, S_t) of the Kalman filter
    microprice_decay   x(t + D) ~ N(phi^D x(t), v (1 - phi^2D))

Closed seconds are spread evenly over the flow, since the evidence holds only their number. Recursions run once over
time, all draws side by side. Given a draw, the distribution functions are independent and uniform (Rosenblatt 1952);
for a flow that is its time rescaled (Ogata 1988). Letters as in `mmresearch.models.pymc.kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mmresearch.models.criticism.laws import normal
from mmresearch.models.criticism.rows import AssetRows, Draws, FloatArray, Part
from mmresearch.models.series import EventTimes, Quoted, SeriesEvidence, of_series


def flow(draws: Draws, evidence: SeriesEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Waiting times of trades.

    Parameters
    ----------
    draws : Draws
        Of hawkes.
    evidence : SeriesEvidence
        Event times.
    rng : Generator
        Not used.
    **_
        Not used.
    """
    mu, n, beta = draws["hawkes_mu"], draws["branching"], draws["hawkes_beta"]
    for i, events in enumerate(of_series(evidence).events):
        yield waiting_times(events, mu[:, i], n[:, i], beta[:, i])


def waiting_times(events: EventTimes, mu: FloatArray, n: FloatArray, beta: FloatArray) -> AssetRows:
    """Rows of one flow; branching 0 is a Poisson process.

    Parameters
    ----------
    events : EventTimes
        Of an asset.
    mu, n, beta : ndarray, shape (S,)
        Rate of immigrants (1/s), branching, decay (1/s).
    """
    gaps = np.diff(events.ts, prepend=0.0, append=events.end_s)
    share = events.open_s / events.end_s if events.end_s > 0 else 1.0
    log_rate, passed = np.zeros((mu.size, gaps.size)), np.empty((mu.size, gaps.size))
    excited = np.zeros_like(mu)
    for j, gap in enumerate(gaps):
        kept = np.exp(-beta * gap)
        passed[:, j] = mu * gap * share + n * excited * (1 - kept)
        excited = kept * excited
        if j < events.ts.size:
            log_rate[:, j] = np.log(mu + n * beta * excited)
            excited = excited + 1.0
    cdf = -np.expm1(-passed)
    cdf[:, -1] = np.nan
    checks = ("rescaled counts", "autocorrelation", "dispersion")
    part = Part("waiting times", np.arange(gaps.size), log_rate - passed, cdf, cdf, checks)
    return AssetRows(events.asset, "a waiting time", gaps.size, (part,))


def level(draws: Draws, evidence: SeriesEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Innovations of the log mid.

    Parameters
    ----------
    draws : Draws
        Of local_level.
    evidence : SeriesEvidence
        Log mids.
    rng : Generator
        Not used.
    **_
        Not used.
    """
    q, r = 1e8 * draws["kalman_q"], 1e8 * draws["kalman_r"]
    for i, series in enumerate(of_series(evidence).level):
        yield _innovations(series, q[:, i], r[:, i])


def _innovations(series: Quoted, q: FloatArray, r: FloatArray) -> AssetRows:
    off, variance = np.empty((q.size, series.steps)), np.empty((q.size, series.steps))
    x, p, row = np.zeros_like(q), np.zeros_like(q), 0
    for gap, y in zip(series.gap_s, series.value_bps, strict=True):
        if np.isinf(gap):
            x, p = np.full_like(q, y), r
            continue
        m = p + q * gap
        s = m + r
        off[:, row], variance[:, row] = y - x, s
        x, p = x + m / s * (y - x), r * m / s
        row += 1
    return _steps(series.asset, "a quote's innovation", off, np.sqrt(variance))


def lead(draws: Draws, evidence: SeriesEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Leads of the microprice, each given the one before.

    Parameters
    ----------
    draws : Draws
        Of microprice_decay.
    evidence : SeriesEvidence
        Leads.
    rng : Generator
        Not used.
    **_
        Not used.
    """
    decay, sd = draws["microprice_decay"], draws["lead_sd_bps"]
    for i, series in enumerate(of_series(evidence).lead):
        follows = np.isfinite(series.gap_s)
        log_left = np.log(decay[:, [i]]) * series.gap_s[follows]
        off = series.value_bps[follows] - np.exp(log_left) * np.roll(series.value_bps, 1)[follows]
        yield _steps(series.asset, "a quote's lead", off, sd[:, [i]] * np.sqrt(-np.expm1(2 * log_left)))


def _steps(asset: str, unit: str, off: FloatArray, sd: FloatArray) -> AssetRows:
    checks = ("dispersion", "kurtosis", "autocorrelation", "clustering")
    part = Part("innovations", np.arange(off.shape[1]), *normal(off, np.zeros_like(sd), sd), checks=checks)
    return AssetRows(asset, unit, off.shape[1], (part,))
