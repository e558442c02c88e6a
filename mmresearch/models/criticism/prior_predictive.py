"""What the hyperpriors say before any data: a new asset's parameter, and data like those at hand.

The parameter is drawn for every asset from the PyMC model, all assets alike, so each draw of the hyperpriors gives as
many new assets as there are tapes. Data are replicated where the model observes a random variable, and kept as the mean
and the sd of each; likelihoods that are potentials (depths, flows, filters, chains) are not simulated here. The share
of draws outside the catalogue's plausible range is what the prior wastes on worlds that nobody has seen.

Two parameters are drawn by hand, since their models condition on data where they report: the ratio of toxic to normal
costs from the costs of the two kinds of hours, the threshold of a cascade from its population.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

from mmresearch.belief.catalogue import CATALOGUE, parameter
from mmresearch.models import pymc as pymc_models
from mmresearch.models.criticism.rows import FloatArray
from mmresearch.models.data import EvidenceError
from mmresearch.models.feature_data import NORMAL, SMALL_BPS, TOXIC
from mmresearch.models.inputs import fittable, model_of

DRAWS = 1000
_LEVEL = 0.9


@dataclass(frozen=True)
class PriorDraws:
    """Draws before any data.

    Attributes
    ----------
    values : ndarray, shape (N,)
        The parameter of new assets, in the catalogue's unit.
    plausible : tuple of float
        Range in which truths are found.
    below, above : float
        Shares of the draws below and above it.
    replicated : mapping
        Name of what is observed -> its mean in each replicated data set, and in the data (last).
    """

    values: FloatArray
    plausible: tuple[float, float]
    below: float
    above: float
    replicated: Mapping[str, FloatArray]

    def table(self) -> pd.DataFrame:
        """Return one row per quantity: quantity, low, median, high (90 % of draws), observed, share of draws below."""
        low, middle, high = np.quantile(self.values, [0.5 - _LEVEL / 2, 0.5, 0.5 + _LEVEL / 2])
        lines = [("a new asset", low, middle, high, np.nan, np.nan)]
        for name, means in self.replicated.items():
            again, seen = means[:-1], means[-1]
            low, middle, high = np.quantile(again, [0.5 - _LEVEL / 2, 0.5, 0.5 + _LEVEL / 2])
            lines.append((f"mean of {name}", low, middle, high, seen, float(np.mean(again < seen))))
        return pd.DataFrame(lines, columns=["quantity", "low", "median", "high", "observed", "below"])


def prior_draws(name: str, evidence: Any, *, seed: int = 0, draws: int = DRAWS, **options: Any) -> PriorDraws:
    """Draw parameters and data under the hyperpriors.

    Parameters
    ----------
    name : str
        A parameter of the catalogue that has a reference model.
    evidence : Evidence, SeriesEvidence or FeatureEvidence
        Gives the assets, and how much data there is.
    seed : int
        Of the draws.
    draws : int
        Draws of the hyperpriors.
    **options
        Of the model, such as ``priors``.

    Raises
    ------
    EvidenceError
        If the parameter has no reference model.
    """
    if name not in fittable():
        raise EvidenceError(f"no reference model for {name!r}; there are {', '.join(fittable())}")
    model = getattr(pymc_models, model_of(name))(evidence, **options)
    observed = list(model.observed_RVs)
    found = pm.draw([*_reported(name, model), *observed], draws=draws, random_seed=seed, mode="FAST_COMPILE")
    found = [np.asarray(x, dtype=float) for x in found]
    shown = len(found) - len(observed)
    values = _value(name, found[:shown], np.random.default_rng(seed)).ravel()
    low, high = parameter(name).plausible
    means = {
        rv.name: np.append(x.mean(axis=tuple(range(1, x.ndim))), float(np.mean(_data(model, rv))))
        for rv, x in zip(observed, found[shown:], strict=True)
    }
    return PriorDraws(values, (low, high), float(np.mean(values < low)), float(np.mean(values > high)), means)


def _data(model: pm.Model, rv: Any) -> FloatArray:
    return np.asarray(model.rvs_to_values[rv].eval(), dtype=float)


def _reported(name: str, model: pm.Model) -> list[Any]:
    if name == "toxic_hour_gamma_mult":
        return [model["kind_cost_bps"]]
    if name == "cascade_oi_threshold":
        return [model["m_u"], model["tau_u"]]
    return [model[name]]


def _value(name: str, found: list[FloatArray], rng: np.random.Generator) -> FloatArray:
    if name == "toxic_hour_gamma_mult":
        cost = np.maximum(found[0], SMALL_BPS)
        return cost[..., TOXIC] / cost[..., NORMAL]
    if name == "cascade_oi_threshold":
        mean, sd = found
        return np.exp(mean + sd * rng.standard_normal(mean.shape))
    return found[0]


def statement(name: str, found: PriorDraws) -> str:
    """Say what share of the prior lies where no truth was found.

    Parameters
    ----------
    name : str
        Parameter.
    found : PriorDraws
        Draws of it.
    """
    low, high = found.plausible
    outside, unit = found.below + found.above, CATALOGUE[name].unit
    return (
        f"{100 * outside:.2g} % of new assets lie outside {low:g} to {high:g} {unit}, where truths of {name} are found:"
        f" {100 * found.below:.2g} % below, {100 * found.above:.2g} % above."
    )
