"""Asset effects in PyMC, centred as far as their data are sharp; see `mmresearch.models.centring`."""

from __future__ import annotations

import pymc as pm
from numpy.typing import NDArray
from pytensor.tensor import TensorLike, TensorVariable


def effect(
    name: str, mu: TensorLike, tau: TensorLike, weight: NDArray, dims: tuple[str, ...] = ("asset",)
) -> TensorVariable:
    """Return x ~ N(mu, tau) by asset, sampled through the variable `name`.

    Parameters
    ----------
    name : str
        Name of the variable y that is sampled in place of x.
    mu, tau : tensor_like
        Mean and sd of the effects; mu may differ between assets.
    weight : ndarray, shape (assets,)
        How far each is centred, from 0 to 1.
    dims : tuple of str
        Of the effects, where they are not those of assets.

    Returns
    -------
    TensorVariable
        x, of the shape of the weights.
    """
    y = pm.Normal(name, weight * mu, tau**weight, dims=dims)
    return mu + tau ** (1 - weight) * (y - weight * mu)
