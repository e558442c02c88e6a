"""Populations of asset effects in PyMC: mean and spread between assets, learned, or fixed where nothing is pooled."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from mmresearch.models.priors import Population


def population(letter: str, law: Population, pooling: bool = True) -> tuple[TensorVariable, TensorVariable]:
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


def population_named(mean: str, sd: str, law: Population, pooling: bool) -> tuple[TensorVariable, TensorVariable]:
    """Return what `population` returns, under names of one's own.

    Parameters
    ----------
    mean, sd : str
        Names of what is sampled.
    law, pooling
        As in `population`.
    """
    if not pooling:
        return pt.as_tensor(law.location), pt.as_tensor(law.alone_sd)
    m = pm.Normal(mean, law.location, law.scale)
    return m, pm.LogNormal(sd, np.log(law.tau_median), law.tau_log_sd)
