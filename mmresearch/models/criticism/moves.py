"""Moves of the mid, one by one: their scale, their slope on momentum, their mean after a changepoint.

    sigma_bps_per_sqrt_s, momentum_normalizer_bps   r_j ~ N(0, s), or Student-t of sd s
    proactive_skew_sensitivity, Student-t           y_j ~ t(nu, a + b m_j, s)
    proactive_skew_sensitivity, Normal              y_j given y_1..j-1: N(mean of (y - b m) before + b m_j,
                                                    s^2 (1 + 1/(j - 1))), the intercept integrated out as in the model;
                                                    the first move has no density
    predictive_bias_sensitivity                     z_j ~ N(b, s), or Student-t of scale s

Models with normal noise read sums of all moves; rows are the newest single ones. Recursive residuals: Brown, Durbin and
Evans 1975.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mmresearch.models.criticism.laws import normal, student_t
from mmresearch.models.criticism.rows import AssetRows, Draws, FloatArray, Law, Part
from mmresearch.models.features import FeatureEvidence, Foretold, Moves, of_features

_CHECKS = ("kurtosis", "autocorrelation", "clustering")


def seconds(draws: Draws, evidence: FeatureEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Moves over a second; see `_scale`."""
    return _scale(draws, of_features(evidence).seconds, "sigma_bps_per_sqrt_s", "a move over a second")


def minutes(draws: Draws, evidence: FeatureEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Moves over a minute; see `_scale`."""
    return _scale(draws, of_features(evidence).minutes, "momentum_normalizer_bps", "a move over a minute")


def _scale(draws: Draws, moves: tuple[Moves, ...], name: str, unit: str) -> Iterator[AssetRows]:
    sd = draws[name]
    nu = _freedom(draws)
    for i, found in enumerate(moves):
        scale = sd[:, [i]]
        law = _law(found.values_bps, np.zeros_like(scale), scale * (1.0 if nu is None else np.sqrt((nu - 2) / nu)), nu)
        yield _single(found.asset, unit, law)


def after_momentum(draws: Draws, evidence: FeatureEvidence, rng: np.random.Generator, **_: Any) -> Iterator[AssetRows]:
    """Moves over 10 s after momentum was said.

    The intercept of Student-t noise is the move at the mean momentum of the evidence.
    """
    slope, scale, nu = draws["proactive_skew_sensitivity"], draws["noise_scale"], _freedom(draws)
    for i, found in enumerate(of_features(evidence).momentum):
        b, s = slope[:, [i]], scale[:, [i]]
        if nu is None:
            law = _recursive(found, b, s)
        else:
            off = found.regressor - (found.regressor.mean() if found.regressor.size else 0.0)
            law = _law(found.values, draws["intercept_bps"][:, [i]] + b * off, s, nu)
        yield _single(found.asset, "a move after momentum", law)


def _recursive(found: Foretold, b: FloatArray, s: FloatArray) -> Law:
    off = found.values - b * found.regressor
    before = np.arange(off.shape[1])
    mean = np.cumsum(off, axis=1) - off
    mean[:, 1:] /= before[1:]
    width = s * np.sqrt(1 + 1 / np.maximum(before, 1))
    density, cdf, _ = normal(off, mean, width)
    density[:, :1], cdf[:, :1] = 0.0, np.nan
    return density, cdf, cdf


def after_changepoints(
    draws: Draws, evidence: FeatureEvidence, rng: np.random.Generator, **_: Any
) -> Iterator[AssetRows]:
    """Moves over 10 s after lone changepoints, in sigmas."""
    bias, scale, nu = draws["predictive_bias_sensitivity"], draws["noise_scale"], _freedom(draws)
    for i, found in enumerate(of_features(evidence).changepoints):
        yield _single(found.asset, "a move after a changepoint", _law(found.values, bias[:, [i]], scale[:, [i]], nu))


def _freedom(draws: Draws) -> FloatArray | None:
    return 2 + draws["nu_minus_two"][:, None] if "nu_minus_two" in draws else None


def _law(values: FloatArray, mean: FloatArray, scale: FloatArray, nu: FloatArray | None) -> Law:
    return normal(values, mean, scale) if nu is None else student_t(values, nu, mean, scale)


def _single(asset: str, unit: str, law: Law) -> AssetRows:
    """Rows of one value each."""
    size = law[0].shape[1]
    return AssetRows(asset, unit, size, (Part("moves", np.arange(size), *law, checks=_CHECKS),))
