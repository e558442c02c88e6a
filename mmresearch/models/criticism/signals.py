"""Costs by hour of the day, and falls of open interest by size.

    toxic_hour_gamma_mult   costs of an hour: their mean ~ N(c_kind, sqrt(s^2/n + e^2)), e the sd between hours, their
                            squares s^2 chi-square(n - 1); multiplied, the density of the single costs
    cascade_oi_threshold    bad_b ~ Binomial(total_b, p or q) in each bin; the model integrates p and q out; here
                            they are drawn from their law given the threshold and the evidence, p < q

The chances of the second are those of the evidence at hand: evidence that nobody fitted is scored with its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

from mmresearch.learn.sound.cascade import EDGES, CascadeThreshold
from mmresearch.models.criticism.laws import binomial, normal
from mmresearch.models.criticism.rows import AssetRows, Draws, FloatArray, Part
from mmresearch.models.feature_data import NORMAL, hour_data
from mmresearch.models.features import Falls, FeatureEvidence, of_features

#: Tries at chances in their order before they are set equal.
_TRIES = 200


def hours(
    draws: Draws, evidence: FeatureEvidence, rng: np.random.Generator, hours: tuple[int, ...] = (6, 7, 14), **_: Any
) -> Iterator[AssetRows]:
    """Hours of costs.

    Parameters
    ----------
    draws : Draws
        Of toxic_hour_gamma_mult; with ``c_hour`` for an effect of hours.
    evidence : FeatureEvidence
        Costs by hour.
    rng : Generator
        Not used.
    hours : tuple of int
        Which hours of the day are toxic (UTC), as in the fit.
    **_
        Not used.
    """
    costs = of_features(evidence).hours
    data = hour_data(costs, hours)
    cost, scale = draws["kind_cost_bps"], draws["cost_scale_bps"]
    between = draws["c_hour"] if "c_hour" in draws else np.zeros(draws.size)
    for i, one in enumerate(costs):
        used = np.flatnonzero(data.n[i] > 0)
        kind, n, m2 = data.kind[used], data.n[i, used], one.m2_bps2[used]
        s = scale[:, i][:, kind]
        spread = (between * scale[:, i, NORMAL])[:, None]
        mean, cdf = normal(data.mean_bps[i, used], cost[:, i][:, kind], np.sqrt(s**2 / n + spread**2))[:2]
        inside = -0.5 * (n - 1) * np.log(2 * np.pi * s**2) - 0.5 * m2 / s**2 - 0.5 * np.log(n)
        squares = np.where(n > 1, special.gammainc(0.5 * np.maximum(n - 1, 1), 0.5 * m2 / s**2), np.nan)
        row = np.arange(used.size)
        parts = (
            Part("mean costs", row, mean + inside, cdf, cdf, ("dispersion",)),
            Part("squares of costs", row, None, squares, squares, ("dispersion",)),
        )
        yield AssetRows(one.asset, "costs of an hour of the day", used.size, parts)


def falls(draws: Draws, evidence: FeatureEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Falls of open interest, by bin of their size.

    Parameters
    ----------
    draws : Draws
        Of cascade_oi_threshold.
    evidence : FeatureEvidence
        Falls.
    rng : Generator
        Draws the chances of bad markouts.
    **_
        Not used.
    """
    threshold = draws["cascade_oi_threshold"]
    for i, found in enumerate(of_features(evidence).falls):
        used = np.flatnonzero(found.total > 0)
        last = np.argmin(np.abs(np.log(EDGES) - np.log(threshold[:, [i]])), axis=1)
        p, q = _chances(found, last, rng)
        chance = np.where(used <= last[:, None], p[:, None], q[:, None])
        law = binomial(found.bad[used], found.total[used], chance)
        part = Part("bad markouts", np.arange(used.size), *law, checks=("dispersion", "autocorrelation"))
        yield AssetRows(found.asset, "falls of one size", used.size, (part,))


def _chances(found: Falls, last: Any, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Chances of bad markouts up to bin `last` and after it, in their order."""
    bad, total, rule = np.cumsum(found.bad), np.cumsum(found.total), CascadeThreshold()
    small = np.stack([bad, total - bad], axis=1)[last]
    large = np.array([bad[-1], total[-1] - bad[-1]]) - small
    below, above = small + np.array(rule.below), large + np.array(rule.above)
    p, q = rng.beta(*below.T), rng.beta(*above.T)
    for _ in range(_TRIES):
        wrong = p > q
        if not wrong.any():
            break
        p[wrong], q[wrong] = rng.beta(*below[wrong].T), rng.beta(*above[wrong].T)
    return np.minimum(p, q), np.maximum(p, q)
