"""How far each asset's effect is centred: all the way where its data are sharp, not at all where they are dull.

An effect x_i ~ N(mu, tau) is sampled through y_i ~ N(w_i mu, tau^{w_i}), x_i = mu + tau^{1 - w_i} (y_i - w_i mu):
w = 1 is the centred form, w = 0 the non-centred one. The weight is the share of the population in the spread of an
estimate,

    w_i = tau0^2 / (tau0^2 + se_i^2),

with se_i the standard error of the asset's own data and tau0 a small but plausible spread; where assets are not pooled,
the sd of their fixed prior. Windows of kappa are effects about their asset's log kappa in the same way, with the wander
that shows in the data for tau0.

Reference: Gorinova, Moore and Hoffman 2020, Automatic reparameterisation of probabilistic programs.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mmresearch.models.data import DepthData, FloatArray, LabelData, MarkoutData, WalkData
from mmresearch.models.priors import Population

Parameterisation = Literal["auto", "centred", "noncentred"]

#: Small but plausible spreads between assets, of logit alpha, log kappa, log intensity given kappa, log scales: it is
#: where the spread is small that a form too centred gets stuck.
LOGIT_SPREAD, KAPPA_SPREAD, RATE_SPREAD, SCALE_SPREAD = 0.4, 0.5, 0.25, 0.5
#: Plausible spread of an asset's windows, which no amount of data within them removes.
WANDER = 0.2
#: Halvings of the range in which an asset's kappa lies, .001 to 100 per bp on the log scale: to a part in a thousand.
_BISECTIONS = 14
#: Sd of one fill's move (bps) where no data tell it.
MOVE_SD_BPS = 4.0


def fixed(form: Parameterisation, weights: FloatArray) -> FloatArray:
    """Return the weights, or all ones (centred), or all zeros (non-centred).

    Raises
    ------
    ValueError
        If the form is unknown.
    """
    if form == "auto":
        return weights
    if form not in ("centred", "noncentred"):
        raise ValueError(f"parameterisation must be auto, centred or noncentred, got {form!r}")
    return np.full(weights.shape, float(form == "centred"))


def by_rule(form: Parameterisation, weights: FloatArray) -> FloatArray:
    """Return the weights of windows, or all zeros (non-centred) where the form of the assets is told."""
    return weights if form == "auto" else np.zeros(weights.shape)


def spreads(pooling: bool, *laws: Population) -> tuple[float, ...]:
    """Return the spreads that weights take in place of their own: those of the fixed priors, none if assets are pooled.

    Parameters
    ----------
    pooling : bool
        Whether assets share a population.
    *laws : Population
        Of each effect.
    """
    return () if pooling else tuple(law.alone_sd for law in laws)


def _share(spread: float, se2: FloatArray) -> FloatArray:
    return spread**2 / (spread**2 + se2)


def _windows(asset: np.ndarray, n: int) -> FloatArray:
    return np.maximum(np.bincount(asset, minlength=n), 1)


def label_weights(data: LabelData, spread: float = LOGIT_SPREAD) -> FloatArray:
    """Weights of logit alpha; shape (assets,)."""
    n = len(data.assets)
    k, total = (np.bincount(data.asset, x, minlength=n) for x in (data.informed, data.total))
    return _share(spread, 1 / (k + 0.5) + 1 / (total - k + 0.5) + WANDER**2 / _windows(data.asset, n))


def markout_weights(
    data: MarkoutData, spread: float | None = None, scale_spread: float = SCALE_SPREAD
) -> tuple[FloatArray, FloatArray]:
    """Weights of the adverse move and of the log scale; each of shape (assets,).

    Without a spread of adverse moves it is taken from the data.
    """
    n = len(data.assets)
    total = np.bincount(data.asset, data.n, minlength=n)
    seen, known = total > 0, data.dof > 0
    mean = np.bincount(data.asset, data.n * data.mean_bps, minlength=n)[seen] / total[seen]
    # An asset without two moves in one window says nothing of its variance: that of the others, or of the prior.
    pooled = data.m2[known].sum() / data.dof[known].sum() if known.any() else MOVE_SD_BPS**2
    variance = np.where(known, data.m2 / np.maximum(data.dof, 1.0), pooled)
    with np.errstate(divide="ignore"):
        se2 = variance * (1 / total + WANDER**2 / _windows(data.asset, n))
    if spread is None:
        spread = 0.5 * float(np.clip(np.std(mean), 0.2, 5.0)) if mean.size > 2 else 0.5
    return _share(spread, se2), _share(scale_spread, 0.5 / np.maximum(data.dof, 0.1))


def depth_weights(
    data: DepthData, spread: float = KAPPA_SPREAD, rate_spread: float = RATE_SPREAD
) -> tuple[FloatArray, FloatArray]:
    """Weights of log kappa and of the log intensity at the mean fill depth; each of shape (assets,)."""
    n = len(data.assets)
    total = np.bincount(data.asset, data.fills, minlength=n)
    wander = WANDER**2 / _windows(data.asset, n)
    known = _decay_information(data)
    return _share(spread, 1 / (known + 0.5) + wander), _share(rate_spread, 1 / (total + 0.5) + wander)


def _decay_information(data: DepthData) -> FloatArray:
    """Fisher information about log kappa in the depths of fills, at each asset's own best kappa; shape (assets,).

    Given their number, the fills of a row are spread over its depths as E e^{-kappa d}. The information is the sum of
    n kappa^2 Var(d): one a fill where orders rest at all depths, nothing where they rest at one.
    """
    kappa = _best_kappa(data)
    _, variance = _depth_moments(data, kappa[data.asset])
    return kappa**2 * np.bincount(data.asset, data.fills * variance, minlength=len(data.assets))


def _best_kappa(data: DepthData) -> FloatArray:
    """Kappa (per bp) at which each asset's fills would be as deep as they are; shape (assets,)."""
    n = len(data.assets)
    log_low, log_high = np.full(n, np.log(1e-3)), np.full(n, np.log(1e2))
    for _ in range(_BISECTIONS):
        middle = (log_low + log_high) / 2
        mean, _ = _depth_moments(data, np.exp(middle)[data.asset])
        steeper = np.bincount(data.asset, data.fills * mean - data.travelled_bps, minlength=n) > 0
        log_low, log_high = np.where(steeper, middle, log_low), np.where(steeper, log_high, middle)
    return np.exp(log_low)


def _depth_moments(data: DepthData, kappa: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of the depth of a fill in each row; shape (R,) each."""
    exponent = np.where(data.exposure_s > 0, -kappa[:, None] * data.depth_bps, -np.inf)
    weight = data.exposure_s * np.exp(exponent - exponent.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = (weight * data.depth_bps).sum(axis=1)
    return mean, (weight * (data.depth_bps - mean[:, None]) ** 2).sum(axis=1)


def walk_weights(
    data: WalkData, spread: float = KAPPA_SPREAD, p_spread: float = LOGIT_SPREAD, rate_spread: float = KAPPA_SPREAD
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of log kappa, of the logit of walking and of the log rate of orders; each of shape (assets,).

    Parameters
    ----------
    data : WalkData
        Orders and walks.
    spread, p_spread, rate_spread : float
        Spreads between assets of log kappa, of the logit and of the log rate.
    """
    n = len(data.assets)
    beyond, orders = (np.bincount(data.asset, x, minlength=n) for x in (data.beyond, data.orders))
    wander = WANDER**2 / _windows(data.asset, n)
    walking = 1 / (beyond + 0.5) + 1 / (orders - beyond + 0.5) + wander
    return (
        _share(spread, 1 / (beyond + 0.5) + wander),
        _share(p_spread, walking),
        _share(rate_spread, 1 / (orders + 0.5) + wander),
    )


def depth_window_weights(data: DepthData) -> FloatArray:
    """Weights of the windows' log kappa, from how deep their fills are; shape (assets, windows)."""
    kappa = _best_kappa(data)[data.asset]
    mean, variance = _depth_moments(data, kappa)
    information = kappa**2 * data.fills * variance
    return _window_weights(data, kappa * (data.fills * mean - data.travelled_bps), information)


def intensity_depth_bps(data: DepthData, window_weights: FloatArray) -> FloatArray:
    """Depth at which the intensity is sampled: there it is almost independent of the asset's kappa; shape (assets,).

    Where windows are alike that is the mean depth of the fills. Where every window tells its own kappa, numbers of
    fills tell the intensity at the mid, and the asset's kappa is the middle of its windows', whatever that is.
    """
    n = len(data.assets)
    total = np.bincount(data.asset, data.fills, minlength=n)
    told = np.bincount(data.asset, data.fills * window_weights[data.asset, data.window], minlength=n)
    return data.reference_bps * (1 - told / np.where(total > 0, total, 1))


def walk_window_weights(data: WalkData) -> FloatArray:
    """Weights of the windows' log kappa, from how far their orders walked; shape (assets, windows)."""
    n = len(data.assets)
    beyond, excess = (np.bincount(data.asset, x, minlength=n) for x in (data.beyond, data.excess_bps))
    # Ticks beyond the first are geometric: their mean is 1/(e^{kappa tick} - 1).
    ticks = (excess + 0.5 * data.tick_bps[0]) / (beyond + 0.5)
    x = np.log1p(data.tick_bps / ticks[data.asset])
    slope = x / np.expm1(x)
    score = data.beyond * slope - x * data.excess_bps / data.tick_bps
    return _window_weights(data, score, data.beyond * slope**2 * np.exp(x))


def _window_weights(data: DepthData | WalkData, score: FloatArray, information: FloatArray) -> FloatArray:
    """Weights of windows: the share of their wander, so far as it shows beyond doubt, in the spread of an estimate.

    A window's log kappa differs from its asset's by score/information, to first order. The wander is that of
    DerSimonian and Laird (1986, Meta-analysis in clinical trials), less two standard errors of what chance alone would
    make of it: where it does not show, a centred form would get stuck.
    """
    n = len(data.assets)
    known = information > 0
    off = np.divide(score, information, out=np.zeros(score.shape), where=known)
    total, squares = (np.bincount(data.asset, x, minlength=n) for x in (information, information**2))
    mean = np.bincount(data.asset, score, minlength=n) / np.where(total > 0, total, 1.0)
    degrees = float(known.sum() - (total > 0).sum())
    excess = float((information * (off - mean[data.asset]) ** 2).sum()) - degrees - 2 * np.sqrt(2 * degrees)
    scale = float((total - squares / np.where(total > 0, total, 1.0)).sum())
    wander2 = max(excess, 0.0) / scale if scale > 0 else 0.0
    weights = np.zeros((n, data.n_windows))
    weights[data.asset, data.window] = wander2 * information / (wander2 * information + 1.0)
    return weights
