"""Asset effects in NumPyro, centred as far as their data are sharp; see `mmresearch.models.centring`.

To be called inside the plate of assets, or outside of any with the number of dimensions of the effects.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array
from jax.scipy.special import gammaln
from numpy.typing import ArrayLike, NDArray


def effect(name: str, mu: ArrayLike, tau: ArrayLike, weight: NDArray, event_dims: int = 0) -> Array:
    """Return x ~ N(mu, tau) by asset, sampled through the site `name`.

    Parameters
    ----------
    name : str
        Name of the site y that is sampled in place of x.
    mu, tau : array_like
        Mean and sd of the effects; mu may differ between assets.
    weight : ndarray, shape (assets,)
        How far each is centred, from 0 to 1.
    event_dims : int
        Dimensions of the effects that no plate has.

    Returns
    -------
    jax.Array
        x, of the shape of the weights.
    """
    centre, spread = jnp.asarray(mu), jnp.asarray(tau)
    y = numpyro.sample(name, dist.Normal(weight * centre, jnp.power(spread, weight)).to_event(event_dims))
    return centre + (y - weight * centre) * jnp.power(spread, 1 - weight)


class BetaBinomial(dist.BetaBinomial):
    """Beta-binomial whose log density keeps its digits.

    The stock one goes through ``betaln``, which is right to 2e-7 a term; a thousand windows would miss the density
    contract.
    """

    def log_prob(self, value: ArrayLike) -> Array:
        """Log probability of the counts."""
        a, b, n, k = self.concentration1, self.concentration0, self.total_count, jnp.asarray(value)
        rising = gammaln(k + a) - gammaln(a) + gammaln(n - k + b) - gammaln(b) - gammaln(n + a + b) + gammaln(a + b)
        return rising + gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
