"""What a signal foretells, in PyMC: the slope of moves on momentum, and the mean move after a changepoint.

    proactive_skew_sensitivity    y_ij = a_i + b_i m_ij + s_i e_ij     y the move over the next 10 s, bps
    predictive_bias_sensitivity   z_ij = b_i + s_i e_ij                z the move over the 10 s after, in sigmas
    b_i ~ N(m_b, tau_b),   log s_i ~ N(m_s, tau_s),   e_ij standard Normal, or Student-t of scale 1

Normal noise is read through the least-squares fit, with f observations less the constants fitted beside b:

    b_hat ~ N(b, s/sqrt(Sxx)),   RSS ~ s^2 chi-square(f - 1),   independent;   a is integrated out under a flat prior.

Student-t noise is read from the newest single moves; a_i, the move at mean momentum, is then a parameter of its own.
Source: Gelman et al., Bayesian Data Analysis, 3rd edition, section 14.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_centring import slope_weights
from mmresearch.models.feature_data import heavy_tailed, require_foretold
from mmresearch.models.feature_priors import BiasPriors, SlopePriors
from mmresearch.models.features import FeatureEvidence, Foretold, Noise, of_features
from mmresearch.models.priors import of_kind
from mmresearch.models.pymc.effects import effect
from mmresearch.models.pymc.populations import population
from mmresearch.models.pymc.scales import degrees_of_freedom


def proactive_skew_sensitivity(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "student_t",
    pooling: bool = True,
    priors: SlopePriors | None = None,
) -> pm.Model:
    """Hierarchical regression of the mid move over the next 10 s on momentum.

    Parameters
    ----------
    evidence : FeatureEvidence
        Momentum and moves by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    noise : {"student_t", "normal"}
        Law of what momentum does not foretell: the newest single moves with heavy tails, or sums of all.
    pooling : bool
        Let assets share a population.
    priors : SlopePriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``proactive_skew_sensitivity`` (asset), bps per unit momentum.

    Raises
    ------
    EvidenceError
        If momentum varies on no tape, if moves never vary, or the evidence is not of features.
    """
    series, p = of_features(evidence).momentum, of_kind(SlopePriors, priors)
    heavy = heavy_tailed(noise)
    require_foretold(series, "momentum that varies, with moves after it", "moves after momentum", heavy)
    weights = [fixed(parameterisation, w) for w in slope_weights(series, np.exp(p.s.location))]
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        b = effect("slope", *population("b", p.b, pooling), weights[0])
        s = pm.math.exp(effect("log_s", *population("s", p.s, pooling), weights[1]))
        pm.Deterministic("proactive_skew_sensitivity", b, dims="asset")
        pm.Deterministic("noise_scale", s, dims="asset")
        if heavy:
            intercept = pm.Normal("intercept_bps", 0.0, p.intercept_sd_bps, dims="asset")
            points = _Points.of(series)
            at = intercept[points.asset] + b[points.asset] * points.regressor
            pm.StudentT("moves", degrees_of_freedom(p.tail), mu=at, sigma=s[points.asset], observed=points.values)
        else:
            _least_squares(series, b, s)
    return model


def predictive_bias_sensitivity(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "normal",
    unit_scale: bool = False,
    pooling: bool = True,
    priors: BiasPriors | None = None,
) -> pm.Model:
    """Hierarchical model of the mean move after a changepoint.

    Parameters
    ----------
    evidence : FeatureEvidence
        Moves after lone changepoints by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    noise : {"normal", "student_t"}
        Law of the moves: sums of all, which tell the mean however skewed they are, or the newest single moves.
    unit_scale : bool
        Let moves scatter by exactly one sigma; otherwise the scale is learned.
    pooling : bool
        Let assets share a population.
    priors : BiasPriors, optional
        Hyperpriors.

    Returns
    -------
    pymc.Model
        With ``predictive_bias_sensitivity`` (asset), in sigmas.

    Raises
    ------
    EvidenceError
        If no tape has a lone changepoint of known volatility, if moves never vary, or the evidence is not of features.
    """
    series, p = of_features(evidence).changepoints, of_kind(BiasPriors, priors)
    heavy = heavy_tailed(noise)
    require_foretold(series, "a move after a lone changepoint", "moves after changepoints", heavy)
    weights = [fixed(parameterisation, w) for w in slope_weights(series, np.exp(p.s.location))]
    with pm.Model(coords={"asset": list(evidence.assets)}) as model:
        b = effect("bias", *population("b", p.b, pooling), weights[0])
        pm.Deterministic("predictive_bias_sensitivity", b, dims="asset")
        if unit_scale:
            s = pt.ones(len(series))
        else:
            s = pm.math.exp(effect("log_s", *population("s", p.s, pooling), weights[1]))
        pm.Deterministic("noise_scale", s, dims="asset")
        if heavy:
            points = _Points.of(series)
            nu = degrees_of_freedom(p.tail)
            pm.StudentT("moves", nu, mu=b[points.asset], sigma=s[points.asset], observed=points.values)
        else:
            _least_squares(series, b, s)
    return model


def _least_squares(series: tuple[Foretold, ...], b: TensorVariable, s: TensorVariable) -> None:
    """Estimates and residual sums of squares of each asset, given slope (or mean) and scale of the noise."""
    estimate, information, residual, freedom = np.array([s.fit for s in series]).T
    seen, known = np.flatnonzero(information > 0), np.flatnonzero(freedom > 1)
    pm.Normal("estimate", b[seen], s[seen] / np.sqrt(information[seen]), observed=estimate[seen])
    pm.Gamma("residual", alpha=(freedom[known] - 1) / 2, beta=1 / (2 * s[known] ** 2), observed=residual[known])


@dataclass(frozen=True)
class _Points:
    """Single moves of all assets, each with its asset and its regressor less the asset's mean."""

    asset: np.ndarray
    regressor: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, series: tuple[Foretold, ...]) -> _Points:
        asset = np.repeat(np.arange(len(series)), [s.values.size for s in series])
        regressor = [s.regressor - s.regressor.mean() for s in series if s.values.size]
        return cls(asset, np.concatenate(regressor), np.concatenate([s.values for s in series]))
