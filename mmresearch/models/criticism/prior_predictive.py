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
#: Expected counts above this are not drawn: their scatter is no matter.
_COUNTABLE = 1e15
_COUNTS = ("negative_binomial", "poisson")


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
    rng = np.random.default_rng(seed)
    wanted = [_reported(name, model), *(_law(rv) for rv in model.observed_RVs)]
    drawn = iter(pm.draw([x for some in wanted for x in some], draws=draws, random_seed=seed, mode="FAST_COMPILE"))
    shown, *again = [[np.asarray(next(drawn), dtype=float) for _ in some] for some in wanted]
    values = _value(name, shown, rng).ravel()
    low, high = parameter(name).plausible
    means = {
        rv.name: np.append(_mean(_replicated(rv, law, rng)), float(np.mean(_data(model, rv))))
        for rv, law in zip(model.observed_RVs, again, strict=True)
    }
    return PriorDraws(values, (low, high), float(np.mean(values < low)), float(np.mean(values > high)), means)


def _law(rv: Any) -> list[Any]:
    """What is drawn of something observed: of counts their law, since a wide prior has means that no integer holds."""
    return rv.owner.op.dist_params(rv.owner) if rv.owner.op.name in _COUNTS else [rv]


def _replicated(rv: Any, law: list[FloatArray], rng: np.random.Generator) -> FloatArray:
    if rv.owner.op.name not in _COUNTS:
        return law[0]
    with np.errstate(divide="ignore"):  # a chance of 0 is a mean beyond all numbers
        mean = law[0] if len(law) == 1 else rng.gamma(law[0], np.minimum(1 / law[1] - 1, np.finfo(float).max))
    few = mean < _COUNTABLE  # false too where the law is 0 times infinity, which is left out of the mean
    return np.where(few, rng.poisson(np.where(few, mean, 0.0)), mean)


def _mean(values: FloatArray) -> FloatArray:
    """Mean of each replicate over the rows that have a law."""
    rows = values.reshape(len(values), -1)
    known = ~np.isnan(rows)
    return (np.where(known, rows, 0.0) / np.maximum(known.sum(axis=1, keepdims=True), 1)).sum(axis=1)


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
