"""Populations of asset effects in NumPyro: mean and spread between assets, learned, or fixed where nothing is pooled.

To be called outside the plate of assets.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array

from mmresearch.models.priors import Population


def population(letter: str, law: Population, pooling: bool = True) -> tuple[Array, Array]:
    """Return mean and sd of the effects of assets.

    Parameters
    ----------
    letter : str
        Names ``m_`` and ``tau_`` of what is sampled.
    law : Population
        Their hyperprior.
    pooling : bool
        Learn them from all assets; without it each asset has the prior of one that is alone.
    """
    return population_named(f"m_{letter}", f"tau_{letter}", law, pooling)


def population_named(mean: str, sd: str, law: Population, pooling: bool) -> tuple[Array, Array]:
    """Return what `population` returns, under names of one's own.

    Parameters
    ----------
    mean, sd : str
        Names of what is sampled.
    law, pooling
        As in `population`.
    """
    if pooling:
        m = numpyro.sample(mean, dist.Normal(law.location, law.scale))
        return m, numpyro.sample(sd, dist.LogNormal(jnp.log(law.tau_median), law.tau_log_sd))
    return jnp.asarray(law.location), jnp.asarray(law.alone_sd)
