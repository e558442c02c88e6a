"""Flow that excites itself, in NumPyro.

The same model as `mmresearch.models.pymc.flow`, written independently: that the two log densities agree is the test of
both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array
from jax.nn import log_sigmoid

from mmresearch.models.centring import Parameterisation, fixed, spreads
from mmresearch.models.numpyro.effects import effect
from mmresearch.models.numpyro.populations import population
from mmresearch.models.numpyro.recursions import linear, side_by_side
from mmresearch.models.priors import of_kind
from mmresearch.models.series import EventTimes, SeriesEvidence, of_series, require_any
from mmresearch.models.series_centring import flow_weights
from mmresearch.models.series_priors import FlowPriors


def hawkes(
    evidence: SeriesEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    excitation: bool = True,
    pooling: bool = True,
    priors: FlowPriors | None = None,
) -> Callable[[], None]:
    """Hierarchical Hawkes model of trades.

    Parameters
    ----------
    evidence : SeriesEvidence
        Event times by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Form of the asset effects; "auto" centres each as far as its data are sharp.
    excitation : bool
        Let trades bring others; without it they come by themselves, at a steady rate (Poisson), and the rate is all
        that is reported.
    pooling : bool
        Let assets share a population.
    priors : FlowPriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``hawkes_mu``, ``hawkes_alpha``, ``hawkes_beta`` (asset), 1/s, and
        ``branching`` (asset).

    Raises
    ------
    EvidenceError
        If no tape has a trade, or the evidence is not of series.
    """
    events, p = of_series(evidence).events, of_kind(FlowPriors, priors)
    require_any([e.ts.size for e in events], "trades")
    weights = flow_weights(evidence, *spreads(pooling, p.mu, p.n, p.beta))
    weight, weight_n, weight_beta = (fixed(parameterisation, w) for w in weights)
    likelihood = hawkes_log_likelihood(events)

    def steady() -> None:
        m_mu, tau_mu = population("mu", p.mu, pooling)
        with numpyro.plate("asset", len(events)):
            log_mu = effect("log_flow", m_mu, tau_mu, weight)
            numpyro.deterministic("hawkes_mu", jnp.exp(log_mu))
        numpyro.factor("events", likelihood(log_mu, jnp.full(len(events), -jnp.inf), jnp.zeros(len(events))).sum())

    def model() -> None:
        m_mu, tau_mu = population("mu", p.mu, pooling)
        m_n, tau_n = population("n", p.n, pooling)
        m_beta, tau_beta = population("beta", p.beta, pooling)
        with numpyro.plate("asset", len(events)):
            logit_n = effect("logit_n", m_n, tau_n, weight_n)
            log_alone = log_sigmoid(-logit_n)
            log_flow = effect("log_flow", m_mu - log_alone, tau_mu, weight)
            log_beta = effect("log_beta", m_beta, tau_beta, weight_beta)
            log_mu, log_n = log_flow + log_alone, log_sigmoid(logit_n)
            numpyro.deterministic("branching", jnp.exp(log_n))
            numpyro.deterministic("hawkes_mu", jnp.exp(log_mu))
            numpyro.deterministic("hawkes_beta", jnp.exp(log_beta))
            numpyro.deterministic("hawkes_alpha", jnp.exp(log_n + log_beta))
        numpyro.factor("events", likelihood(log_mu, log_n, log_beta).sum())

    return model if excitation else steady


def hawkes_log_likelihood(events: tuple[EventTimes, ...]) -> Callable[[Array, Array, Array], Array]:
    """Return the log likelihood of each asset as a function of log mu, log n and log beta, each of shape (assets,).

    Parameters
    ----------
    events : tuple of EventTimes
        One per asset.
    """
    there = side_by_side([np.ones(e.ts.size) for e in events], 0.0) > 0
    gap = side_by_side([np.diff(e.ts, prepend=e.ts[:1]) for e in events], 0.0)
    left = side_by_side([e.end_s - e.ts for e in events], 0.0)
    open_s = np.array([e.open_s for e in events])
    later = there.copy()
    later[:, 0] = False

    def value(log_mu: Array, log_n: Array, log_beta: Array) -> Array:
        beta = jnp.exp(log_beta)[:, None]
        kept = jnp.where(later, jnp.exp(-beta * gap), 0.0)
        excited = linear(kept, kept)
        mu, jump = jnp.exp(log_mu)[:, None], jnp.exp(log_n + log_beta)[:, None]
        log_rate = jnp.where(there, jnp.log(mu + jump * excited), 0.0)
        passed = jnp.where(there, -jnp.expm1(-beta * left), 0.0)
        return log_rate.sum(axis=1) - mu[:, 0] * open_s - jnp.exp(log_n) * passed.sum(axis=1)

    return value
