"""Hidden regimes in returns and spreads, in NumPyro.

The same model as `mmresearch.models.pymc.regimes`, written independently: there the forward algorithm runs through time
with its gradient by hand, here JAX goes back through the scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array, lax

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.numpyro.populations import population
from mmresearch.models.numpyro.recursions import side_by_side, sticky_chain
from mmresearch.models.priors import of_kind
from mmresearch.models.series import RegimeSeries, SeriesEvidence, of_series, regimes_seen
from mmresearch.models.series_centring import regime_weights
from mmresearch.models.series_priors import RegimePriors


def regime_sticky_diagonal(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    pooling: bool = True,
    priors: RegimePriors | None = None,
    states: int = 2,
) -> Callable[[], None]:
    """Hierarchical hidden Markov model of volatility and spread.

    Parameters
    ----------
    evidence : SeriesEvidence
        Returns and spreads by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    pooling : bool
        Let assets share a population of the probability of staying; what a regime looks like is each asset's own.
    priors : RegimePriors, optional
        Hyperpriors.
    states : int
        Regimes, 2 to 4.

    Returns
    -------
    callable
        A model without arguments, with ``regime_sticky_diagonal`` (asset), the probability of staying in a regime for
        a second.

    Raises
    ------
    EvidenceError
        If no tape has a mid that moves, if there are less than 2 or more than 4 states, or the evidence is not of
        series.
    """
    series, p = of_series(evidence).regimes, of_kind(RegimePriors, priors)
    seen = regimes_seen(series, states)
    weight = fixed(parameterisation, regime_weights(evidence, *spreads(pooling, p.stay)))
    likelihood = regime_log_likelihood([series[i] for i in seen])

    def model() -> None:
        m_stay, tau_stay = population("stay", p.stay, pooling)
        steps = (states - 1,)
        with numpyro.plate("asset", len(series)):
            logit_stay = effect("logit_stay", m_stay, tau_stay, weight)
            numpyro.deterministic("regime_sticky_diagonal", jnp.reciprocal(1 + jnp.exp(-logit_stay)))
            calm = numpyro.sample("log_calm", dist.Normal(p.calm_location, p.calm_scale))
            rise = numpyro.sample("rise", dist.HalfNormal(p.rise_scale).expand(steps).to_event(1))
            narrow = numpyro.sample("narrow", dist.Normal(p.narrow_location, p.narrow_scale))
            widen = numpyro.sample("widen", dist.HalfNormal(p.widen_scale).expand(steps).to_event(1))
            log_scatter = numpyro.sample("log_scatter", dist.Normal(p.scatter_location, p.scatter_scale))
            jumps = numpyro.sample("jumps", dist.Beta(p.jump_a, p.jump_b))
        emissions = _levels(calm, rise)[seen], _levels(narrow, widen)[seen], log_scatter[seen], jumps[seen]
        numpyro.factor("seconds", likelihood(logit_stay[seen], *emissions).sum())

    return model


def regime_log_likelihood(series: Sequence[RegimeSeries]) -> Callable[..., Array]:
    """Return the log likelihood of each asset as a function of logit stay and of the emissions.

    These are log sds of returns and means of log spreads, each of shape (assets, states); log of the sd of log spreads
    and share of jumps, each of shape (assets,), as is logit stay. Sds are beyond rounding.

    Parameters
    ----------
    series : sequence of RegimeSeries
        One per asset, none of them empty.
    """
    gap = side_by_side([s.gap_s for s in series], np.inf)
    there = side_by_side([np.ones(s.gap_s.size) for s in series], 0.0) > 0
    x, y = (side_by_side([getattr(s, k) for s in series], 0.0)[..., None] for k in ("returns", "log_spread"))
    jump, least, rounding = (
        np.array([getattr(s, k) for s in series])[:, None, None] for k in ("jump", "least_sd", "least_return")
    )
    far, anew = -np.log(jump) - 0.5 * np.square(x / jump), np.isinf(gap)
    gap, rows = np.where(anew, 1.0, gap), np.array([s.gap_s.size for s in series])

    def value(logit_stay: Array, log_sd: Array, mean: Array, log_scatter: Array, jumps: Array) -> Array:
        states = log_sd.shape[1]
        share, own = jumps[:, None, None], jnp.exp(log_scatter)[:, None, None]
        variance, mean = jnp.exp(2 * log_sd)[:, None, :] + np.square(rounding), mean[:, None, :]
        near = jnp.log1p(-share) - 0.5 * (jnp.log(variance) + np.square(x) / variance)
        leap = jnp.log(share) + far
        spread = jnp.square(own) + np.square(least)
        off = -0.5 * (jnp.square(y - mean) / spread + jnp.log(spread))
        # Densities are over the largest of their row; what they are over cancels, so it needs no slope.
        top = lax.stop_gradient((jnp.maximum(near, leap) + off).max(axis=-1, keepdims=True))
        density = jnp.exp(near + off - top) + jnp.exp(leap + off - top)
        # A row that is filled up says nothing.
        density, top = jnp.where(there[..., None], density, 1.0), jnp.where(there, top[..., 0], 0.0)
        # Second largest eigenvalue of a step: 1 - K (1 - p)/(K - 1).
        rho = 1 - states / (states - 1) / (1 + jnp.exp(logit_stay))
        kept = jnp.where(anew, 0.0, rho[:, None] ** gap)
        return sticky_chain(kept, density) + top.sum(axis=1) - rows * np.log(2 * np.pi)

    return value


def _levels(lowest: Array, steps: Array) -> Array:
    """Levels of all regimes, from the lowest and the steps between them; shape (assets, states)."""
    return jnp.cumsum(jnp.concatenate([lowest[:, None], steps], axis=1), axis=1)
