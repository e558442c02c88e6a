"""Populations of asset effects in NumPyro: mean and spread between assets, learned, or fixed where nothing is pooled.

To be called outside the plate of assets.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpy.typing import ArrayLike

from mmresearch.models.feature_priors import Population


def population(letter: str, law: Population, pooling: bool = True) -> tuple[ArrayLike, ArrayLike]:
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
    if pooling:
        m = numpyro.sample(f"m_{letter}", dist.Normal(law.location, law.scale))
        return m, numpyro.sample(f"tau_{letter}", dist.LogNormal(jnp.log(law.tau_median), law.tau_log_sd))
    return law.location, law.alone_sd
