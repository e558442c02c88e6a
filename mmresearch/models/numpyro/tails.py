"""Where falls of open interest become dangerous, in NumPyro.

The same model as `mmresearch.models.pymc.tails`, written independently: that the two log densities agree is the test of
both.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array
from jax.scipy.special import logsumexp, ndtr

from mmresearch.models.centring import Parameterisation, fixed
from mmresearch.models.feature_data import threshold_table
from mmresearch.models.feature_priors import CascadePriors
from mmresearch.models.features import FeatureEvidence, of_features
from mmresearch.models.numpyro.populations import population
from mmresearch.models.priors import of_kind


def cascade_oi_threshold(
    evidence: FeatureEvidence,
    *,
    parameterisation: Parameterisation = "auto",
    pooling: bool = True,
    priors: CascadePriors | None = None,
) -> Callable[[], None]:
    """Hierarchical model of the fall of open interest beyond which markouts are bad.

    Parameters
    ----------
    evidence : FeatureEvidence
        Falls by size and what followed them, by asset.
    parameterisation : {"auto", "centred", "noncentred"}
        Without effect: thresholds are summed out, so there is no form to choose.
    pooling : bool
        Let assets share a population.
    priors : CascadePriors, optional
        Hyperpriors.

    Returns
    -------
    callable
        A model without arguments, with ``cascade_oi_threshold`` (asset), a fraction of open interest.

    Raises
    ------
    EvidenceError
        If no tape has a fall of open interest with a minute after it, or the evidence is not of features.
    """
    counts, p = of_features(evidence).falls, of_kind(CascadePriors, priors)
    log_u, table = threshold_table(counts)
    fixed(parameterisation, np.zeros(len(counts)))
    borders = np.append(log_u, log_u[-1]) - 0.5 * (log_u[1] - log_u[0])
    borders[[0, -1]] = log_u[[0, -1]]

    def model() -> None:
        m, tau = population("u", p.u, pooling)
        joint = jax.nn.log_softmax(dist.Normal(m, tau).log_prob(jnp.asarray(log_u))) + table
        numpyro.factor("falls", logsumexp(joint, axis=1).sum())
        with numpyro.plate("asset", len(counts)):
            z = numpyro.sample("z_u", dist.Normal(0.0, 1.0))
            drawn = jax.vmap(_drawn, (0, 0, None))(jax.nn.softmax(joint, axis=1), ndtr(z), jnp.asarray(borders))
            numpyro.deterministic("cascade_oi_threshold", jnp.exp(drawn))

    return model


def _drawn(mass: Array, v: Array, borders: Array) -> Array:
    """Log threshold at which the distribution function is v, even between the borders of cells."""
    return jnp.interp(v, jnp.append(0.0, jnp.cumsum(mass)), borders)
