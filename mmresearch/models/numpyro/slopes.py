"""What a signal foretells, in NumPyro: the slope of moves on momentum, and the mean move after a changepoint.

The same models as `mmresearch.models.pymc.slopes`, written independently: that the two log densities agree is the test
of both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_centring import slope_weights
from mmresearch.models.feature_data import heavy_tailed, require_foretold
from mmresearch.models.feature_priors import BiasPriors, SlopePriors, TailPriors
from mmresearch.models.features import FeatureEvidence, Foretold, Noise, of_features
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.numpyro.populations import population
from mmresearch.models.numpyro.scales import degrees_of_freedom
from mmresearch.models.priors import of_kind


def proactive_skew_sensitivity(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "student_t",
    pooling: bool = True,
    priors: SlopePriors | None = None,
) -> Callable[[], None]:
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
    callable
        A model without arguments, with ``proactive_skew_sensitivity`` (asset), bps per unit momentum.

    Raises
    ------
    EvidenceError
        If momentum varies on no tape, if moves never vary, or the evidence is not of features.
    """
    series, p = of_features(evidence).momentum, of_kind(SlopePriors, priors)
    heavy = heavy_tailed(noise)
    require_foretold(series, "momentum that varies, with moves after it", "moves after momentum", heavy)
    weight, weight_s = (fixed(parameterisation, w) for w in slope_weights(series, np.exp(p.s.location)))
    likelihood = _single_moves(series) if heavy else _least_squares(series)

    def model() -> None:
        (m_b, tau_b), (m_s, tau_s) = population("b", p.b, pooling), population("s", p.s, pooling)
        with numpyro.plate("asset", len(series)):
            b = effect("slope", m_b, tau_b, weight)
            numpyro.deterministic("proactive_skew_sensitivity", b)
            s = numpyro.deterministic("noise_scale", jnp.exp(effect("log_s", m_s, tau_s, weight_s)))
            at = numpyro.sample("intercept_bps", dist.Normal(0.0, p.intercept_sd_bps)) if heavy else jnp.zeros(())
        likelihood(at + jnp.zeros(len(series)), b, s, p.tail)

    return model


def predictive_bias_sensitivity(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    noise: Noise = "normal",
    unit_scale: bool = False,
    pooling: bool = True,
    priors: BiasPriors | None = None,
) -> Callable[[], None]:
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
    callable
        A model without arguments, with ``predictive_bias_sensitivity`` (asset), in sigmas.

    Raises
    ------
    EvidenceError
        If no tape has a lone changepoint of known volatility, if moves never vary, or the evidence is not of features.
    """
    series, p = of_features(evidence).changepoints, of_kind(BiasPriors, priors)
    heavy = heavy_tailed(noise)
    require_foretold(series, "a move after a lone changepoint", "moves after changepoints", heavy)
    weight, weight_s = (fixed(parameterisation, w) for w in slope_weights(series, np.exp(p.s.location)))
    likelihood = _single_moves(series) if heavy else _least_squares(series)

    def model() -> None:
        m_b, tau_b = population("b", p.b, pooling)
        m_s, tau_s = (0.0, 1.0) if unit_scale else population("s", p.s, pooling)
        with numpyro.plate("asset", len(series)):
            b = numpyro.deterministic("predictive_bias_sensitivity", effect("bias", m_b, tau_b, weight))
            log_s = jnp.zeros(len(series)) if unit_scale else effect("log_s", m_s, tau_s, weight_s)
            numpyro.deterministic("noise_scale", jnp.exp(log_s))
        if heavy:
            # The regressor is 1, of which nothing is left about its mean: the mean move is the intercept.
            likelihood(b, jnp.zeros(len(series)), jnp.exp(log_s), p.tail)
        else:
            likelihood(jnp.zeros(len(series)), b, jnp.exp(log_s), p.tail)

    return model


#: Move at the mean regressor, slope, scale of the noise, each of shape (assets,), and prior of the tail.
Likelihood = Callable[[Array, Array, Array, TailPriors], None]


def _least_squares(series: tuple[Foretold, ...]) -> Likelihood:
    """Slopes (or means) and residual sums of squares; the intercept is not looked at."""
    fits = [s.fit for s in series]
    seen = np.array([i for i, fit in enumerate(fits) if fit.information > 0])
    known = np.array([i for i, fit in enumerate(fits) if fit.freedom > 1], dtype=int)
    width = np.array([fits[i].information for i in seen]) ** -0.5
    estimate = np.array([fits[i].estimate for i in seen])
    half, residual = np.array([(0.5 * (fits[i].freedom - 1), fits[i].residual) for i in known]).reshape(-1, 2).T

    def observe(_: Array, b: Array, s: Array, __: TailPriors) -> None:
        with numpyro.plate("asset_seen", seen.size):
            numpyro.sample("estimate", dist.Normal(b[seen], s[seen] * width), obs=estimate)
        if known.size:
            with numpyro.plate("asset_with_spread", known.size):
                numpyro.sample("residual", dist.Gamma(half, 0.5 / jnp.square(s[known])), obs=residual)

    return observe


def _single_moves(series: tuple[Foretold, ...]) -> Likelihood:
    """Student-t moves about a line through the mean regressor."""
    asset = np.concatenate([np.full(s.values.size, i) for i, s in enumerate(series)])
    mean = np.array([s.regressor.mean() if s.regressor.size else 0.0 for s in series])
    off = np.concatenate([s.regressor for s in series]) - mean[asset]
    values = np.concatenate([s.values for s in series])

    def observe(at: Array, b: Array, s: Array, tail: TailPriors) -> None:
        nu = degrees_of_freedom(tail)
        with numpyro.plate("move", values.size):
            law = dist.StudentT(nu, at[asset] + b[asset] * off, s[asset])
            numpyro.sample("moves", law, obs=values)

    return observe
