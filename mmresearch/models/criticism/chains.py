"""States that change unseen, one step ahead: hidden regimes, and runs between changepoints.

    regimes   p(return_t, spread_t | past) = sum_k P(k | past) p(return | k) p(spread | k); the return comes first, then
              the spread given it
    runs      p(x_t | past) = sum_r P(run has r points | past) pi_tr, Student-t each
    reports   changes_i ~ Poisson(h_i E_i), one row an asset: the evidence has no times of its reports

Rows of regimes are seconds. Letters as in `mmresearch.models.pymc.chain_kernels`; all draws run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

from mmresearch.models.criticism.laws import poisson
from mmresearch.models.criticism.rows import AssetRows, Draws, FloatArray, Part
from mmresearch.models.segments import RUN_POINTS, RunLengths, marginalised, normal_log_densities, run_sums, runs
from mmresearch.models.series import RegimeSeries, SeriesEvidence, of_series
from mmresearch.models.series_priors import SegmentPriors

_CHECKS = ("kurtosis", "autocorrelation", "clustering")
_HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)


def regimes(draws: Draws, evidence: SeriesEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Seconds of returns and spreads.

    Parameters
    ----------
    draws : Draws
        Of regime_sticky_diagonal.
    evidence : SeriesEvidence
        Returns and spreads.
    rng : Generator
        Not used.
    **_
        Not used.
    """
    stay, jumps, own = draws["regime_sticky_diagonal"], draws["jumps"], np.exp(draws["log_scatter"])
    log_sd, mean = (_ladder(draws[a], draws[b]) for a, b in (("log_calm", "rise"), ("narrow", "widen")))
    for i, series in enumerate(of_series(evidence).regimes):
        if not series.gap_s.size:
            yield AssetRows(series.asset, "a second", 0, ())
            continue
        scatter = np.sqrt(own[:, i] ** 2 + series.least_sd**2)
        level = 0.5 * np.logaddexp(2 * log_sd[:, i], 2 * np.log(series.least_return))
        yield _seconds(series, stay[:, i], level, mean[:, i], scatter, jumps[:, i])


def _ladder(lowest: FloatArray, steps: FloatArray) -> FloatArray:
    return lowest[..., None] + np.pad(np.cumsum(steps, axis=-1), [(0, 0), (0, 0), (1, 0)])


def _seconds(
    series: RegimeSeries, stay: FloatArray, log_sd: FloatArray, mean: FloatArray, scatter: FloatArray, jumps: FloatArray
) -> AssetRows:
    size, states, n = stay.size, log_sd.shape[1], series.gap_s.size
    rho = (states * stay - 1) / (states - 1)
    sd, out, scale = np.exp(log_sd), jumps[:, None], scatter[:, None]
    first_log, then_log, returned, spread = (np.empty((size, n)) for _ in range(4))
    belief = np.full((size, states), 1 / states)
    for t, (gap, x, y) in enumerate(zip(series.gap_s, series.returns, series.log_spread, strict=True)):
        kept = (rho**gap if np.isfinite(gap) and t else np.zeros(size))[:, None]
        belief = kept * belief + (1 - kept) / states
        inner = np.log1p(-out) - log_sd - 0.5 * (x / sd) ** 2
        log_return = np.logaddexp(inner, np.log(out) - np.log(series.jump) - 0.5 * (x / series.jump) ** 2)
        cdf = (1 - out) * special.ndtr(x / sd) + out * special.ndtr(x / series.jump)
        returned[:, t] = (belief * cdf).sum(axis=1)
        z = (y - mean) / scale
        top = log_return.max(axis=1, keepdims=True)
        given = belief * np.exp(log_return - top)
        first = given.sum(axis=1, keepdims=True)
        spread[:, t] = (given * special.ndtr(z)).sum(axis=1) / first[:, 0]
        least = (0.5 * z**2).min(axis=1, keepdims=True)
        both = given * np.exp(least - 0.5 * z**2)
        total = both.sum(axis=1, keepdims=True)
        first_log[:, t] = (top + np.log(first))[:, 0] - _HALF_LOG_TAU
        then_log[:, t] = (np.log(total) - least - np.log(first) - np.log(scale))[:, 0] - _HALF_LOG_TAU
        belief = both / total
    row = np.arange(n)
    parts = (
        Part("returns", row, first_log, returned, returned, _CHECKS),
        Part("log spreads", row, then_log, spread, spread, _CHECKS),
    )
    return AssetRows(series.asset, "a second", n, parts)


def changes(
    draws: Draws, evidence: SeriesEvidence, rng: np.random.Generator, runs: RunLengths = "reported",
    segments: SegmentPriors | None = None, **_: Any,
) -> Iterator[AssetRows]:  # fmt: skip
    """Changepoints that are reported, or returns between those that are not.

    Parameters
    ----------
    draws : Draws
        Of bocpd_hazard_rate.
    evidence : SeriesEvidence
        Reports, or returns.
    rng : Generator
        Not used.
    runs : {"reported", "marginalised"}
        Which.
    segments : SegmentPriors, optional
        What a segment looks like, where runs are marginalised.
    **_
        Not used.
    """
    h, series = draws["bocpd_hazard_rate"], of_series(evidence)
    if marginalised(runs, segments):
        for i, returns in enumerate(series.regimes):
            yield _returns(returns, h[:, i], segments or SegmentPriors())
        return
    for i, counts in enumerate(series.changes):
        seen = int(counts.exposure_s > 0)
        law = poisson(np.full(seen, np.rint(counts.changes)), h[:, [i]] * np.full(seen, counts.exposure_s))
        yield AssetRows(counts.asset, "all reports of an asset", seen, (Part("changepoints", np.arange(seen), *law),))


def _returns(series: RegimeSeries, hazard: FloatArray, priors: SegmentPriors) -> AssetRows:
    x, gap_s = series.returns[-RUN_POINTS:], series.gap_s[-RUN_POINTS:]
    log_density = normal_log_densities(x, priors)
    found, cdf = runs(log_density, gap_s), _cdf(x, priors)
    n, size = x.size, hazard.size
    density, below = np.empty((size, n)), np.empty((size, n))
    belief, longest = np.zeros((size, n)), 0
    for t, gap in enumerate(found.gap_s):
        if np.isinf(gap):
            longest, ahead = 0, np.ones((size, 1))
        else:
            kept = np.exp(-hazard * gap)[:, None]
            ahead = np.concatenate([1 - kept, kept * belief[:, :longest]], axis=1)
        r = slice(0, longest + 1)
        top = log_density[t, r].max()
        below[:, t] = ahead @ cdf[t, r]
        both = ahead * np.exp(log_density[t, r] - top)
        total = both.sum(axis=1)
        density[:, t] = top + np.log(total)
        longest += 1
        belief[:, :longest] = both / total[:, None]
    part = Part("returns", np.arange(n), density, below, below, _CHECKS)
    return AssetRows(series.asset, "a return", n, (part,))


def _cdf(x: FloatArray, priors: SegmentPriors) -> FloatArray:
    """Student-t probability of a smaller point after each run; shape (n, n)."""
    r, sums, squares = np.arange(float(x.size)), run_sums(x), run_sums(x**2)
    k, a = priors.k + r, priors.shape + 0.5 * r
    b = priors.scale + 0.5 * (squares - sums**2 / k)
    return np.asarray(special.stdtr(2 * a, (x[:, None] - sums / k) / np.sqrt(b * (k + 1) / (a * k))))
