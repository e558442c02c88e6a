"""Asset effects in PyMC, centred as far as their data are sharp; see `mmresearch.models.centring`."""

from __future__ import annotations

import pymc as pm
from numpy.typing import NDArray
from pytensor.tensor import TensorLike, TensorVariable


def effect(name: str, mu: TensorLike, tau: TensorLike, weight: NDArray) -> TensorVariable:
    """Return x ~ N(mu, tau) by asset, sampled through the variable `name`."""
    y = pm.Normal(name, weight * mu, tau**weight, dims="asset")
    return mu + tau ** (1 - weight) * (y - weight * mu)
