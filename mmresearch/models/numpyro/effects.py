"""Asset effects in NumPyro, centred as far as their data are sharp; see `mmresearch.models.centring`.

To be called inside the plate of assets.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array
from numpy.typing import ArrayLike, NDArray


def effect(name: str, mu: ArrayLike, tau: ArrayLike, weight: NDArray) -> Array:
    """Return x ~ N(mu, tau) by asset, sampled through the site `name`."""
    centre, log_tau = jnp.asarray(mu), jnp.log(jnp.asarray(tau))
    y = numpyro.sample(name, dist.Normal(weight * centre, jnp.exp(weight * log_tau)))
    return centre + (y - weight * centre) * jnp.exp((1 - weight) * log_tau)
