"""Series seen at the times of quotes, in NumPyro: a level that wanders, and a lead that is forgotten.

The same models as `mmresearch.models.pymc.levels`, written independently: that the two log densities agree is the test
of both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.numpyro.populations import population
from mmresearch.models.numpyro.recursions import linear, moebius, side_by_side
from mmresearch.models.priors import of_kind
from mmresearch.models.series import Quoted, SeriesEvidence, following, of_series, require_any
from mmresearch.models.series_centring import lead_weights, level_weights
from mmresearch.models.series_priors import LeadPriors, LevelPriors


def local_level(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    drift: bool = True,
    pooling: bool = True,
    priors: LevelPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical local-level model of the log mid.

    Parameters
    ----------
    evidence : SeriesEvidence
        Log mids of fresh quotes by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    drift : bool
        Let the level wander; without it a stretch of quotes has one level, and its noise is all that is reported.
    pooling : bool
        Let assets share a population.
    priors : LevelPriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``kalman_q`` (asset), variance of log price per s, and
        ``kalman_r`` (asset), variance.

    Raises
    ------
    EvidenceError
        If no tape has two quotes that follow each other, or the evidence is not of series.
    """
    series, p = of_series(evidence).level, of_kind(LevelPriors, priors)
    require_any([s.steps for s in series], "two quotes that follow each other")
    weights = level_weights(evidence, *spreads(pooling, p.q, p.r))
    weight_q, weight_r = (fixed(parameterisation, w) for w in weights)
    likelihood = level_log_likelihood(series)

    def model() -> None:
        of_q = population("q", p.q, pooling) if drift else None
        m_r, tau_r = population("r", p.r, pooling)
        with numpyro.plate("asset", len(series)):
            log_q = jnp.full(len(series), -jnp.inf)
            if of_q is not None:
                log_q = effect("log_q", *of_q, weight_q)
                numpyro.deterministic("kalman_q", 1e-8 * jnp.exp(log_q))
            log_r = effect("log_r", m_r, tau_r, weight_r)
            numpyro.deterministic("kalman_r", 1e-8 * jnp.exp(log_r))
        numpyro.factor("quotes", likelihood(log_q, log_r).sum())

    return model


def level_log_likelihood(series: tuple[Quoted, ...]) -> Callable[[Array, Array], Array]:
    """Return the log likelihood of each asset as a function of log q and log r, each of shape (assets,).

    Parameters
    ----------
    series : tuple of Quoted
        One per asset.
    """
    gap = side_by_side([s.gap_s for s in series], np.inf)
    y = side_by_side([s.value_bps for s in series], 0.0)
    anew = np.isinf(gap)
    gap = np.where(anew, 1.0, gap)

    def value(log_q: Array, log_r: Array) -> Array:
        r, grown = jnp.exp(log_r)[:, None], jnp.exp(log_q)[:, None] * gap
        # P -> r (P + q D)/(P + q D + r), or r from wherever where the series starts anew.
        first = jnp.stack([jnp.where(anew, 0.0, r), jnp.where(anew, r, r * grown)], axis=-1)
        second = jnp.stack([jnp.where(anew, 0.0, 1.0), jnp.where(anew, 1.0, grown + r)], axis=-1)
        after = moebius(jnp.stack([first, second], axis=-2))
        gain = jnp.where(anew, 1.0, after / r)
        level = linear(1.0 - gain, gain * y)
        spread = jnp.roll(after, 1, axis=1) + grown + r
        innovation = y - jnp.roll(level, 1, axis=1)
        term = -0.5 * (jnp.log(2 * jnp.pi * spread) + jnp.square(innovation) / spread)
        return jnp.where(anew, 0.0, term).sum(axis=1)

    return value


def microprice_decay(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    pooling: bool = True,
    priors: LeadPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of how fast the microprice forgets its lead over the mid.

    Parameters
    ----------
    evidence : SeriesEvidence
        Microprice minus mid of fresh quotes by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    pooling : bool
        Let assets share a population.
    priors : LeadPriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``microprice_decay`` (asset), the share left after a second, and
        ``lead_sd_bps`` (asset).

    Raises
    ------
    EvidenceError
        If no tape has two quotes with sizes that follow each other, or the evidence is not of series.
    """
    series, p = of_series(evidence).lead, of_kind(LeadPriors, priors)
    require_any([s.steps for s in series], "two quotes with sizes that follow each other")
    weight, weight_v = (fixed(parameterisation, w) for w in lead_weights(evidence, *spreads(pooling, p.rate, p.v)))
    asset, gap, before, now = following(series)

    def model() -> None:
        (m_rate, tau_rate), (m_v, tau_v) = population("rate", p.rate, pooling), population("v", p.v, pooling)
        with numpyro.plate("asset", len(series)):
            rate = jnp.exp(effect("log_rate", m_rate, tau_rate, weight))
            twice = jnp.log(2 * rate)
            variance = jnp.exp(effect("log_diffusion", m_v + twice, tau_v, weight_v) - twice)
            numpyro.deterministic("microprice_decay", jnp.exp(-rate))
            numpyro.deterministic("lead_sd_bps", jnp.sqrt(variance))
        kept = jnp.exp(-rate[asset] * gap)
        scale = jnp.sqrt(variance[asset] * -jnp.expm1(-2 * rate[asset] * gap))
        with numpyro.plate("step", now.size):
            numpyro.sample("lead", dist.Normal(kept * before, scale), obs=now)

    return model
